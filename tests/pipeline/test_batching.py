from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from otel_sqlite_exporter import SQLiteLogRecordProcessor, SQLiteSpanProcessor
from otel_sqlite_exporter.database.writer import DatabaseWriter
from otel_sqlite_exporter.pipeline import export_loop
from tests.support import (
    CHAT,
    check_books,
    end_spans,
    provider_with,
    recording,
    stored,
    value,
    wait_until,
    write_locked,
)

HOUR = 3_600_000


@pytest.fixture
def batch_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the number of records of every transaction."""
    sizes: list[int] = []
    write = DatabaseWriter.write

    def observed(self: DatabaseWriter, batch: object, counts_after: object, **options: object) -> object:
        result = write(self, batch, counts_after, **options)  # type: ignore[arg-type]
        sizes.append(result.written)
        return result

    monkeypatch.setattr(DatabaseWriter, "write", observed)
    return sizes


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what sets the exporter thread's clock an hour ahead."""
    hours = [0]

    def ahead() -> None:
        hours[0] += 1

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + hours[0] * HOUR / 1e3)
    monkeypatch.setattr(export_loop, "time", clock)
    return ahead


def test_an_idle_recorder_writes_the_first_event_at_once(tmp_path: Path, batch_sizes: list[int]) -> None:
    """Whatever the schedule delay is, the first call is in the file while the application goes on, for all to read."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=HOUR)
    end_spans(processor, 1)
    wait_until(lambda: processor.stats().written == 1, what="the first event is written")
    assert value(path, "SELECT count(*) FROM llm_calls") == 1
    assert batch_sizes == [1]
    processor.shutdown()
    check_books(path, processor)


def test_after_a_pause_of_the_delay_a_recorder_is_idle_again(
    tmp_path: Path, batch_sizes: list[int], later: Callable[[], None]
) -> None:
    """A call every few seconds is written at once every time, in a transaction of its own."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", schedule_delay_millis=HOUR)
    for number in range(1, 6):
        end_spans(processor, 1)
        wait_until(partial(_has_written, processor, number), what="the event is written")
        wait_until(lambda: processor._exporter_thread.coordination.is_idle, what="the thread sleeps")
        later()
    assert batch_sizes == [1] * 5
    processor.shutdown()


def test_log_events_before_a_call_do_not_hold_it_back(tmp_path: Path) -> None:
    """A prompt that comes as a log event, some time before its call ends, is no reason for the call to wait."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=HOUR)
    emit = SQLiteLogRecordProcessor(processor)
    tracer = provider_with(processor).get_tracer("tests")
    with tracer.start_as_current_span("chat", attributes=CHAT) as span:
        context = span.get_span_context()
        record = SimpleNamespace(
            event_name="gen_ai.user.message",
            body={"content": "Who pays?"},
            attributes={},
            trace_id=context.trace_id,
            span_id=context.span_id,
        )
        emit.on_emit(record)  # type: ignore[arg-type]  # in every version of the SDK
        loop = processor._exporter_thread._loop
        wait_until(lambda: not loop.is_anything_queued, what="the log event is taken")
    wait_until(lambda: processor.stats().written == 1, what="the call is written")
    assert value(path, "SELECT input_text FROM llm_calls") == "Who pays?"
    processor.shutdown()


def test_fifty_events_are_written_without_waiting_for_the_delay(tmp_path: Path, batch_sizes: list[int]) -> None:
    """A full batch goes at once, whatever the schedule delay is."""
    path = tmp_path / "traces.db"
    with recording(path, schedule_delay_millis=HOUR) as processor:
        end_spans(processor, 50)
        wait_until(lambda: processor.stats().written == 51, what="a full batch is written")
        assert batch_sizes == [1, 50]


def test_fewer_than_fifty_events_wait_for_the_delay(tmp_path: Path, batch_sizes: list[int]) -> None:
    """Forty-nine events after the first stay queued while the delay lasts, and are written as one batch."""
    path = tmp_path / "traces.db"
    with recording(path, schedule_delay_millis=HOUR) as processor:
        end_spans(processor, 49)
        time.sleep(0.1)
        assert processor.stats().queue_depth == 49
        assert stored(path) == 1
        assert processor.force_flush()
        assert batch_sizes == [1, 49]


def test_what_the_delay_gathered_is_one_batch(
    tmp_path: Path, batch_sizes: list[int], later: Callable[[], None]
) -> None:
    """Ten events within the delay are durable after it, in one transaction, without anybody asking."""
    with recording(tmp_path / "traces.db", schedule_delay_millis=HOUR) as processor:
        end_spans(processor, 10)
        time.sleep(0.05)
        assert processor.stats().queue_depth == 10
        later()
        processor._exporter_thread.coordination.wake.set()  # as its timeout does, an hour later
        wait_until(lambda: processor.stats().written == 11, what="the delay ends")
        assert batch_sizes == [1, 10]


def test_the_delay_ends_by_itself(tmp_path: Path) -> None:
    """Nobody need do anything for what was gathered to be written."""
    with recording(tmp_path / "traces.db", schedule_delay_millis=100) as processor:
        for expected in (11, 21, 31):
            end_spans(processor, 10)
            wait_until(partial(_has_written, processor, expected), what="the delay ends")


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
    with recording(tmp_path / "traces.db", schedule_delay_millis=HOUR) as processor:
        end_spans(processor, 53)
        wait_until(lambda: processor.stats().written == 51, what="the full batch is written")
        time.sleep(0.05)
        assert processor.stats().queue_depth == 3
    assert batch_sizes == [1, 50, 3]


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
