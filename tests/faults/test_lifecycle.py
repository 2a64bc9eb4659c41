"""Ordinary and violent ends of a process: what is written, what may be lost, and what the file says of it."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.faults.oracle import check_file
from tests.faults.plain import names, run, start
from tests.support import query, stored, value, wait_until, write_locked

pytestmark = pytest.mark.faults

LEFT_TO_ITSELF = """
processor = SQLiteSpanProcessor(sys.argv[1])
provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
provider.add_span_processor(processor)
tracer = provider.get_tracer("app")
"""
"""Replaces the provider by one that nobody shuts down."""

BOOKS = "from tests.support import check_books; check_books(sys.argv[1], processor)\n"
"""Ends a script with what every case has to leave behind."""


@pytest.mark.parametrize(
    "end", ["", "sys.exit(3)", "raise ValueError", "os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"]
)
def test_every_ordinary_end_of_a_provider_that_nobody_shuts_down_writes_every_span(tmp_path: Path, end: str) -> None:
    """With ``shutdown_on_exit=False`` as well, return, ``sys.exit``, an exception and Ctrl-C drain the queue."""
    path = tmp_path / "traces.db"
    run(path, f"{LEFT_TO_ITSELF}for number in range(70): call()\n{end}", returncode=None, seconds=20)
    assert len(names(path)) == 70
    assert value(path, "SELECT clean_exit FROM recorders") == 1
    check_file(path)


def test_a_sigterm_handler_that_exits_writes_every_span(tmp_path: Path) -> None:
    """A server that turns SIGTERM into ``sys.exit`` loses nothing."""
    path = tmp_path / "traces.db"
    process = start(
        path,
        """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        for number in range(90): call()
        print("ready", flush=True)
        while True: time.sleep(0.05)
        """,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert stored(path) == 90
    assert value(path, "SELECT clean_exit FROM recorders") == 1
    check_file(path)


@pytest.mark.parametrize(
    "death",
    [
        "os._exit(1)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.execv('/bin/true', ['true'])",
        "os.abort()",
    ],
)
def test_a_violent_end_loses_at_most_the_last_half_second_and_one_batch(tmp_path: Path, death: str) -> None:
    """What ended earlier is in the file, without gaps; the file is sound, and its ledger knows of no clean end."""
    path = tmp_path / "traces.db"
    out = run(
        path,
        f"""
        number = 0
        beginning = time.monotonic()
        while time.monotonic() < beginning + 1.3:
            number += 1
            call(f"{{number:06}}")
            time.sleep(0.001)
        print(number, time.time_ns(), flush=True)
        {death}
        """,
        returncode=None,
    )
    ended, died = map(int, out.split())
    kept = [int(str(name)) for name in names(path)]
    assert kept == list(range(1, len(kept) + 1))
    latest = int(str(value(path, "SELECT max(end_time_unix_nano) FROM spans")))
    # The window, and as much again for one transaction on a busy machine.
    assert latest > died - 1_000_000_000 or len(kept) >= ended - 50
    assert query(path, "SELECT clean_exit, ended_unix_nano FROM recorders") == [(0, None)]
    check_file(path)


@pytest.mark.parametrize("pause", [0.0, 0.002, 0.02, 0.2])
@pytest.mark.parametrize("is_locked", [False, True])
def test_the_ledger_of_a_killed_process_knows_what_it_received(
    tmp_path: Path, pause: float, *, is_locked: bool
) -> None:
    """By ``received``, all that had ended at the last heartbeat is accounted for: what is not written is a number.

    What ended later is of half a second and a transaction, unless somebody kept the file from being written.
    """
    path, moments = tmp_path / "traces.db", tmp_path / "moments"
    process = start(
        path,
        f"""
        ended = os.open({str(moments)!r}, os.O_CREAT | os.O_WRONLY)
        call(); os.write(ended, b"0\\n"); processor.force_flush()
        while True:
            for number in range(20): call(); os.write(ended, b"%d\\n" % time.time_ns())
            time.sleep({pause})
        """,
    )
    wait_until(
        lambda: path.exists() and moments.exists() and moments.stat().st_size > 100 * 20,
        what="a hundred spans have ended",
    )
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as other:
        if is_locked:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(1)
        process.kill()
        died = time.time_ns()
    process.communicate()
    ended = list(map(int, moments.read_text().split()))
    ((received, written, lost, heartbeat, idle, end),) = query(
        path,
        "SELECT received, written, dropped, last_heartbeat_unix_nano, idle, ended_unix_nano FROM recorders",
    )
    assert (idle, end, written) == (0, None, value(path, "SELECT count(*) FROM spans"))
    known = sum(moment <= int(str(heartbeat)) for moment in ended)
    assert known <= int(str(received)) <= len(ended) + 1  # killed between the end of a span and its note of it
    assert int(str(written)) + int(str(lost)) <= int(str(received))
    assert is_locked or int(str(heartbeat)) > died - 1_500_000_000
    check_file(path)


def test_the_ledger_of_a_process_that_was_killed_while_it_waited_says_that_nothing_is_missing(tmp_path: Path) -> None:
    """A worker that is killed between two pieces of work leaves a ledger that says that it was idle."""
    path = tmp_path / "traces.db"
    process = start(
        path, "[call() for _ in range(70)]; processor.force_flush(); print('ready', flush=True); time.sleep(99)"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    wait_until(lambda: value(path, "SELECT idle FROM recorders") == 1, what="it is idle")
    process.kill()
    process.communicate()
    assert query(path, "SELECT received, written, dropped, idle, ended_unix_nano FROM recorders") == [
        (70, 70, 0, 1, None)
    ]
    check_file(path)


def test_a_span_is_safe_after_its_window_however_the_process_ends(tmp_path: Path) -> None:
    """A single span, with nothing after it to fill its batch, survives ``os._exit`` a moment later."""
    path = tmp_path / "traces.db"
    run(path, "call('lonely'); time.sleep(1.5); os._exit(0)")
    assert names(path) == ["lonely"]
    assert value(path, "SELECT clean_exit FROM recorders") == 0
    check_file(path)


def test_kill_9_in_the_middle_of_a_transaction_leaves_a_file_that_is_written_on(tmp_path: Path) -> None:
    """Ten processes are killed while they write as fast as they can; the next one records into the same file."""
    path = tmp_path / "traces.db"
    for number in range(10):
        process = start(
            path,
            """
            call(); processor.force_flush(); print("ready", flush=True)
            while True:
                for number in range(100): call()
                processor.force_flush()
            """,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.003 * number)
        process.kill()
        process.communicate()
        check_file(path)
    run(path, "call('next')")
    assert value(path, "SELECT count(*) FROM spans WHERE name = 'next'") == 1
    assert query(path, "SELECT clean_exit, count(*) FROM recorders GROUP BY 1 ORDER BY 1") == [(0, 10), (1, 1)]
    check_file(path)


@pytest.mark.parametrize("during", ["processor.shutdown()", "processor.force_flush()", ""])
def test_ctrl_c_ends_a_process_that_waits_for_a_locked_file(tmp_path: Path, during: str) -> None:
    """Interrupted in its shutdown, its flush or its exit, the process is gone soon and the file is untouched."""
    path = tmp_path / "traces.db"
    run(path, "call()")
    with write_locked(path):
        process = start(path, f"for number in range(80): call()\nprint('ready', flush=True)\n{during}")
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)
    assert process.returncode != 0 or not during
    assert err.count("Traceback") <= 2, err
    assert stored(path) == 1
    check_file(path)


def test_a_second_ctrl_c_does_not_have_to_wait(tmp_path: Path) -> None:
    """However long a timeout the shutdown was given, the process ends when Ctrl-C is pressed until it does."""
    path = tmp_path / "traces.db"
    run(path, "call()")
    with write_locked(path):
        process = start(path, "call()\nprint('ready', flush=True)\nprocessor.shutdown(timeout_millis=600_000)")
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(50):
            time.sleep(0.2)
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)
    check_file(path)


def test_a_process_whose_file_is_locked_exits_by_itself(tmp_path: Path) -> None:
    """Nobody shuts the processor down and nobody interrupts: the exit hook gives up in time."""
    path = tmp_path / "traces.db"
    run(path, "call()")
    with write_locked(path):
        run(path, f"{LEFT_TO_ITSELF}for number in range(80): call()", seconds=15)
    assert stored(path) == 1
    check_file(path)


def test_where_the_system_has_no_room_for_a_thread_the_shutdown_writes_the_queue(tmp_path: Path) -> None:
    """The address space is exhausted, so that threads really can't start; nothing raises, and nothing is lost."""
    path = tmp_path / "traces.db"
    run(
        path,
        f"""
import resource
threading.stack_size(1 << 30)
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (256 << 20), size + (256 << 20)))
try:
    threading.Thread(target=print).start()
except RuntimeError:
    print("refused")
for number in range(200): call()
assert processor.force_flush(timeout_millis=300) is False
processor.shutdown()
assert processor.stats().written == 200, processor.stats()
{BOOKS}""",
    )
    assert stored(path) == 200


