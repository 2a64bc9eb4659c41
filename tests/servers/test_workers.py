"""Workers that are stopped, replaced or return: every call is in the file, with nothing to set up but one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.support import check_calls, ended, run, start
from tests.support import wait_until

pytestmark = pytest.mark.servers

POOL = """
import multiprocessing
from otel_sqlite_exporter import record
from tests.servers.work import call

if __name__ == "__main__":
    {before}
    pool = multiprocessing.get_context({method!r}).Pool(2, {initializer} maxtasksperchild={most})
    pool.map(call, [f"call-{{number}}" for number in range({count})], chunksize=1)
    pool.close()
    pool.join()
"""


@pytest.mark.parametrize(
    "pool", ["prefork", "prefork --max-tasks-per-child=1", "prefork --max-tasks-per-child=7", "solo"]
)
def test_a_celery_worker_that_is_stopped_loses_nothing(tmp_path: Path, pool: str) -> None:
    """Each process of the pool records by itself, also one that is replaced after every task."""
    path = tmp_path / "traces.db"
    (tmp_path / "queue").mkdir()
    run(
        path,
        "-c",
        "from tests.servers import celery_tasks as tasks\nfor number in range(40): tasks.task.delay(f'call-{number}')",
    )
    log = tmp_path / "worker.log"
    app = ("-m", "celery", "-A", "tests.servers.celery_tasks", "worker", "-c", "2", "-l", "INFO", "-f", str(log))
    worker = start(path, *app, "-P", *pool.split())
    try:
        wait_until(
            lambda: worker.poll() is not None or (log.exists() and log.read_text().count("succeeded in") == 40),
            what="every task has been worked on",
            seconds=120,
        )
    finally:
        worker.terminate()
    ended(worker)
    check_calls(path, [f"call-{number}" for number in range(40)])


@pytest.mark.parametrize("most", [None, 1, 5])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_that_is_joined_loses_nothing(tmp_path: Path, method: str, most: int | None) -> None:
    """A forked worker records by itself; one that is not begins with ``record``, its initializer."""
    path = tmp_path / "traces.db"
    is_forked = method == "fork"
    count = 60 if is_forked else 12  # each of the others takes a second to start
    script = tmp_path / "script.py"
    script.write_text(
        POOL.format(
            method=method,
            count=count,
            most=most,
            before="record()" if is_forked else "pass",
            initializer="" if is_forked else "initializer=record,",
        )
    )
    run(path, str(script))
    check_calls(path, [f"call-{number}" for number in range(count)])


def test_a_pool_of_futures_loses_nothing(tmp_path: Path) -> None:
    """The workers of ``concurrent.futures`` return, and write what they have."""
    path = tmp_path / "traces.db"
    script = tmp_path / "script.py"
    script.write_text(
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from otel_sqlite_exporter import record\n"
        "from tests.servers.work import call\n"
        "if __name__ == '__main__':\n"
        "    record()\n"
        "    with ProcessPoolExecutor(2, initializer=record) as pool:\n"
        "        list(pool.map(call, [f'call-{number}' for number in range(60)]))\n"
    )
    run(path, str(script))
    check_calls(path, [f"call-{number}" for number in range(60)])


def test_a_worker_that_is_killed_loses_nothing_with_a_flush_after_each_piece_of_work(tmp_path: Path) -> None:
    """A pool whose ``with`` block ends kills its workers; with a flush after each piece of work nothing is lost."""
    path = tmp_path / "traces.db"
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing\n"
        "from otel_sqlite_exporter import record\n"
        "from tests.servers.work import call\n"
        "recording = record()\n"
        "def work(name):\n"
        "    call(name)\n"
        "    recording.flush()\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "        pool.map(work, [f'call-{number}' for number in range(60)])\n"
    )
    run(path, str(script))
    check_calls(path, [f"call-{number}" for number in range(60)], is_killed=True)


def test_the_calls_of_a_test_run_are_recorded(tmp_path: Path) -> None:
    """Pytest with ``record()`` in its ``conftest.py``, whatever the tests' verdicts; nothing is said at the end."""
    path = tmp_path / "traces.db"
    (tmp_path / "conftest.py").write_text("from otel_sqlite_exporter import record\nrecord(instrument=False)\n")
    (tmp_path / "test_calls.py").write_text(
        "import pytest\n"
        "from tests.servers.work import call\n"
        "@pytest.mark.parametrize('number', range(30))\n"
        "def test_call(number):\n"
        "    call(f'call-{number}')\n"
        "    assert number != 7\n"
    )
    process = start(path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_calls.py")
    out = ended(process, codes=[1])
    assert out.rstrip().splitlines()[-1].startswith("1 failed, 29 passed"), out
    check_calls(path, [f"call-{number}" for number in range(30)])
