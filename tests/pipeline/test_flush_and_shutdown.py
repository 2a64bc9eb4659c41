from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.support import (
    CHAT,
    check_books,
    end_spans,
    exporter_threads,
    open_descriptors,
    provider_with,
    query,
    recording,
    span_of,
    stored,
    value,
    wait_until,
    write_locked,
)


def test_force_flush_makes_everything_durable(tmp_path: Path) -> None:
    """What ended before a flush is in the file when it answers True."""
    path = tmp_path / "traces.db"
    with recording(path, schedule_delay_millis=3_600_000) as processor:
        for expected in range(2, 40):
            end_spans(processor, 1)
            assert processor.force_flush()
            assert stored(path) == expected


def test_force_flush_never_answers_early(tmp_path: Path) -> None:
    """A flush that comes while the thread takes events off the queue waits for those, too."""
    path = tmp_path / "traces.db"
    with recording(path, schedule_delay_millis=1) as processor:
        for expected in range(2, 150):
            end_spans(processor, 1)
            time.sleep(0.00025 * (expected % 8))
            assert processor.force_flush()
            assert processor.stats().written == expected


def test_force_flush_keeps_its_timeout_and_answers_false(tmp_path: Path) -> None:
    """While the file is locked, a flush comes back after its timeout, and the spans are kept."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        with write_locked(path):
            end_spans(processor, 3)
            assert processor.force_flush(50) is False
            assert processor.force_flush(0) is False
            assert processor.stats().written == 1
        assert processor.force_flush() is True
        assert processor.stats().written == 4


def test_force_flush_of_nothing_needs_neither_thread_nor_file(tmp_path: Path) -> None:
    """With nothing recorded there is nothing to wait for."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    assert processor.force_flush(0) is True
    assert exporter_threads() == []
    processor.shutdown()
    assert not path.exists()


@pytest.mark.parametrize("timeout", [None, float("inf"), float("nan"), -1, 1e300])
def test_any_number_is_a_timeout(tmp_path: Path, timeout: float | None) -> None:
    """A timeout that no clock could wait for is no reason to raise."""
    with recording(tmp_path / "traces.db") as processor:
        end_spans(processor, 1)
        processor.force_flush(timeout)  # type: ignore[arg-type]
        processor.shutdown(timeout)  # type: ignore[arg-type]
        assert processor.force_flush(timeout) is False  # type: ignore[arg-type]


def test_a_flush_tells_when_spans_were_lost(tmp_path: Path) -> None:
    """A flush after which some of the spans are counted as lost does not answer True."""
    path = tmp_path / "traces.db"

    def redact(_key: str, text: str) -> str:
        wait_until(lambda: processor._exporter_thread.coordination.flushes, what="somebody waits for the spans")
        return text

    processor = SQLiteSpanProcessor(path, redact=redact)
    path.write_text("somebody else's notes, written after the processor was made " * 100)
    for number in range(1, 4):
        processor.on_end(span_of({**CHAT, "gen_ai.prompt": "hello"}, span_id=number))
    assert processor.force_flush() is False
    assert processor.stats().dropped["write_error"] == 3
    assert processor.force_flush() is True  # nothing was lost since
    processor.shutdown()
    assert path.read_text().startswith("somebody else's notes")


def test_shutdown_writes_what_is_queued(tmp_path: Path) -> None:
    """Nothing that ended before the shutdown is lost, and the ledger tells of a clean end."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000)
    end_spans(processor, 33)
    processor.shutdown()
    assert stored(path) == 33
    assert query(path, "SELECT clean_exit, ended_unix_nano >= started_unix_nano FROM recorders") == [(1, 1)]
    check_books(path, processor)


def test_shutdown_closes_the_file_and_ends_the_thread(tmp_path: Path) -> None:
    """After a shutdown the write-ahead log is gone, and so are the thread and its descriptors."""
    path = tmp_path / "traces.db"
    before = open_descriptors()
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 5)
    processor.shutdown()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["traces.db"]
    wait_until(lambda: exporter_threads() == [], what="the thread ends")
    assert open_descriptors() <= before


def test_shutdown_keeps_its_timeout_and_counts_what_is_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With the file locked, a shutdown gives up after its timeout; what was queued is counted, and logged once."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 1)
    assert processor.force_flush()
    with write_locked(path):
        end_spans(processor, 120)
        started = time.monotonic()
        processor.shutdown(200)
        assert time.monotonic() - started >= 0.19
        wait_until(lambda: exporter_threads() == [], what="the thread ends")
        stats = processor.stats()
    assert stats.dropped["write_error"] == 120
    assert stats.received == stats.written + sum(stats.dropped.values())
    assert stats.queue_depth == 0
    assert stats.last_error is not None
    assert "locked" in stats.last_error
    assert [line for line in caplog.messages if "ran out of time" in line] == [
        f"{path}: the shutdown ran out of time; 120 spans are lost"
    ]


def test_a_short_wait_for_another_process_is_no_trouble(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A lock that is held for a moment leaves neither a log line nor an error behind."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        with write_locked(path):
            end_spans(processor, 60)
            time.sleep(0.15)
        assert processor.force_flush()
        assert processor.stats().last_error is None
    assert caplog.messages == []


def test_shutdown_waits_for_a_lock_that_is_released_in_time(tmp_path: Path) -> None:
    """A file that is locked for a moment only does not cost the clean end of the ledger."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        with write_locked(path):
            end_spans(processor, 3)
            thread = threading.Thread(target=processor.shutdown)
            thread.start()
            time.sleep(0.2)
        thread.join()
    assert query(path, "SELECT written, clean_exit FROM recorders") == [(4, 1)]