def test_a_thread_that_can_start_again_later_is_started(tmp_path: Path) -> None:
    """When room for a thread is found again, the next span starts one."""
    path = tmp_path / "traces.db"
    run(
        path,
        f"""
import resource
threading.stack_size(1 << 30)
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
_, hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (size + (256 << 20), hard))
for number in range(20): call()
assert processor.force_flush(timeout_millis=300) is False
threading.stack_size(0)
resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
call()
assert processor.force_flush()
assert processor.stats().written == 21
processor.shutdown()
{BOOKS}""",
    )
    assert stored(path) == 21


@pytest.mark.parametrize("provider", ["", LEFT_TO_ITSELF])
def test_spans_of_exit_handlers_are_written_or_counted(tmp_path: Path, provider: str) -> None:
    """Handlers that run before ours lose nothing; what ends in a later one raises nothing and is counted."""
    path = tmp_path / "traces.db"
    script = tmp_path / "app.py"
    script.write_text(
        f"""
import atexit, sys
def late():
    for number in range(30): call("late")
    stats = processor.stats()
    assert stats.received == 60 == stats.written + stats.dropped["already_shutdown"], stats
    assert stats.written >= 30
atexit.register(late)
import os, signal, time, threading
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from otel_sqlite_exporter import SQLiteSpanProcessor
processor = SQLiteSpanProcessor(sys.argv[1])
provider = TracerProvider(resource=Resource({{}}))
provider.add_span_processor(processor)
tracer = provider.get_tracer("app")
def call(name):
    tracer.start_span(name, attributes={{"gen_ai.operation.name": "chat"}}).end()
{provider}
@atexit.register
def early():
    for number in range(30): call("early")
"""
    )
    run(
        path,
        f"import subprocess; subprocess.run([sys.executable, {str(script)!r}, sys.argv[1]], check=True, timeout=20)",
    )
    assert names(path).count("early") == 30
    check_file(path)


