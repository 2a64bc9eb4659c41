from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor, __version__
from otel_sqlite_exporter.database.batch import Batch
from otel_sqlite_exporter.database.schema import DROP_REASONS
from otel_sqlite_exporter.pipeline import heartbeat
from tests.support import (
    check_books,
    check_file,
    end_spans,
    provider_with,
    query,
    recording,
    stored,
    value,
    wait_until,
    write_locked,
)


def test_one_row_tells_the_whole_story_of_a_process(tmp_path: Path) -> None:
    """Received, written, skipped and dropped by reason, with times and the way it ended."""
    path = tmp_path / "traces.db"
    with recording(path, max_queue_size=60, schedule_delay_millis=3_600_000) as processor:
        provider_with(processor).get_tracer("web").start_span("GET /").end()
        with write_locked(path):
            end_spans(processor, 50)
            wait_until(lambda: processor.stats().queue_depth == 0, what="a batch is in hand")
            end_spans(processor, 100)
        assert processor.force_flush()
    (row,) = query(
        path,
        "SELECT pid, version, received, written, skipped, dropped_queue_full, dropped, clean_exit, "
        "started_unix_nano <= last_heartbeat_unix_nano, last_heartbeat_unix_nano <= ended_unix_nano FROM recorders",
    )
    assert row == (os.getpid(), __version__, 152, 111, 1, 40, 40, 1, 1, 1)


def test_the_drop_reasons_are_columns(tmp_path: Path) -> None:
    """Each reason of ``stats()`` has a column of the same name."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        assert tuple(processor.stats().dropped) == DROP_REASONS
    columns = {row[1] for row in query(path, "SELECT * FROM pragma_table_xinfo('recorders')")}
    assert {f"dropped_{reason}" for reason in DROP_REASONS} <= columns


def test_a_process_that_has_not_ended_is_seen_as_such(tmp_path: Path) -> None:
    """Until the end, the row has no end and no clean exit, as after ``kill -9``."""
    path = tmp_path / "traces.db"
    with recording(path):
        assert query(path, "SELECT ended_unix_nano, clean_exit FROM recorders") == [(None, 0)]


def test_a_process_that_has_nothing_to_do_says_so_once_and_then_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Soon after a batch the ledger says that nothing gathers, until the next one; then come heartbeats."""
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 0.05)
    path = tmp_path / "traces.db"
    with recording(path, schedule_delay_millis=20) as processor:
        end_spans(processor)
        wait_until(lambda: stored(path) == 2, what="the span is written")
        wait_until(lambda: value(path, "SELECT idle FROM recorders") == 1, what="the process says that it is idle")
        before = value(path, "SELECT last_heartbeat_unix_nano FROM recorders")
        provider_with(processor).get_tracer("web").start_span("GET /").end()
        wait_until(
            lambda: (
                query(path, "SELECT received, skipped FROM recorders WHERE last_heartbeat_unix_nano > ?", before)
                == [(3, 1)]
            ),
            what="a heartbeat tells of a span that needs no row",
        )
        monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 3600)
    gathering = tmp_path / "gathering.db"
    with recording(gathering, schedule_delay_millis=3_600_000) as processor:
        end_spans(processor)
        assert processor.force_flush()
        assert query(gathering, "SELECT received, written, idle FROM recorders") == [(2, 2, 0)]


