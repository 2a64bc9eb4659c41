"""Processes fork, end and are killed; what they recorded is in the file, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.oracle import check_file, query
from tests.faults.plain import names, run, start

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    "end", ["pass", "sys.exit(0)", "processor.force_flush(); os._exit(0)", "provider.shutdown(); os._exit(0)"]
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
        else:
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


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
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


def test_forks_in_the_middle_of_writing_lose_nothing(tmp_path: Path) -> None:
    """While a thread records and the writer writes, twelve children are forked; each child's spans are stored once."""
    path = tmp_path / "traces.db"
    out = run(
        path,
        """
        ended = 0
        done = threading.Event()
        def work():
            global ended
            while not done.is_set():
                call("parent"); ended += 1; time.sleep(0.002)
        thread = threading.Thread(target=work); thread.start()
        for number in range(12):
            time.sleep(0.013)
            child = os.fork()
            if child == 0:
                for turn in range(20): call(f"child {number:02} {turn:02}")
                if number % 2: provider.shutdown()
                else: assert processor.force_flush()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        done.set(); thread.join()
        provider.shutdown()
        stats = processor.stats()
        assert stats.received == ended == stats.written, stats
        print(ended)
        """,
    )
    stored = names(path)
    assert stored.count("parent") == int(out)
    assert len({name for name in stored if name.startswith("child")}) == 240 == len(stored) - int(out)
    check_file(path)


def test_children_of_children_record_on_their_own(tmp_path: Path) -> None:
    """Four generations, each with spans queued at its fork, as daemons are made: every span once, by whom it is.

    The SDK's own fork hook uses a thread pool. Where the pool's hook is registered after it, a second fork stops there.
    """
    path = tmp_path / "traces.db"
    run(
        path,
        """
        def generation(number):
            for turn in range(15): call(f"{number} {turn:02}")
            if number < 3:
                child = os.fork()
                if child == 0:
                    generation(number + 1)
                assert os.waitpid(child, 0)[1] == 0
            provider.shutdown()
            stats = processor.stats()
            assert stats.received == stats.written == 15, stats
            if number: os._exit(0)
        generation(0)
        """,
    )
    assert names(path) == [f"{number} {turn:02}" for number in range(4) for turn in range(15)]
    assert len(set(query(path, "SELECT pid FROM recorders"))) == 4
    check_file(path)


def test_a_fork_in_another_thread_and_in_many_at_once(tmp_path: Path) -> None:
    """Six threads fork at once; each child goes on in that thread alone, and its spans are stored."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        call("before")
        failures = []
        def work(number):
            child = os.fork()
            if child == 0:
                for turn in range(10): call(f"child {number} {turn}")
                os._exit(0 if processor.force_flush() else 1)
            failures.append(os.waitpid(child, 0)[1])
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert failures == [0] * 6, failures
        """,
    )
    assert len(set(names(path))) == 61 == len(names(path))
    check_file(path)


def test_the_workers_of_a_preforking_server_all_record(tmp_path: Path) -> None:
    """The provider is made and used before five workers are forked, and SIGTERM ends them as gunicorn does."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        call("master")
        workers = []
        for number in range(5):
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
                for turn in range(60): call(f"worker {number} {turn:02}")
                os.write(write, b"x")
                while True: time.sleep(0.05)  # a signal that comes just before a sleep does not end it
            workers.append((child, read))
        for turn in range(30): call(f"master {turn:02}")
        for child, read in workers:
            os.read(read, 1)
            os.kill(child, signal.SIGTERM)
            assert os.waitpid(child, 0)[1] == 0
        """,
    )
    assert len(set(names(path))) == 331 == len(names(path))
    assert query(path, "SELECT clean_exit, count(*) FROM recorders GROUP BY 1") == [(1, 6)]
    check_file(path)


@pytest.mark.parametrize(
    "work",
    [
        "with concurrent.futures.ProcessPoolExecutor(3, mp_context=context) as pool: list(pool.map(work, range(30)))",
        "pool = context.Pool(3); pool.map(work, range(30)); pool.close(); pool.join()",
        "pool = context.Pool(3, maxtasksperchild=2); pool.map(work, range(30), 1); pool.close(); pool.join()",
    ],
)
def test_the_workers_of_a_pool_lose_nothing(tmp_path: Path, work: str) -> None:
    """Workers that are told to end, after any number of tasks, have written all their spans."""
    path = tmp_path / "traces.db"
    run(
        path,
        f"""
        import concurrent.futures, multiprocessing
        context = multiprocessing.get_context("fork")
        def work(number):
            for turn in range(5): call(f"{{number}} {{turn}}")
        call("before")
        {work}
        """,
    )
    assert len(set(names(path))) == 151 == len(names(path))
    check_file(path)