def test_spans_of_finalisers_at_interpreter_shutdown_do_no_harm(tmp_path: Path) -> None:
    """Globals whose ``__del__`` ends spans while modules are torn down cause no message and no hang."""
    path = tmp_path / "traces.db"
    err = start(
        path,
        """
        class Client:
            def __init__(self, name): self.name = name; self.cycle = self
            def __del__(self, call=call, flush=processor.force_flush, stats=processor.stats):
                for number in range(20): call(self.name)
                flush(100); stats()
        a, sys.b, threading.c = Client("module"), Client("sys"), Client("threading")
        call("ordinary")
        """,
    ).communicate(timeout=20)[1]
    assert err == ""
    assert "ordinary" in names(path)
    check_file(path)


def test_the_last_spans_of_threads_that_outlive_the_main_one_are_written(tmp_path: Path) -> None:
    """Non-daemon threads go on after the main thread's end, and lose nothing."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        def work():
            for number in range(50): call(); time.sleep(0.002)
        for _ in range(4): threading.Thread(target=work).start()
        """,
        seconds=20,
    )
    assert stored(path) == 200
    assert value(path, "SELECT clean_exit FROM recorders") == 1
    check_file(path)


def test_busy_threads_do_not_cost_the_last_spans(tmp_path: Path) -> None:
    """Eight threads that never give the GIL away by themselves; a full queue is written within the exit's timeout."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        def work():
            while True: pass
        for _ in range(8): threading.Thread(target=work, daemon=True).start()
        for _ in range(400): call()
        interval = sys.getswitchinterval()
        processor.shutdown()
        assert processor.stats().written == 400, processor.stats()
        assert sys.getswitchinterval() == interval
        """,
    )
    assert stored(path) == 400
    check_file(path)