def test_the_ledger_waits_for_a_lock_at_the_end(tmp_path: Path) -> None:
    """With everything written and the file locked, the shutdown still waits to end the ledger."""
    path = tmp_path / "traces.db"
    with recording(path) as processor, write_locked(path) as lock:
        thread = threading.Thread(target=processor.shutdown)
        thread.start()
        time.sleep(0.2)
        lock.execute("ROLLBACK")
        thread.join()
        lock.execute("BEGIN")
    assert value(path, "SELECT clean_exit FROM recorders") == 1


def test_spans_after_the_shutdown_are_counted(tmp_path: Path) -> None:
    """A span that ends too late starts no thread, opens no file and raises nothing."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        processor.shutdown()
        end_spans(processor, 7)
        assert processor.stats().dropped["already_shutdown"] == 7
        assert processor.force_flush() is False
        wait_until(lambda: exporter_threads() == [], what="the thread of the first span ends, and no other starts")
    assert stored(path) == 1


def test_a_shutdown_before_the_first_span_creates_nothing(tmp_path: Path) -> None:
    """A processor that recorded nothing leaves no file, whenever it is shut down."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    processor.shutdown()
    end_spans(processor, 2)
    assert processor.stats().dropped["already_shutdown"] == 2
    assert list(tmp_path.iterdir()) == []


def test_only_the_first_shutdown_counts(tmp_path: Path) -> None:
    """A second shutdown changes nothing, and comes back at once."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        processor.shutdown()
        before = value(path, "SELECT ended_unix_nano FROM recorders")
        processor.shutdown()
        processor.shutdown(0)
        assert value(path, "SELECT ended_unix_nano FROM recorders") == before


def test_shutdown_flush_and_spans_may_race(tmp_path: Path) -> None:
    """Whatever eight threads do at once, nothing raises, nothing hangs, and every span is accounted for."""
    for number in range(25):
        path = tmp_path / f"{number}.db"
        processor = SQLiteSpanProcessor(path, schedule_delay_millis=1)
        barrier = threading.Barrier(8)
        provider = provider_with(processor)

        def act(role: int, provider: object = provider, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            if role < 4:
                for _ in range(30):
                    provider.get_tracer("t").start_span("chat", attributes={"gen_ai.system": "openai"}).end()  # type: ignore[attr-defined]
            elif role < 6:
                provider.force_flush(2000)  # type: ignore[attr-defined]
            else:
                time.sleep(0.001 * (role - 6))
                provider.shutdown()  # type: ignore[attr-defined]

        threads = [threading.Thread(target=act, args=(role,)) for role in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        stats = processor.stats()
        assert stats.received == 120
        assert stats.received == stats.written + sum(stats.dropped.values())
        if path.exists():
            assert stored(path) == stats.written
            assert value(path, "SELECT received - written - dropped FROM recorders") == 0
    wait_until(lambda: exporter_threads() == [], what="every thread ends")


def test_a_late_producer_is_counted_in_the_ledger(tmp_path: Path) -> None:
    """An event that slips into the queue after the last look at it is counted as too late, in the ledger as well."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        end = processor._exporter_thread._loop.delivery.end

        def slip_in() -> None:
            processor._intake.offer(span_of(span_id=99))
            end()

        processor._exporter_thread._loop.delivery.end = slip_in  # type: ignore[method-assign]
        processor.shutdown()
        assert processor.stats().dropped["already_shutdown"] == 1
        assert processor.stats().received == 2
