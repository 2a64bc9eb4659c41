"""The disk is full, locked, gone or foreign: what can be kept is kept, and recording resumes by itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.core.support import end_spans, wait_until
from tests.faults.support import ROOT, check_file, names, query, run

pytestmark = pytest.mark.faults


@contextlib.contextmanager
def recording(path: Path) -> Iterator[SQLiteSpanProcessor]:
    """Return a processor that is shut down in the end, whatever happened."""
    processor = SQLiteSpanProcessor(path)
    try:
        yield processor
    finally:
        processor.shutdown()


LOCKED = (
    "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE')"
)


@contextlib.contextmanager
def lock_holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Have another process hold the write lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{LOCKED}; print('locked', flush=True); time.sleep(60)", str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_spans_wait_while_another_process_holds_the_lock(tmp_path: Path) -> None:
    """Behind a lock, even of a stopped process, a flush answers False; when it is gone everything is stored."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        end_spans(processor, 1)
        assert processor.force_flush()
        with lock_holder(path) as holder:
            holder.send_signal(signal.SIGSTOP)
            end_spans(processor, 300)
            assert not processor.force_flush(timeout_millis=300)
        assert processor.force_flush()
        assert processor.stats().written == 301
    check_file(path)


def test_a_shutdown_behind_a_lock_ends_in_time_and_counts_what_is_lost(tmp_path: Path) -> None:
    """The process ends within the shutdown's timeout, and its statistics balance."""
    path = tmp_path / "traces.db"
    run(path, "call()")
    with lock_holder(path):
        run(
            path,
            """
            for number in range(80): call()
            processor.shutdown(timeout_millis=500)
            stats = processor.stats()
            assert stats.received == 80 == stats.written + stats.skipped + sum(stats.dropped.values()), stats
            assert stats.dropped["write_error"] == 80, stats
            """,
        )
    check_file(path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a directory on a disk of 256 kB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=False).returncode:
        pytest.skip("mounting is not permitted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_keeps_the_batch_until_there_is_room(small_disk: Path) -> None:
    """Recording resumes by itself when the disk has grown, with every span that the queue could hold."""
    path = small_disk / "traces.db"
    with recording(path) as processor:
        end_spans(processor, 300, text="x" * 2000)
        assert not processor.force_flush(timeout_millis=1500)
        subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
        assert processor.force_flush()
        assert processor.stats().written == 300
    check_file(path)


def test_a_read_only_disk_is_waited_for(small_disk: Path) -> None:
    """While the disk is read-only spans are kept; they are stored when it can be written again."""
    path = small_disk / "traces.db"
    with recording(path) as processor:
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        end_spans(processor, 5)
        assert not processor.force_flush(timeout_millis=500)
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        assert processor.force_flush()
    assert len(names(path)) == 5
    check_file(path)


@pytest.mark.parametrize("harm", ["unlink", "rename", "empty file", "directory"])
def test_recording_goes_on_in_a_new_file_when_the_old_one_is_gone(tmp_path: Path, harm: str) -> None:
    """A file that is deleted or replaced under the recorder is noticed, and the next spans are in its successor."""
    path = tmp_path / "data" / "traces.db"
    with recording(path) as processor:
        end_spans(processor, 10)
        assert processor.force_flush()
        if harm == "unlink":
            path.unlink()
        elif harm == "rename":
            path.rename(tmp_path / "old.db")
        elif harm == "empty file":
            (tmp_path / "empty").touch()
            (tmp_path / "empty").replace(path)
        else:
            shutil.rmtree(path.parent)
        end_spans(processor, 20, name="after")
        wait_until(lambda: processor.stats().written == 30, what="the spans are written")
    assert names(path) == ["after"] * 20
    check_file(path)


def test_a_corrupt_file_is_left_alone_until_it_is_another_one(tmp_path: Path) -> None:
    """Spans are counted as lost, the file keeps its bytes, and recording resumes once it is moved away."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        end_spans(processor, 50)
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    harmed = path.read_bytes()
    processor = SQLiteSpanProcessor.__new__(SQLiteSpanProcessor)
    path.rename(tmp_path / "harmed.db")
    processor.__init__(path)  # type: ignore[misc]
    (tmp_path / "harmed.db").rename(path)
    end_spans(processor, 10)
    wait_until(lambda: processor.stats().dropped["write_error"] == 10, what="the spans are counted")
    assert path.read_bytes() == harmed
    path.rename(tmp_path / "harmed.db")
    end_spans(processor, 5)
    assert processor.force_flush()
    processor.shutdown()
    assert len(names(path)) == 5


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed here")
@pytest.mark.parametrize("nth", [1, 4, 9, 20])
def test_an_input_output_error_costs_no_span(tmp_path: Path, nth: int) -> None:
    """Whichever write fails first, the batch is written whole by a later attempt, and once."""
    path = tmp_path / "traces.db"
    script = tmp_path / "app.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom tests.core.support import end_spans\n"
        "from tests.faults.test_disk import recording\n"
        "with recording(Path(sys.argv[1])) as processor:\n"
        "    for _ in range(4):\n        end_spans(processor, 50)\n        assert processor.force_flush()\n"
    )
    inject = f"inject=pwrite64:error=EIO:when={nth}..{nth + 2}"
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", inject, sys.executable, script, path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if "ptrace" in done.stderr:
        pytest.skip("tracing is not permitted here")
    assert done.returncode == 0, done.stderr
    assert query(path, "SELECT count(*) FROM spans") == [(200,)]
    check_file(path)


def test_a_reader_of_an_old_state_does_not_stop_the_recording(tmp_path: Path) -> None:
    """While a reader holds up the checkpoint spans are written; when it is gone the write-ahead log shrinks back."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        end_spans(processor, 10)
        assert processor.force_flush()
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM spans").fetchone() == (10,)
        for _ in range(10):
            end_spans(processor, 100, text="x" * 5000)
            assert processor.force_flush()
        assert reader.execute("SELECT count(*) FROM spans").fetchone() == (10,)
        reader.close()
        time.sleep(0.1)
        end_spans(processor, 10)
        assert processor.force_flush()
    assert len(names(path)) == 1020
    assert not path.with_name("traces.db-wal").exists()
    check_file(path)