def test_daemon_threads_that_record_to_the_very_end_do_not_stop_the_exit(tmp_path: Path) -> None:
    """Four daemon threads never stop ending spans; the process exits, and the books of the file are balanced."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        def work():
            while True: call(); time.sleep(0)
        for _ in range(4): threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
        """,
        seconds=20,
    )
    assert stored(path) > 0
    assert value(path, "SELECT clean_exit FROM recorders") == 1
    check_file(path)


def test_use_in_any_order_before_and_after_the_end_is_harmless(tmp_path: Path) -> None:
    """Flushed and shut down before the first span, twice, and used afterwards: no thread, no file, all counted."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        assert processor.force_flush()
        processor.shutdown(); processor.shutdown(); provider.shutdown()
        for number in range(40): call()
        assert processor.force_flush() is False
        processor.shutdown()
        stats = processor.stats()
        assert (stats.received, stats.dropped["already_shutdown"]) == (40, 40), stats
        assert threading.active_count() == 1
        """,
    )
    assert list(tmp_path.iterdir()) == []


def test_five_hundred_lives_of_a_processor_leave_nothing_behind(tmp_path: Path) -> None:
    """Create, record, shut down, 500 times: threads, descriptors and memory stay what they were."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        import gc, resource
        from tests.support import open_descriptors, wait_until
        def pages():
            gc.collect()
            return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
        def live():
            processor = SQLiteSpanProcessor(sys.argv[1])
            provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
            provider.add_span_processor(processor)
            attributes = {"gen_ai.operation.name": "chat", "gen_ai.prompt": "x" * 1000}
            for number in range(3): provider.get_tracer("app").start_span("chat", attributes=attributes).end()
            provider.shutdown()
            assert processor.stats().written == 3, processor.stats()
        for _ in range(150): live()
        wait_until(lambda: threading.active_count() == 1, what="the threads end")
        descriptors, before = open_descriptors(), pages()
        for _ in range(350): live()
        wait_until(lambda: threading.active_count() == 1, what="the threads end")
        assert open_descriptors() == descriptors
        assert pages() - before < 3_000_000, (before, pages())
        """,
    )
    assert stored(path) == 1500
    check_file(path)


def test_the_end_is_silent_where_log_streams_are_closed(tmp_path: Path) -> None:
    """What is logged at the exit into a handler whose stream is closed, as pytest's are, prints no traceback."""
    path = tmp_path / "traces.db"
    process = start(
        path,
        f"""
        {LEFT_TO_ITSELF.replace(chr(10), chr(10) + "        ")}
        import io, logging, sqlite3
        call(); processor.force_flush()
        stream = io.StringIO(); logging.getLogger().addHandler(logging.StreamHandler(stream)); stream.close()
        other = sqlite3.connect(sys.argv[1], isolation_level=None); other.execute("BEGIN IMMEDIATE")
        call()
        """,
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert "Logging error" not in err
