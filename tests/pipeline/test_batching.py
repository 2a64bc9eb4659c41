from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.database.writer import DatabaseWriter
from tests.support import check_books, end_spans, recording, stored, value, wait_until, write_locked


@pytest.fixture
def batch_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the number of records of every transaction."""
    sizes: list[int] = []
    write = DatabaseWriter.write

    def observed(self: DatabaseWriter, batch: object, counts_after: object) -> object:
        result = write(self, batch, counts_after)  # type: ignore[arg-type]
        sizes.append(result.written)
        return result

    monkeypatch.setattr(DatabaseWriter, "write", observed)
    return sizes


def test_fifty_events_are_written_without_waiting_for_the_delay(tmp_path: Path, batch_sizes: list[int]) -> None:
    """A full batch goes at once, whatever the schedule delay is."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)
    end_spans(processor, 50)
    wait_until(lambda: processor.stats().written == 50, what="a full batch is written")
    assert batch_sizes == [50]
    processor.shutdown()
    check_books(path, processor)


def test_fewer_than_fifty_events_wait_for_the_delay(tmp_path: Path, batch_sizes: list[int]) -> None:
    """Forty-nine events stay queued while the delay lasts, and are written as one batch."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)
    end_spans(processor, 49)
    time.sleep(0.1)
    assert processor.stats().queue_depth == 49
    assert not path.exists()
    assert processor.force_flush()
    assert batch_sizes == [49]
    processor.shutdown()
    check_books(path, processor)


def test_what_the_delay_gathered_is_one_batch(tmp_path: Path, batch_sizes: list[int]) -> None:
    """Ten events within the delay are durable after it, in one transaction, without anybody asking."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=100)
    end_spans(processor, 10)
    wait_until(lambda: processor.stats().written == 10, what="the delay ends")
    assert batch_sizes == [10]
    processor.shutdown()


def test_no_transaction_is_larger_than_the_batch_size(tmp_path: Path, batch_sizes: list[int]) -> None:
    """A backlog is written in transactions of at most fifty events each."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        with write_locked(path):
            end_spans(processor, 300)
        assert processor.force_flush()
        assert stored(path) == 301
    assert max(batch_sizes) == 50


def test_a_small_rest_gathers_more_before_it_is_written(tmp_path: Path, batch_sizes: list[int]) -> None:
    """After a full batch, the few events that came meanwhile wait for their own delay."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", schedule_delay_millis=3_600_000)
    end_spans(processor, 53)
    wait_until(lambda: processor.stats().written == 50, what="the full batch is written")
    time.sleep(0.05)
    assert processor.stats().queue_depth == 3
    processor.shutdown()
    assert batch_sizes == [50, 3]


def test_every_single_event_becomes_durable_by_itself(tmp_path: Path) -> None:
    """No wake-up is lost: whenever an event comes, in whatever state the thread is, it is written within its window."""
    path = tmp_path / "traces.db"
    with recording(path, schedule_delay_millis=1) as processor:
        for number in range(300):
            end_spans(processor, 1)
            if number % 3 == 0:
                time.sleep(0.0005 * (number % 7))
            wait_until(partial(_has_written, processor, number + 2), what="the event is written")


def test_events_from_many_threads_are_all_written(tmp_path: Path) -> None:
    """Eight threads that end spans at once lose none of them while the queue has room."""
    path = tmp_path / "traces.db"
    with recording(path, max_queue_size=4096, schedule_delay_millis=5) as processor:
        threads = [threading.Thread(target=end_spans, args=(processor, 250)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert processor.force_flush()
        assert processor.stats().written == 2001
    assert value(path, "SELECT count(*) FROM spans") == 2001


def _has_written(processor: SQLiteSpanProcessor, count: int) -> bool:
    return processor.stats().written == count