def test_eight_processes_write_one_file_with_flushes_between(tmp_path: Path) -> None:
    """Eight processes flush every twenty spans into one file; each row is there once, and eight ledgers agree."""
    path = tmp_path / "traces.db"
    script = """
        for number in range(160):
            call(f"{os.getpid()} {number}")
            if number % 20 == 0: assert processor.force_flush()
        provider.shutdown()
    """
    for process in [start(path, script) for _ in range(8)]:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert len(set(names(path))) == 1280 == len(names(path))
    assert query(path, "SELECT received, written, clean_exit FROM recorders") == [(160, 160, 1)] * 8
    check_file(path)


SLOW_TRANSACTION = """
import sqlite3, ctypes
from tests.support import wait_until
call("first"); assert processor.force_flush()
with sqlite3.connect(sys.argv[1], timeout=10) as other:
    other.execute(
        "CREATE TRIGGER slow AFTER INSERT ON spans WHEN NEW.name = 'slow' BEGIN SELECT count(*) FROM "
        "sqlite_master a, sqlite_master b, sqlite_master c, sqlite_master d, sqlite_master e WHERE e.rowid < 6; END"
    )
other.close()
call("slow")
writer = processor._exporter_thread._loop.delivery._recorder.database
wait_until(lambda: writer._user is not None, what="the transaction begins")
time.sleep(0.05)
"""
"""Leaves the exporter thread in the middle of a transaction that takes long."""

CHILD_AND_PARENT_END = """
    ok = processor.force_flush(20_000)
    if ok: processor.shutdown()
    os._exit(0 if ok else 7)
assert processor.force_flush(30_000)
assert os.waitpid(pid, 0)[1] == 0
processor.shutdown()
"""
"""Goes on behind what a child does: both write all that they have, and the parent sees that the child did."""


@pytest.mark.parametrize("fork", ["os.fork()", "ctypes.CDLL(None).fork()"], ids=["with hooks", "without hooks"])
def test_a_child_that_is_forked_in_a_transaction_writes(tmp_path: Path, fork: str) -> None:
    """What the parent holds locked is not locked for ever in the child, whether or not Python knows of the fork."""
    path = tmp_path / "traces.db"
    run(
        path,
        f"""{SLOW_TRANSACTION}
pid = {fork}
if pid == 0:
    call("child"); time.sleep(0.1); call("child")
{CHILD_AND_PARENT_END}""",
    )
    assert sorted(names(path)) == ["child", "child", "first", "slow"]
    check_file(path)


@pytest.mark.parametrize("fork", ["os.fork()", "ctypes.CDLL(None).fork()"], ids=["with hooks", "without hooks"])
@pytest.mark.parametrize(
    ("step", "mutex"),
    [
        ("connection.set_leftovers_aside", None),
        ("connection.migrate", None),
        ("batch_statement.install", None),
        ("batch_statement.install", "MEM"),
        ("batch_statement.install", "VFS1"),
    ],
)
def test_a_child_that_is_forked_while_the_file_is_opened_writes(
    tmp_path: Path, step: str, mutex: str | None, fork: str
) -> None:
    """Opening takes long on a busy machine; a child that is forked meanwhile inherits no lock and no mutex of it."""
    number = {"MEM": 3, "VFS1": 11, None: 0}[mutex]
    path = tmp_path / "traces.db"
    run(
        path,
        f"""
import ctypes
from otel_sqlite_exporter.database import batch_statement, connection
step, is_there = {step}, threading.Event()
def slow(*arguments):
    if os.getpid() == parent:
        sqlite = ctypes.CDLL(__import__("_sqlite3").__file__)
        sqlite.sqlite3_mutex_alloc.restype = ctypes.c_void_p
        mutex = ctypes.c_void_p(sqlite.sqlite3_mutex_alloc({number}) if {number} else None)
        sqlite.sqlite3_mutex_enter(mutex)  # does nothing without one
        is_there.set(); time.sleep(2)
        sqlite.sqlite3_mutex_leave(mutex)
    return step(*arguments)
parent, {step} = os.getpid(), slow
call("parent")
assert is_there.wait(20)
pid = {fork}
if pid == 0:
    call("child")
{CHILD_AND_PARENT_END}""",
    )
    assert sorted(names(path)) == ["child", "parent"]
    assert query(path, "SELECT clean_exit, count(*) FROM recorders GROUP BY 1") == [(1, 2)]
    check_file(path)


