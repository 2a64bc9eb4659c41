from __future__ import annotations

import gc
import threading
import time
import weakref
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.pipeline.bounded_queue import BoundedQueue
from otel_sqlite_exporter.pipeline.delivery import Delivery
from otel_sqlite_exporter.pipeline.recorder import Recorder
from tests.support import (
    check_books,
    end_spans,
    exporter_threads,
    log_lines,
    open_descriptors,
    recording,
    stored,
    wait_until,
    write_locked,
)


def raise_once(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, error: BaseException) -> None:
    """Have a method raise the first time it is called."""
    original = getattr(owner, name)
    left = [error]

    def method(*arguments: object, **keywords: object) -> object:
        if left:
            raise left.pop()
        return original(*arguments, **keywords)

    monkeypatch.setattr(owner, name, method)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [RuntimeError("a bug"), MemoryError(), SystemExit(1), KeyboardInterrupt()])
@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (Recorder, "convert"),
        (BoundedQueue, "take"),
        (Delivery, "_observe"),  # after a batch was committed
        (Delivery, "write_counts"),
        (Delivery, "maintain"),
    ],
)
def test_recording_goes_on_whatever_is_raised_in_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, owner: type, method: str
) -> None:
    """An error costs at most the batch in hand, which is counted; the next span is stored."""
    path = tmp_path / "traces.db"
    with recording(path) as processor, log_lines() as lines:
        raise_once(monkeypatch, owner, method, error)
        end_spans(processor, 3)
        wait_until(lambda: processor.stats().queue_depth == 0, what="the events are taken")
        end_spans(processor, 4)
        processor.force_flush(5000)
        wait_until(lambda: processor._tally.in_hand == 0, what="nothing is in hand")
        stats = processor.stats()
        assert stats.received == 8
        assert stats.written + stats.dropped["write_error"] == 8
        assert stats.written >= 5
        assert len(lines) <= 1
        assert processor.force_flush()
        assert stored(path) == stats.written


def test_a_thread_that_died_starts_again_for_what_is_queued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that were queued when the thread died do not wait for another one to be written."""
    with recording(tmp_path / "traces.db") as processor:
        monkeypatch.setattr(threading, "excepthook", lambda _: None)
        raise_once(monkeypatch, BoundedQueue, "take", SystemExit())
        end_spans(processor, 3)
        wait_until(lambda: processor.stats().written == 4, what="the events are written")


def test_a_thread_that_can_not_start_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While no threads can be had, spans wait in the queue; the first span after that writes them all."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _refuse)
        end_spans(processor, 5)
        assert processor.force_flush(10_000) is False
        assert processor.stats().queue_depth == 5
    end_spans(processor, 1)
    assert processor.force_flush()
    assert stored(path) == 6
    processor.shutdown()
    check_books(path, processor)


def test_shutdown_writes_by_itself_where_no_thread_can_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At interpreter exit no threads start any more; the shutdown then drains the queue in the calling thread."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    monkeypatch.setattr(threading.Thread, "start", _refuse)
    end_spans(processor, 120)
    processor.shutdown()
    assert stored(path) == 120
    check_books(path, processor)


def test_an_inline_shutdown_keeps_its_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draining in the calling thread is bounded as well."""
    path = tmp_path / "traces.db"
    with recording(path):
        pass
    processor = SQLiteSpanProcessor(path)
    monkeypatch.setattr(threading.Thread, "start", _refuse)
    end_spans(processor, 120)
    with write_locked(path):
        processor.shutdown(100)
    assert processor.stats().dropped["write_error"] == 120


def test_ctrl_c_during_an_inline_shutdown_leaves_the_rest_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interrupt reaches the application; the exit hook then writes what was not yet in hand."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    monkeypatch.setattr(threading.Thread, "start", _refuse)
    end_spans(processor, 120)
    raise_once(monkeypatch, Recorder, "convert", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        processor.shutdown()
    processor._exporter_thread.at_exit()
    assert stored(path) == 70
    check_books(path, processor)


def test_processors_that_were_shut_down_leave_nothing_behind(tmp_path: Path) -> None:
    """Sixty processors later there are no more threads, descriptors or objects than before."""
    path = tmp_path / "traces.db"
    references = []
    descriptors = open_descriptors()
    for number in range(60):
        processor = SQLiteSpanProcessor(path)
        if number % 3 == 0:
            end_spans(processor, 2)
        references.append((weakref.ref(processor), weakref.ref(processor._exporter_thread)))
        processor.shutdown()
    del processor
    wait_until(lambda: exporter_threads() == [], what="the threads end")
    gc.collect()
    assert [pair for pair in references if pair[0]() is not None or pair[1]() is not None] == []
    assert open_descriptors() <= descriptors
    assert stored(path) == 40


def test_nothing_in_the_thread_is_traced(tmp_path: Path) -> None:
    """OpenTelemetry's key against instrumentation is set while the exporter thread works."""
    from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value

    seen: list[object] = []

    def redact(_: str, text: str) -> str:
        seen.append(get_value(_SUPPRESS_INSTRUMENTATION_KEY))
        return text

    with recording(tmp_path / "traces.db", redact=redact):
        pass
    assert seen
    assert set(seen) == {True}


def test_the_thread_sleeps_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    """The thread of an idle processor is not woken up, however short its delay is."""
    with recording(tmp_path / "traces.db", schedule_delay_millis=10) as processor:
        wait_until(lambda: processor._exporter_thread.coordination.is_idle, what="there is nothing to do")
        (thread,) = exporter_threads()
        status = Path(f"/proc/self/task/{thread.native_id}/status")

        def wakings() -> int:
            (line,) = [line for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt_switches")]
            return int(line.split()[1])

        before = wakings()
        time.sleep(0.3)
        assert wakings() <= before + 3  # on its way to sleep


def _refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
