"""Threads, tasks, signal handlers and finalisers end spans at any moment; every one is accounted for."""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import opentelemetry.sdk
import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.faults.oracle import check_file
from tests.faults.plain import run
from tests.faults.support import ROOT
from tests.support import (
    CHAT,
    check_books,
    end_spans,
    exporter_threads,
    provider_with,
    recording,
    stored,
    value,
    wait_until,
    write_locked,
)

pytestmark = pytest.mark.faults

BOOKS = "from tests.support import check_books; check_books(sys.argv[1], processor)\n"

HANDLER = """
ended = depth = 0
def handler(*_):
    global ended, depth
    if depth == 3: return  # on a busy machine signals come faster than a flush in the handler ends
    depth += 1
    ended += 1
    {inside}
    depth -= 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
main = 0
end = time.monotonic() + 1.0
while time.monotonic() < end:
    main += 1
    {outside}
signal.setitimer(signal.ITIMER_REAL, 0)
"""


@pytest.mark.parametrize(
    "inside", ["call()", "call(); processor.force_flush(5)", "call(); log.error('in the handler')"]
)
@pytest.mark.parametrize(
    "outside",
    ["call()", "call(); processor.force_flush(1000)", "call(); log.error('outside')", "call(); processor.stats()"],
)
def test_a_signal_handler_may_interrupt_anything(tmp_path: Path, inside: str, outside: str) -> None:
    """Every millisecond a handler ends a span inside on_end, a flush, logging or stats: no deadlock, all counted."""
    path = tmp_path / "traces.db"
    run(
        path,
        f"""
import io, logging
log = logging.getLogger("otel_sqlite_exporter")
log.addHandler(logging.StreamHandler(io.StringIO()))
{HANDLER.format(inside=inside, outside=outside)}
processor.shutdown()
assert processor.stats().received == main + ended, (processor.stats(), main, ended)
assert ended > 50
{BOOKS}""",
        seconds=30,
    )


def test_a_signal_handler_may_interrupt_the_first_span_and_the_shutdown(tmp_path: Path) -> None:
    """Handlers fire while the thread is being started and while the shutdown waits: 150 processors balance."""
    run(
        tmp_path / "traces.db",
        """
        from tests.support import provider_with
        tracer = None
        ended = 0
        def handler(*_):
            global ended
            if tracer is not None:
                tracer.start_span("chat", attributes={"gen_ai.system": "openai"}).end()
                ended += 1
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for number in range(150):
            current, ended, main = SQLiteSpanProcessor(sys.argv[1]), 0, 0
            tracer = provider_with(current).get_tracer("main")
            for _ in range(5):
                tracer.start_span("chat", attributes={"gen_ai.system": "openai"}).end()
                main += 1
            current.shutdown()
            tracer = None
            stats = current.stats()
            assert stats.received == main + ended, (stats, main, ended)
            assert stats.received == stats.written + sum(stats.dropped.values()), stats
        signal.setitimer(signal.ITIMER_REAL, 0)
        """,
        seconds=40,
    )
    check_file(tmp_path / "traces.db")


def test_a_signal_handler_may_shut_down_in_the_middle_of_a_span(tmp_path: Path) -> None:
    """A handler that shuts the processor down, as servers do, interrupts on_end anywhere without harm."""
    run(
        tmp_path / "traces.db",
        """
        from tests.support import provider_with
        current = None
        signal.signal(signal.SIGALRM, lambda *_: current.shutdown())
        for number in range(60):
            current = SQLiteSpanProcessor(sys.argv[1])
            tracer = provider_with(current).get_tracer("main")
            signal.setitimer(signal.ITIMER_REAL, 0.0005 + 0.00006 * number)
            for _ in range(60):
                tracer.start_span("chat", attributes={"gen_ai.system": "openai"}).end()
            signal.setitimer(signal.ITIMER_REAL, 0)
            current.shutdown()
            stats = current.stats()
            assert stats.received == 60 == stats.written + sum(stats.dropped.values()), stats
        """,
        seconds=40,
    )
    check_file(tmp_path / "traces.db")


