"""Batches that follow each other are written without a look at the file after each; what goes with it comes again.

In every test a backlog of six batches is written, and something happens after the third.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.database import unseen
from tests.support import check_books, check_file, end_spans, exporter_threads, query, stored, wait_until, write_locked

BATCH = 50
BACKLOG = 6 * BATCH


@pytest.fixture(autouse=True)
def no_look_but_the_first_and_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have looks wait for as long as batches follow."""
    monkeypatch.setattr(unseen, "_LOOK_SECONDS", 3600.0)


def write_backlog(
    processor: SQLiteSpanProcessor,
    path: Path,
    then: Callable[[], object],
    *,
    spans: int = BACKLOG,
    is_whole: bool = True,
) -> None:
    """Have a first look taken and a backlog written; do something when three batches of it are committed."""
    end_spans(processor)
    assert processor.force_flush()
    writes: list[str | None] = []

    def observe(_duration: float, error: str | None) -> None:
        if error is None:
            writes.append(error)
            if len(writes) == 3:
                then()

    with write_locked(path):
        end_spans(processor, spans, note="x" * 3000)  # a page of the log each
        processor._exporter_thread._on_write = observe
    if not is_whole:
        return
    wait_until(lambda: processor.stats().queue_depth == 0, what="the backlog is taken")
    processor._exporter_thread._on_write = None


def delete(path: Path) -> None:
    """Delete a file with all that belongs to it."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def rows_of(*paths: Path) -> set[tuple[object, ...]]:
    """Return the ids of the spans in some files."""
    return {row for path in paths for row in query(path, "SELECT trace_id, span_id FROM spans")}


def test_a_look_waits_while_batches_follow(tmp_path: Path) -> None:
    """The spans of the backlog count as written once the file was seen, all of them together."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)
    written: list[int] = []
    write_backlog(processor, path, lambda: written.append(processor.stats().written))
    assert processor.force_flush()
    assert written == [1]
    assert processor.stats().written == stored(path) == BACKLOG + 1
    processor.shutdown()
    check_books(path, processor)
    check_file(path)


@pytest.mark.parametrize("remove", [delete, lambda path: path.write_bytes(b"")], ids=["deleted", "emptied"])
def test_all_that_went_with_a_file_is_written_again(tmp_path: Path, remove: Callable[[Path], object]) -> None:
    """The new file has every span that was not known to be safe, and its ledger counts these."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)
    write_backlog(processor, path, lambda: remove(path))
    assert processor.force_flush()
    processor.shutdown()
    known = processor.stats().written - BACKLOG
    assert known == 1
    assert stored(path) >= BACKLOG - BATCH
    assert query(path, "SELECT written, dropped FROM recorders") == [(stored(path), 0)]
    check_file(path)


def test_a_long_log_is_not_moved_into_an_emptied_file(tmp_path: Path) -> None:
    """However much is written before anybody looks at the file, that it was emptied is seen."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000, max_queue_size=4096)
    write_backlog(processor, path, lambda: path.write_bytes(b""), spans=2000)
    assert processor.force_flush()
    processor.shutdown()
    assert processor.stats().written == 2001
    assert stored(path) >= 2000 - BATCH
    assert query(path, "SELECT written, dropped FROM recorders") == [(stored(path), 0)]
    check_file(path)


def test_a_renamed_file_keeps_what_it_has(tmp_path: Path) -> None:
    """Every span is in one of the two; only the batch after which that was noticed is in both."""
    path, old = tmp_path / "traces.db", tmp_path / "old.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)
    write_backlog(processor, path, lambda: path.rename(old))
    assert processor.force_flush()
    processor.shutdown()
    assert len(rows_of(path, old)) == processor.stats().written == BACKLOG + 1
    assert stored(path) == BATCH
    for file in (path, old):
        assert query(file, "SELECT written FROM recorders") == [(stored(file),)]
        check_file(file)


def test_what_can_not_be_written_again_is_counted_as_lost(tmp_path: Path) -> None:
    """Where no new file can be made, the books tell of every span that went with the old one."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)

    def replace_by_a_foreign_file() -> None:
        delete(path)
        path.write_text("nothing that SQLite would open", encoding="utf-8")

    write_backlog(processor, path, replace_by_a_foreign_file)
    assert not processor.force_flush()
    processor.shutdown()
    stats = processor.stats()
    assert stats.received == stats.written + stats.dropped["write_error"] == BACKLOG + 1
    assert stats.dropped["write_error"] >= BACKLOG - BATCH
    assert path.read_text(encoding="utf-8") == "nothing that SQLite would open"


@pytest.mark.parametrize("is_deleted", [False, True], ids=["kept", "deleted"])
def test_who_locks_the_file_learns_nothing_wrong(tmp_path: Path, *, is_deleted: bool) -> None:
    """While nothing can be written, what was committed counts as written, unless it is gone with its file."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)
    end_spans(processor)
    assert processor.force_flush()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("SELECT count(*) FROM spans").fetchone()

    told: list[int] = []

    def lock() -> None:
        told.append(processor.stats().written)
        if is_deleted:
            delete(path)
        other.execute("BEGIN IMMEDIATE")

    write_backlog(processor, path, lock, is_whole=False)
    wait_until(lambda: processor.stats().last_error, what="an attempt fails")
    expected = told[0] if is_deleted else 2 + 3 * BATCH
    assert processor.stats().written == expected
    processor.shutdown(timeout_millis=300)
    wait_until(lambda: not exporter_threads(), what="the thread ends")
    other.close()
    stats = processor.stats()
    assert stats.written == expected
    assert stats.dropped["write_error"] == BACKLOG + 2 - expected
    assert is_deleted or stored(path) == expected


def test_what_is_in_the_file_counts_when_the_time_of_a_shutdown_is_up(tmp_path: Path) -> None:
    """What was not taken any more is lost; what was committed before is in the file, seen or not."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)
    delivery = processor._exporter_thread._loop.delivery

    def run_out_of_time() -> None:
        delivery.deadline = time.monotonic()

    write_backlog(processor, path, run_out_of_time)
    processor.shutdown()
    assert processor.stats().written == stored(path) == 1 + 3 * BATCH
    assert processor.stats().dropped["write_error"] == BACKLOG - 3 * BATCH
    check_books(path, processor)
    check_file(path)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_is_in_the_file_counts_when_the_thread_fails(tmp_path: Path) -> None:
    """An exporter thread that dies between two batches has not lost those before."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)

    def die() -> None:
        raise SystemExit

    write_backlog(processor, path, die)
    processor.force_flush()
    processor.shutdown()
    assert processor.stats().written == stored(path) == BACKLOG + 1
    check_books(path, processor)
    check_file(path)


def test_a_fork_makes_sure_of_what_was_committed(tmp_path: Path) -> None:
    """Before a fork the file is closed, and looked at for that: what went with it comes again as well."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)
    database = processor._exporter_thread._loop.delivery._recorder.database

    def delete_and_fork() -> None:
        delete(path)
        database.close()

    write_backlog(processor, path, delete_and_fork)
    assert processor.force_flush()
    processor.shutdown()
    assert processor.stats().written == BACKLOG + 1
    assert query(path, "SELECT written, dropped FROM recorders") == [(stored(path), 0)]
    assert stored(path) >= BACKLOG - BATCH
    check_file(path)
