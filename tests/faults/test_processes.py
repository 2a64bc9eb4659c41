"""Processes fork, end and are killed; what they recorded is in the file, once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.support import check_file, names, query, run, start

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    "end", ["sys.exit(0)", "processor.force_flush(); os._exit(0)", "provider.shutdown(); os._exit(0)"]
)
def test_spans_queued_before_a_fork_are_stored_once_by_the_parent(tmp_path: Path, end: str) -> None:
    """Nine spans are queued, then the process forks and the child ends a hundred: 109 rows, none twice."""
    path = tmp_path / "traces.db"
    run(
        path,
        f"""
        for number in range(9): call(f"parent {{number}}")
        child = os.fork()
        if child == 0:
            for number in range(100): call(f"child {{number:03}}")
            {end}
        assert os.waitpid(child, 0)[1] == 0
        """,
    )
    assert len(names(path)) == 109
    check_file(path)


def test_a_fork_without_hooks_is_noticed(tmp_path: Path) -> None:
    """Where no fork hook runs, as under uWSGI, the child's spans and the parent's are stored all the same."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        import ctypes, random
        call("parent before"); processor.force_flush()
        child = ctypes.PyDLL(None).fork()
        if child == 0:
            random.seed()  # a fork hook of Python's does that, else both processes would make the same span ids
            for number in range(20): call(f"child {number:02}")
            processor.force_flush(); os._exit(0)
        os.waitpid(child, 0)
        call("parent after")
        """,
    )
    assert len(names(path)) == 22
    check_file(path)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_children_that_return_lose_nothing(tmp_path: Path, method: str) -> None:
    """A child that just returns from its function has its last spans written."""
    path = tmp_path / "traces.db"
    script = tmp_path / "app.py"
    script.write_text(
        f"""
import multiprocessing, sys
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from otel_sqlite_exporter import SQLiteSpanProcessor
provider = TracerProvider(resource=Resource({{}}))
provider.add_span_processor(SQLiteSpanProcessor({str(path)!r}))
def work(number):
    for turn in range(30):
        attributes = {{"gen_ai.operation.name": "chat"}}
        provider.get_tracer("app").start_span(f"{{number}} {{turn:02}}", attributes=attributes).end()
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=work, args=(number,)) for number in range(4)]
    for child in children: child.start()
    for child in children: child.join(); assert child.exitcode == 0
    work(9)
"""
    )
    run(path, f"import subprocess; subprocess.run([sys.executable, {str(script)!r}], check=True)")
    assert len(names(path)) == 150
    check_file(path)


@pytest.mark.parametrize(
    "end", ["", "sys.exit(3)", "raise ValueError", "os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"]
)
def test_every_ordinary_end_writes_every_span(tmp_path: Path, end: str) -> None:
    """Return, ``sys.exit``, an exception and Ctrl-C drain the queue; the ledger says that the process ended cleanly."""
    path = tmp_path / "traces.db"
    run(path, f"for number in range(70): call()\n{end}", returncode=None)
    assert len(names(path)) == 70
    assert query(path, "SELECT clean_exit FROM recorders") == [(1,)]
    check_file(path)


def test_kill_9_loses_at_most_the_last_window_and_the_file_says_so(tmp_path: Path) -> None:
    """After SIGKILL the file is sound, holds what was flushed, and has no clean end in its ledger."""
    path = tmp_path / "traces.db"
    process = start(
        path,
        """
        for number in range(200): call()
        assert processor.force_flush()
        print("flushed", flush=True)
        while True: call("later"); time.sleep(0.001)
        """,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "flushed\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len([name for name in names(path) if name == "chat"]) == 200
    assert query(path, "SELECT clean_exit, ended_unix_nano FROM recorders") == [(0, None)]
    check_file(path)


def test_many_processes_open_one_new_file_at_once(tmp_path: Path) -> None:
    """Six processes race to create the file; every row of each is in it, once."""
    path = tmp_path / "traces.db"
    script = "for number in range(100): call(f'{os.getpid()} {number}')\nprovider.shutdown()"
    processes = [start(path, script) for _ in range(6)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert len(set(names(path))) == 600
    check_file(path)


def test_signal_handlers_may_end_spans_at_any_moment(tmp_path: Path) -> None:
    """A handler that ends spans every millisecond, in the middle of anything, neither deadlocks nor loses one."""
    path = tmp_path / "traces.db"
    out = run(
        path,
        """
        ended = 0
        def handler(*_):
            global ended
            ended += 1
            call("handler")
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for number in range(1500):
            call("main"); time.sleep(0.0005)
            if number % 300 == 0: processor.force_flush()
        signal.setitimer(signal.ITIMER_REAL, 0)
        provider.shutdown()
        assert sum(processor.stats().dropped.values()) == 0, processor.stats()
        print(ended)
        """,
    )
    assert len(names(path)) == 1500 + int(out)
    check_file(path)


def test_shutdown_works_where_no_thread_can_be_started(tmp_path: Path) -> None:
    """When the interpreter starts no more threads, the shutdown writes the queue itself."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        import _thread
        def refuse(*_): raise RuntimeError("can't start new thread")
        _thread.start_new_thread = refuse
        threading.Thread.start = refuse
        for number in range(60): call()
        """,
    )
    assert len(names(path)) == 60
    check_file(path)