def test_finalisers_may_end_spans_at_any_allocation(tmp_path: Path) -> None:
    """The collector runs at every allocation, in every thread, the exporter's included, and ``__del__`` ends spans."""
    path = tmp_path / "traces.db"
    run(
        path,
        f"""
        import gc
        from otel_sqlite_exporter.pipeline.bounded_queue import Counter
        finalised = Counter()
        class Client:
            def __init__(self): self.cycle = self
            def __del__(self): finalised.raise_by_one(); call("finaliser")
        def work():
            for number in range(100): Client(); call("thread")
        call(); processor.force_flush()
        gc.set_threshold(1, 1, 1)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads: thread.start()
        for number in range(20): Client(); processor.force_flush(5000); processor.stats()
        for thread in threads: thread.join()
        gc.set_threshold(700, 10, 10)
        gc.collect()
        processor.shutdown()
        assert finalised.value() == 420
        assert processor.stats().received == 1 + 400 + 420, processor.stats()
        {BOOKS}""",
        seconds=60,
    )


def test_the_collector_in_the_exporter_thread_may_end_spans(tmp_path: Path) -> None:
    """A collector callback ends a span each time the collector runs inside a transaction or a take."""
    path = tmp_path / "traces.db"
    run(
        path,
        f"""
        import gc
        called = 0
        def at_collection(phase, _):
            global called
            if threading.current_thread().name == "otel-sqlite-exporter" and called < 400:
                called += 1
                call("callback")
        gc.callbacks.append(at_collection)
        gc.set_threshold(5, 5, 5)
        for number in range(300): call()
        processor.force_flush()
        gc.callbacks.clear()
        processor.shutdown()
        assert called > 0
        assert processor.stats().received == 300 + called, (processor.stats(), called)
        {BOOKS}""",
        seconds=60,
    )