def test_a_heartbeat_brings_no_file_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is deleted while nothing is recorded stays away until there is something to record."""
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 0.01)
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=5)
    end_spans(processor)
    assert processor.force_flush()
    wait_until(lambda: value(path, "SELECT idle FROM recorders") == 1, what="it is idle")
    for file in sorted(tmp_path.iterdir()):  # the log first would be a file that lost its log
        file.unlink(missing_ok=True)
    time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []
    end_spans(processor)
    processor.shutdown()
    assert query(path, "SELECT received, written FROM recorders") == [(1, 1)]


def test_drops_are_in_the_file_while_the_process_lives(tmp_path: Path) -> None:
    """What was lost is told to the file as soon as it can be written, not at the end only."""
    path = tmp_path / "traces.db"
    with recording(path, max_queue_size=10, max_export_batch_size=5, schedule_delay_millis=3_600_000) as processor:
        with write_locked(path):
            end_spans(processor, 5)
            wait_until(lambda: processor.stats().queue_depth == 0, what="a batch is in hand")
            end_spans(processor, 30)
        wait_until(lambda: value(path, "SELECT dropped_queue_full FROM recorders") == 20, what="the ledger tells")


def test_each_span_names_its_recorder(tmp_path: Path) -> None:
    """The rows of a recorder are as many as it says that it wrote."""
    path = tmp_path / "traces.db"
    processors = [SQLiteSpanProcessor(path) for _ in range(3)]
    for number, processor in enumerate(processors, 1):
        end_spans(processor, 10 * number)
    for processor in processors:
        processor.shutdown()
    assert query(
        path,
        "SELECT r.written, count(*) FROM recorders r JOIN spans s ON s.recorder_id = r.id GROUP BY r.id ORDER BY 1",
    ) == [(10, 10), (20, 20), (30, 30)]
    check_books(path, *processors)


def test_a_deleted_file_is_made_again_and_tells_of_what_it_holds(tmp_path: Path) -> None:
    """After the file was deleted, the next batch makes a new one whose ledger counts the rows in it."""
    path = tmp_path / "traces.db"
    with contextlib.ExitStack() as stack:
        processor = SQLiteSpanProcessor(path)
        stack.callback(processor.shutdown)
        for round_ in range(1, 4):
            end_spans(processor, 10)
            assert processor.force_flush()
            for file in sorted(tmp_path.iterdir()):  # the log first would be a file that lost its log
                file.unlink()
            end_spans(processor, 7)
            assert processor.force_flush()
            assert stored(path) == 7
            assert query(path, "SELECT received, written FROM recorders") == [(7, 7)]
            assert processor.stats().written == 17 * round_
    check_file(path)
    assert value(path, "SELECT clean_exit FROM recorders") == 1


@pytest.mark.parametrize("with_log", [False, True], ids=["alone", "with its log"])
def test_a_renamed_file_keeps_everything_and_a_new_one_goes_on(tmp_path: Path, *, with_log: bool) -> None:
    """Log rotation by rename: the old file is complete even where its log stayed behind, and the new one is clean."""
    path, old = tmp_path / "traces.db", tmp_path / "old.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 30)
    assert processor.force_flush()
    path.rename(old)
    if with_log:
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").rename(f"{old}{suffix}")
    end_spans(processor, 20)
    assert processor.force_flush()
    end_spans(processor, 5)
    processor.shutdown()
    assert query(path, "SELECT received, written, clean_exit FROM recorders") == [(25, 25, 1)]
    assert stored(path) == 25
    check_file(path)
    assert stored(old) >= 30
    assert value(old, "SELECT clean_exit FROM recorders") == 0
    check_file(old)


def test_drops_stand_in_one_of_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that is written while the file is renamed may be in both files; what was lost before it is in one."""
    path, old = tmp_path / "traces.db", tmp_path / "old.db"
    processor = SQLiteSpanProcessor(path, max_queue_size=60, schedule_delay_millis=3_600_000)
    end_spans(processor)
    assert processor.force_flush()
    delivery = processor._exporter_thread._loop.delivery
    attempt, attempts = delivery._try, list[Batch]()

    def counted(batch: Batch, *, is_followed: bool) -> Exception | None:
        attempts.append(batch)
        return attempt(batch, is_followed=is_followed)

    monkeypatch.setattr(delivery, "_try", counted)
    with write_locked(path):
        end_spans(processor, 50)
        wait_until(lambda: processor.stats().queue_depth == 0, what="a batch is in hand")
        end_spans(processor, 100)
        path.rename(old)
        before = len(attempts)
        wait_until(lambda: len(attempts) > before, what="an attempt that knows of the drops begins")
    processor.shutdown()
    ledgers = [query(file, "SELECT written, dropped FROM recorders")[0] for file in (old, path)]
    assert ledgers == [(51, 40), (110, 0)]


def test_a_file_replaced_by_an_older_copy_gets_a_row_of_its_own(tmp_path: Path) -> None:
    """A restored backup does not claim the spans that were written after it was taken."""
    path, backup = tmp_path / "traces.db", tmp_path / "backup.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 10)
    assert processor.force_flush()
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    backup.chmod(0o600)
    end_spans(processor, 10)
    assert processor.force_flush()
    backup.replace(path)
    end_spans(processor, 5)
    assert processor.force_flush()
    processor.shutdown()
    assert query(path, "SELECT received, written, clean_exit FROM recorders ORDER BY id") == [(10, 10, 0), (5, 5, 1)]
    assert stored(path) == 15
    check_file(path)


def test_an_emptied_file_is_begun_again(tmp_path: Path) -> None:
    """``> traces.db`` while it is open loses what was in it, and nothing after."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    for _ in range(3):
        end_spans(processor, 10)
        assert processor.force_flush()
        os.truncate(path, 0)
        end_spans(processor, 7)
        assert processor.force_flush()
        assert stored(path) == 7
        check_file(path)
        assert query(path, "SELECT received, written FROM recorders") == [(7, 7)]
    processor.shutdown()


def test_a_directory_that_vanishes_is_made_again(tmp_path: Path) -> None:
    """Deleting the whole directory costs what was in it, and nothing after."""
    path = tmp_path / "data" / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 10)
    assert processor.force_flush()
    shutil.rmtree(path.parent)
    end_spans(processor, 7)
    assert processor.force_flush()
    processor.shutdown()
    assert stored(path) == 7
    check_file(path)


def test_a_file_that_is_gone_at_the_end_is_not_made_again(tmp_path: Path) -> None:
    """When a test suite deletes its directory before the exit hooks run, nothing reappears."""
    path = tmp_path / "data" / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 10)
    assert processor.force_flush()
    shutil.rmtree(path.parent)
    processor.shutdown()
    assert not path.parent.exists()


def test_several_writers_of_one_file_do_not_mistake_each_other_s_ids(tmp_path: Path) -> None:
    """Messages, scopes and resources that another connection stored, or deleted, are looked up again."""
    path = tmp_path / "traces.db"
    first, second = SQLiteSpanProcessor(path), SQLiteSpanProcessor(path)
    for number in range(30):
        for processor in (first, second):
            end_spans(
                processor, 2, **{"gen_ai.prompt": f"question {number % 7}", "gen_ai.completion": f"answer {number % 5}"}
            )
            assert processor.force_flush()
        if number % 10 == 9:
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute("DELETE FROM span_messages")
                connection.execute("DELETE FROM messages")
                connection.commit()
            end_spans(first, 1, **{"gen_ai.prompt": "question 0", "gen_ai.completion": "answer 0"})
            assert first.force_flush()
            assert query(path, "SELECT input_text, output_text FROM llm_calls ORDER BY id DESC LIMIT 1") == [
                ("question 0", "answer 0")
            ]
    first.shutdown()
    second.shutdown()
    check_books(path, first, second)