def test_a_child_keeps_nobody_from_the_directory(tmp_path: Path) -> None:
    """The lock under which a file is opened ends with the opening, also where a child was forked in it and lives on."""
    run(
        tmp_path / "traces.db",
        """
        import fcntl
        from otel_sqlite_exporter.database import connection
        step, is_there, may_go_on = connection.set_leftovers_aside, threading.Event(), threading.Event()
        def slow(*arguments):
            is_there.set(); may_go_on.wait(20)
            return step(*arguments)
        connection.set_leftovers_aside = slow
        call()
        assert is_there.wait(20)
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
        may_go_on.set()
        assert processor.force_flush()
        directory = os.open(os.path.dirname(sys.argv[1]), os.O_RDONLY)
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.kill(pid, signal.SIGKILL)
        """,
    )


def test_a_child_has_its_turn_before_a_long_transaction_begins_again(tmp_path: Path) -> None:
    """The transaction that a fork interrupts would hold the lock for as long as it takes; the child writes first."""
    path = tmp_path / "traces.db"
    run(
        path,
        f"""{SLOW_TRANSACTION}
from otel_sqlite_exporter.database import writer as writing
writing._CHILD_SECONDS = 3  # on a busy machine a child is slow
pid = os.fork()
if pid == 0:
    call("child"); os._exit(0 if processor.force_flush(20_000) else 7)
assert processor.force_flush(30_000)
assert os.waitpid(pid, 0)[1] == 0
processor.shutdown()
""",
    )
    assert query(path, "SELECT name FROM spans ORDER BY id") == [("first",), ("child",), ("slow",)]
    check_file(path)


def test_a_fork_within_a_fork_lets_the_parent_write(tmp_path: Path) -> None:
    """A signal handler may fork while the process forks; the parent writes afterwards as before."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        thread = processor._exporter_thread
        call("parent"); assert processor.force_flush()
        thread.before_fork()  # what a handler interrupts here
        pid = os.fork()
        if pid == 0:
            call("child"); os._exit(0 if processor.force_flush(20_000) else 7)
        assert os.waitpid(pid, 0)[1] == 0
        thread.after_fork_in_parent()
        call("parent"); assert processor.force_flush(5_000)
        processor.shutdown()
        """,
    )
    assert sorted(names(path)) == ["child", "parent", "parent"]
    check_file(path)


def test_a_fork_waits_for_nothing_that_the_application_does(tmp_path: Path) -> None:
    """With the exporter thread in a slow ``redact``, a fork comes back at once; children and parent lose nothing."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        from otel_sqlite_exporter import SQLiteSpanProcessor
        from tests.support import end_spans
        is_redacting = threading.Event(); may_go_on = threading.Event()
        def redact(key, text):
            if text == "wait": is_redacting.set(); may_go_on.wait(20)
            return text
        slow = SQLiteSpanProcessor(sys.argv[1], redact=redact)
        end_spans(slow, name="wait"); assert is_redacting.wait(20)
        pid = os.fork()  # would never come back, if it waited
        if pid == 0:
            end_spans(slow, name="child"); os._exit(0 if slow.force_flush(20_000) else 7)
        assert os.waitpid(pid, 0)[1] == 0
        may_go_on.set()
        assert slow.force_flush(20_000)
        slow.shutdown()
        """,
    )
    check_file(path)


def test_a_fork_within_redact_is_counted_in_the_parent_alone(tmp_path: Path) -> None:
    """A child that comes back out of ``redact`` writes nothing of its parent's, and counts nothing of it."""
    path = tmp_path / "traces.db"
    run(
        path,
        """
        from otel_sqlite_exporter import SQLiteSpanProcessor
        from tests.support import end_spans
        children = []
        def redact(key, text):
            if text == "fork" and not children:
                children.append(os.fork())
                if not children[0]: threading.Thread(target=lambda: (time.sleep(1), os._exit(0))).start()
            return text
        forking = SQLiteSpanProcessor(sys.argv[1], redact=redact)
        end_spans(forking, 10, name="fork")
        assert forking.force_flush(20_000)
        os.waitpid(children[0], 0)
        forking.shutdown()
        """,
    )
    assert query(path, "SELECT received, written FROM recorders") == [(10, 10)]
    check_file(path)