@pytest.mark.skipif(importlib.util.find_spec("gevent") is None, reason="gevent is not installed here")
@pytest.mark.parametrize("order", ["patched first", "patched after the processor was made"])
def test_under_gevent_greenlets_go_on_while_the_file_is_locked(tmp_path: Path, order: str) -> None:
    """Another process holds the lock; greenlets keep their turn while spans end and one of them waits for a flush."""
    path = tmp_path / "traces.db"
    run(path, "call()")
    script = tmp_path / "app.py"
    patch = "from gevent import monkey; monkey.patch_all()"
    script.write_text(
        f"""
{patch if order == "patched first" else ""}
import sys
from tests.support import check_books, provider_with
from otel_sqlite_exporter import SQLiteSpanProcessor
processor = SQLiteSpanProcessor(sys.argv[1])
tracer = provider_with(processor).get_tracer("app")
{patch if order != "patched first" else ""}
import gevent
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        gevent.sleep(0.01)
def work():
    for number in range(10):
        tracer.start_span("chat", attributes={{"gen_ai.system": "openai"}}).end()
        gevent.sleep(0)
gevent.spawn(tick)
workers = [gevent.spawn(work) for _ in range(40)]
gevent.joinall(workers)
flush = gevent.spawn(processor.force_flush, 600)
flush.join()
assert flush.value is False
assert ticks > 20, ticks
print("waited", flush=True)
sys.stdin.readline()
assert processor.force_flush()
assert processor.stats().written == 400, processor.stats()
processor.shutdown()
"""
    )
    process = subprocess.Popen(
        [sys.executable, script, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    try:
        with write_locked(path):
            assert process.stdout.readline() == "waited\n"
        _, err = process.communicate("\n", timeout=20)
    finally:
        process.kill()
        rest = process.communicate()[1]
    assert process.returncode == 0, err + rest
    assert stored(path) == 401
    check_file(path)


def test_a_thousand_tasks_lose_nothing(tmp_path: Path) -> None:
    """A thousand asyncio tasks end one span each between two awaits."""
    path = tmp_path / "traces.db"
    with recording(path, max_queue_size=2048) as processor:
        tracer = provider_with(processor).get_tracer("tests")

        async def work() -> None:
            with tracer.start_as_current_span("chat", attributes=CHAT):
                await asyncio.sleep(0.001)

        async def main() -> None:
            await asyncio.gather(*(work() for _ in range(1000)))

        asyncio.run(main())
        assert processor.force_flush()
        assert processor.stats().written == 1001
    assert stored(path) == 1001


def test_eighty_thousand_spans_of_eight_threads_are_counted_exactly(tmp_path: Path) -> None:
    """Eight threads end 10,000 spans each, every other one of no interest: what was not stored was counted."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        provider = provider_with(processor)

        def work() -> None:
            tracer, other = provider.get_tracer("tests"), provider.get_tracer("http")
            for _ in range(5000):
                tracer.start_span("chat", attributes=CHAT).end()
                other.start_span("GET", attributes={"http.request.method": "GET"}).end()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert processor.force_flush()
        stats = processor.stats()
        assert (stats.received, stats.skipped) == (80_001, 40_000)
        assert stats.written + stats.dropped["queue_full"] == 40_001
        assert stored(path) == stats.written


def test_two_thousand_short_threads_lose_nothing(tmp_path: Path) -> None:
    """Each of 2,000 threads ends a span and is gone."""
    path = tmp_path / "traces.db"
    with recording(path, max_queue_size=4096) as processor:
        tracer = provider_with(processor).get_tracer("tests")

        def work() -> None:
            tracer.start_span("chat", attributes=CHAT).end()

        for _ in range(20):
            threads = [threading.Thread(target=work) for _ in range(100)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert processor.force_flush()
    assert stored(path) == 2001


class Chatty(logging.Handler):
    """Makes an LLM span of every log line, flushes and asks for the statistics."""

    def __init__(self, processor: SQLiteSpanProcessor) -> None:
        super().__init__()
        self.processor = processor
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """End a span."""
        self.count += 1
        end_spans(self.processor, 1, name=record.name)
        self.processor.force_flush(100)
        self.processor.stats()


def test_a_log_handler_that_ends_spans_makes_no_loop(tmp_path: Path) -> None:
    """Trouble with the file is logged, the handler ends a span and flushes: a handful of lines, all spans counted."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        handler = Chatty(processor)
        logging.getLogger().addHandler(handler)
        try:
            with write_locked(path):
                end_spans(processor, 2000)
                wait_until(lambda: handler.count >= 2, what="the lock and the loss are logged")
            processor.force_flush()
            wait_until(lambda: processor.stats().queue_depth == 0, what="the queue is empty")
        finally:
            logging.getLogger().removeHandler(handler)
        assert handler.count < 10
        assert processor.stats().received == 2001 + handler.count


def test_a_log_handler_that_raises_or_shuts_down_does_not_stop_the_thread(tmp_path: Path) -> None:
    """A handler in the exporter thread that shuts the processor down causes no deadlock, and the queue is drained."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 1)
    assert processor.force_flush()

    class Quitter(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            processor.shutdown()
            raise RuntimeError("a bug in a handler")

    handler = Quitter()
    logging.getLogger("otel_sqlite_exporter").addHandler(handler)
    try:
        with write_locked(path):
            end_spans(processor, 60)
            wait_until(lambda: processor._exporter_thread.coordination.is_closed, what="the handler shuts down")
        wait_until(lambda: exporter_threads() == [], what="the thread ends")
    finally:
        logging.getLogger("otel_sqlite_exporter").removeHandler(handler)
    assert processor.stats().received == 61
    check_books(path, processor)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exporter_thread_that_is_killed_while_it_sleeps_costs_nothing(tmp_path: Path) -> None:
    """An exception from outside ends the thread thirty times; every span is stored by the next one."""
    path = tmp_path / "traces.db"
    with recording(path, schedule_delay_millis=1) as processor:
        for expected in range(2, 32):
            wait_until(
                lambda: processor._exporter_thread._thread and processor._exporter_thread.coordination.is_idle,
                what="the thread sleeps",
            )
            thread = processor._exporter_thread._thread
            assert thread is not None
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
            end_spans(processor, 1)
            wait_until(lambda: processor.force_flush(1000), what="a thread writes")
            assert processor.stats().written + processor.stats().dropped["write_error"] == expected
        assert processor.stats().dropped["write_error"] == 0


def test_shutdown_flush_and_spans_race_a_hundred_times(tmp_path: Path) -> None:
    """Eight threads end spans, flush, ask and shut down at once: nothing raises or hangs, and every span is counted."""
    path = tmp_path / "traces.db"
    processors = []
    failures: list[BaseException] = []
    for _ in range(100):
        processor = SQLiteSpanProcessor(path, schedule_delay_millis=1)
        processors.append(processor)
        tracer = provider_with(processor).get_tracer("tests")
        barrier = threading.Barrier(8)

        def act(
            role: int,
            processor: SQLiteSpanProcessor = processor,
            tracer: object = tracer,
            barrier: threading.Barrier = barrier,
        ) -> None:
            try:
                barrier.wait()
                for turn in range(10):
                    tracer.start_span("chat", attributes=CHAT).end()  # type: ignore[attr-defined]
                    if turn == role:
                        processor.force_flush(1000)
                        processor.stats()
                    if turn == 5 and role % 3 == 0:
                        processor.shutdown()
            except BaseException as error:  # noqa: BLE001 - told by the main thread
                failures.append(error)

        threads = [threading.Thread(target=act, args=(role,)) for role in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
        stats = processor.stats()
        assert stats.received == 80 == stats.written + sum(stats.dropped.values())
    assert failures == []
    wait_until(lambda: exporter_threads() == [], what="the threads end")
    assert stored(path) == sum(processor.stats().written for processor in processors)
    check_file(path)


def test_a_slow_shutdown_does_not_block_other_threads(tmp_path: Path) -> None:
    """While one thread waits in a shutdown for a locked file, others end spans and ask without waiting."""
    path = tmp_path / "traces.db"
    with recording(path) as processor, write_locked(path):
        end_spans(processor, 10)
        thread = threading.Thread(target=processor.shutdown, args=(1500,))
        thread.start()
        wait_until(lambda: processor._exporter_thread.coordination.is_closed, what="the shutdown begins")
        slowest = 0.0
        for _ in range(200):
            started = time.perf_counter()
            end_spans(processor, 1)
            processor.stats()
            slowest = max(slowest, time.perf_counter() - started)
        assert thread.is_alive()
        assert slowest < 1.0
        thread.join()
        wait_until(lambda: exporter_threads() == [], what="the exporter thread gives up")
        assert processor.stats().dropped["already_shutdown"] == 200
        assert processor.stats().dropped["write_error"] == 10
    assert value(path, "SELECT count(*) FROM spans") == 1


FREE_THREADED = next((found for name in ("python3.14t", "python3.13t") if (found := shutil.which(name))), None)


@pytest.mark.skipif(FREE_THREADED is None, reason="no free-threaded interpreter is installed here")
def test_without_the_global_lock_every_span_is_counted(tmp_path: Path) -> None:
    """On free-threaded CPython, eight threads end 2,000 spans each, with exact counts."""
    packages = Path(opentelemetry.sdk.__path__[0]).parent.parent
    script = """
import sys, threading
from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.support import check_books, end_spans
processor = SQLiteSpanProcessor(sys.argv[1])
threads = [threading.Thread(target=end_spans, args=(processor, 2000)) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
processor.shutdown()
assert processor.stats().received == 16_000, processor.stats()
check_books(sys.argv[1], processor)
"""
    done = subprocess.run(
        [str(FREE_THREADED), "-c", script, tmp_path / "traces.db"],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{packages}", "PYTHON_GIL": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
