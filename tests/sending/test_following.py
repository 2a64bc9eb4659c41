"""What the sender does about a file that changes underneath."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

import pytest

from otel_sqlite_exporter.database import outboxes
from otel_sqlite_exporter.sending.failures import SendingError, StoppedError
from otel_sqlite_exporter.sending.merge import merge_files
from otel_sqlite_exporter.sending.one_sender import only_sender
from otel_sqlite_exporter.sending.stopping import Stop
from tests.sending.conftest import Send, record_spans
from tests.sending.receiver import Reply, StandIn, listening
from tests.support import query, value, wait_until

Recorded = Callable[..., Path]


def change(path: Path, sql: str, *values: object) -> None:
    """Change the file by hand."""
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        connection.execute(sql, values)


@contextmanager
def following(send: Send, path: Path, receiver: StandIn, **options: object) -> Iterator[list[str]]:
    """Have a sender follow the file meanwhile; give the lines that it tells."""
    stop = Stop()
    lines: list[str] = []

    def run() -> None:
        with pytest.raises(StoppedError):
            send(path, receiver.url, is_following=True, stop=stop, lines=lines, **options)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield lines
    finally:
        stop.is_asked = True
        thread.join()


def test_new_rows_and_changed_rows_follow(recorded: Recorded, send: Send) -> None:
    """What is recorded meanwhile goes out, and what changes goes out again with its new values."""
    path = recorded(3)
    with listening() as receiver, following(send, path, receiver):
        wait_until(lambda: len(receiver.keys) == 3, what="the first rows arrive")
        record_spans(path, 2, first=4)
        wait_until(lambda: len(receiver.keys) == 5, what="new rows arrive")
        change(path, "UPDATE spans SET output_tokens = 99 WHERE id = 2")
        wait_until(lambda: len(receiver.keys) == 6, what="the changed row arrives")
    last = receiver.kept[-1]
    assert last.attributes["number"] == 2
    assert last.attributes["gen_ai.usage.output_tokens"] == 99


def test_a_change_before_a_row_is_sent_is_in_it(recorded: Recorded, send: Send) -> None:
    """A row that changed before it went out goes out once, as it is by then."""
    path = recorded(3)
    change(path, "UPDATE spans SET output_tokens = 7")
    with listening() as receiver:
        send(path, receiver.url)
        send(path, receiver.url)
    assert [span.attributes["gen_ai.usage.output_tokens"] for span in receiver.kept] == [7, 7, 7]
    assert value(path, "SELECT last_change_seq = (SELECT max(seq) FROM span_changes) FROM outboxes") == 1


def test_two_names_have_two_cursors(recorded: Recorded, send: Send) -> None:
    """Each outbox has its own place, and changes are kept until both have seen them."""
    path = recorded(2)
    with listening() as receiver:
        send(path, receiver.url, name="one")
        change(path, "UPDATE spans SET user_id = 'u' WHERE id = 1")
        send(path, receiver.url, name="two")
        send(path, receiver.url, name="one")
        send(path, receiver.url, name="two")
    assert [span.attributes["number"] for span in receiver.kept] == [1, 2, 1, 2, 1]


def test_what_is_deleted_before_it_was_sent_is_counted(recorded: Recorded, send: Send) -> None:
    """Rows that are gone before an outbox had them are counted and told; those that it had are not."""
    path = recorded(5)
    with listening() as receiver:
        send(path, receiver.url)
        record_spans(path, 4, first=6)
        change(path, "DELETE FROM span_messages")
        change(path, "DELETE FROM spans WHERE id IN (2, 6, 7)")
        send(path, receiver.url)
    assert [span.attributes["number"] for span in receiver.kept][5:] == [8, 9]
    assert query(path, "SELECT sent, lost FROM outboxes") == [(7, 2)]


def test_a_replaced_file_is_sent_from_its_beginning(recorded: Recorded, send: Send, tmp_path: Path) -> None:
    """What the file that went had left goes out first, then the new one from its first row; one line tells."""
    path = recorded(3)
    with listening() as receiver, following(send, path, receiver) as lines:
        wait_until(lambda: len(receiver.keys) == 3, what="the first rows arrive")
        for suffix in ("", "-wal", "-shm"):
            side = Path(f"{path}{suffix}")
            if side.exists():
                side.rename(tmp_path / f"old.db{suffix}")
        record_spans(path, 2, first=11)
        wait_until(lambda: len(receiver.keys) == 5, what="the new file's rows arrive")
    assert [span.attributes["number"] for span in receiver.kept] == [1, 2, 3, 11, 12]
    assert lines == [f"{path} was replaced: going on with the new file"]
    assert value(path, "SELECT last_span_id FROM outboxes") == 2


def test_two_senders_of_one_name_are_refused(recorded: Recorded, send: Send) -> None:
    """While one sends, another of the same name is refused, and one of another name is not; nothing stays behind."""
    path = recorded(1)
    with listening() as receiver:
        with only_sender(str(path), "test"):
            with pytest.raises(SendingError, match="another process sends as 'test'"):
                send(path, receiver.url)
            send(path, receiver.url, name="other")
        send(path, receiver.url)
    assert len(receiver.keys) == 2
    assert [item.name for item in path.parent.iterdir() if "outbox" in item.name] == []


def test_settling_waits_for_the_root_or_for_time(recorded: Recorded, send: Send) -> None:
    """A span without its root waits for what comes late; once the root is there, or time has passed, it goes out."""
    path = recorded(3)
    sql = "UPDATE spans SET parent_span_id = 'ffffffffffffffff', end_time_unix_nano = ?"
    change(path, sql, time.time_ns() - 10**9)
    with listening() as receiver:
        held, _ = send(path, receiver.url, settle_seconds=60)
        assert (held.sums.sent, held.sums.held_back) == (0, 3)
        change(path, "UPDATE spans SET parent_span_id = NULL WHERE id = 3")
        done, _ = send(path, receiver.url, settle_seconds=60)
    assert (done.sums.sent, done.sums.held_back) == (3, 0)


def test_settling_does_not_wait_for_a_clock(recorded: Recorded, send: Send) -> None:
    """Spans from a time that is still to come are not waited for: the clock was put back since."""
    path = recorded(2)
    sql = "UPDATE spans SET parent_span_id = 'ffffffffffffffff', end_time_unix_nano = ?"
    change(path, sql, time.time_ns() + 10**15)
    with listening() as receiver:
        sender, _ = send(path, receiver.url, settle_seconds=60)
    assert (sender.sums.sent, sender.sums.held_back) == (2, 0)


def test_a_file_that_others_are_merged_into_goes_on(recorded: Recorded, send: Send, tmp_path: Path) -> None:
    """What a merge adds to a file that is followed is sent as well, once."""
    path = recorded(2)
    record_spans(tmp_path / "other.db", 3, first=11)
    with listening() as receiver, following(send, path, receiver) as lines:
        wait_until(lambda: len(receiver.keys) == 2, what="the first rows arrive")
        merge_files(str(path), [str(tmp_path / "other.db")], merged=lambda *_: None, advance=lambda _: None)
        wait_until(lambda: len(receiver.keys) == 5, what="the merged rows arrive")
    assert [span.attributes["number"] for span in receiver.kept] == [1, 2, 11, 12, 13]
    assert lines == []


def test_a_file_that_is_pruned_meanwhile_goes_on(recorded: Recorded, send: Send) -> None:
    """Retention deletes the oldest while a receiver is away: what it took unsent is counted, the rest arrives."""
    path = recorded(6)
    is_back = Event()
    with (
        listening(lambda *_: Reply() if is_back.is_set() else Reply(503, keeps=False)) as receiver,
        following(send, path, receiver, max_spans=2) as lines,
    ):
        wait_until(lambda: receiver.asked, what="the first request")
        change(path, "DELETE FROM spans WHERE id <= 4")
        is_back.set()
        wait_until(lambda: len(receiver.keys) == 4, what="what is left arrives")
        wait_until(lambda: value(path, "SELECT last_span_id FROM outboxes") == 6, what="the cursor is moved")
    assert [span.attributes["number"] for span in receiver.kept] == [1, 2, 5, 6]
    assert len(lines) == 3
    assert lines[2] == "4 spans were deleted before they were sent"


def test_a_receiver_that_is_down_is_waited_for(recorded: Recorded, send: Send) -> None:
    """Nobody listens: one line says so, another one when somebody does, and everything arrives."""
    path = recorded(3)
    receiver = StandIn()
    receiver.start()
    receiver.stop()
    with following(send, path, receiver) as lines:
        wait_until(lambda: lines, what="it says that nobody is there")
        receiver.start()
        try:
            wait_until(lambda: len(receiver.keys) == 3, what="the rows arrive")
        finally:
            receiver.stop()
    assert len(lines) == 2
    assert "refused" in lines[0]


def test_again_fills_a_receiver_that_lost_everything(recorded: Recorded, send: Send) -> None:
    """With is_again everything goes out once more, or what started since; without it nothing does."""
    path = recorded(4)
    change(path, "UPDATE spans SET start_time_unix_nano = id * 1000000000")
    with listening() as receiver:
        send(path, receiver.url)
        send(path, receiver.url, is_again=True)
        send(path, receiver.url, is_again=True, since=3_000_000_000)
        send(path, receiver.url)
    assert [span.attributes["number"] for span in receiver.kept] == [1, 2, 3, 4, 1, 2, 3, 4, 3, 4]


def test_since_passes_over_what_is_older(recorded: Recorded, send: Send) -> None:
    """A new outbox with since begins there."""
    path = recorded(4)
    change(path, "UPDATE spans SET start_time_unix_nano = (5 - id) * 1000000000")
    with listening() as receiver:
        send(path, receiver.url, since=3_000_000_000)
    assert [span.attributes["number"] for span in receiver.kept] == [1, 2]


def test_the_recorder_goes_first(recorded: Recorded, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is locked for long only makes the cursor wait: nothing is lost and nothing fails."""
    monkeypatch.setattr(outboxes, "_BUSY_SECONDS", 0.01)
    path = recorded(2)
    with listening() as receiver:
        send(path, receiver.url)
        record_spans(path, 1, first=3)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            thread = threading.Thread(target=lambda: send(path, receiver.url))
            thread.start()
            thread.join(0.1)
            assert thread.is_alive()
            connection.execute("COMMIT")
        thread.join()
    assert value(path, "SELECT last_span_id FROM outboxes") == 3
    assert len(receiver.keys) == 3
