"""The disk is full, slow, read-only, failing or harmed: what can be kept is kept, and recording resumes by itself."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_sqlite_exporter.database import connection
from tests.faults.oracle import application, check_file, names, query, wait_until
from tests.faults.support import run, start

pytestmark = pytest.mark.faults

TEXT = " lorem ipsum" * 170


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Return a directory on a disk of 256 kB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = Path(tempfile.mkdtemp(prefix="small-disk-"))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=False).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
        disk.rmdir()


def remount(disk: Path, options: str) -> None:
    """Change how a disk is mounted."""
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


def test_a_full_disk_keeps_the_batch_until_there_is_room(small_disk: Path) -> None:
    """Recording resumes by itself when the disk has grown, with every span that the queue could hold."""
    path = small_disk / "traces.db"
    with application(path) as app:
        app.calls(300, text=TEXT)
        assert not app.force_flush(timeout_millis=1500)
        assert "full" in str(app.stats().last_error)
        remount(small_disk, "size=16m")
        assert app.force_flush()
        assert app.stats().written == 300
    assert len(app.log.lines) == 2


def test_what_a_full_disk_makes_overflow_is_counted_in_the_ledger(small_disk: Path) -> None:
    """Spans beyond the queue are dropped, and the file itself says how many once it can."""
    path = small_disk / "traces.db"
    with application(path) as app:
        app.calls(200, text=TEXT)
        app.force_flush(timeout_millis=1000)
        app.calls(2000)
        remount(small_disk, "size=16m")
        assert app.force_flush()
        dropped = app.stats().dropped["queue_full"]
        assert dropped > 1000
        assert query(path, "SELECT dropped_queue_full FROM recorders") == [(dropped,)]


def test_a_database_that_may_not_grow_is_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``PRAGMA max_page_count`` refuses new pages; what waits is stored when the limit is lifted."""
    path = tmp_path / "traces.db"
    with application(path) as app:
        app.call()
        assert app.force_flush()
        monkeypatch.setattr(connection, "_PRAGMAS", (*connection._PRAGMAS, ("max_page_count", "60")))
        app.close_file()
        app.calls(200, text=TEXT)
        assert not app.force_flush(timeout_millis=1000)
        monkeypatch.undo()
        assert app.force_flush()
        assert app.stats().written == 201


def test_a_file_size_limit_is_waited_out(tmp_path: Path) -> None:
    """Beyond ``RLIMIT_FSIZE`` every write fails; recording resumes when the limit is raised."""
    path = tmp_path / "traces.db"
    with application(path) as app:
        app.calls(10)
        assert app.force_flush()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
        try:
            app.calls(300, text=TEXT)
            assert not app.force_flush(timeout_millis=1500)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert app.force_flush()
        assert app.stats().written == 310


def test_running_out_of_descriptors_is_waited_out(tmp_path: Path) -> None:
    """While no file can be opened, spans are kept; an open connection is not affected at all."""
    path = tmp_path / "traces.db"
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    for is_open in (False, True):
        with application(path) as app:
            if is_open:
                app.call()
                assert app.force_flush()
            highest = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
            resource.setrlimit(resource.RLIMIT_NOFILE, (4, before[1]))
            try:
                app.calls(20)
                assert app.force_flush(timeout_millis=1000) is is_open
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
            assert highest < before[0]
            assert app.force_flush()
    assert names(path)["chat"] == 41


def test_a_read_only_disk_is_waited_for(small_disk: Path) -> None:
    """While the disk is read-only spans are kept; they are stored when it can be written again."""
    path = small_disk / "traces.db"
    with application(path) as app:
        remount(small_disk, "ro")
        app.calls(5)
        assert not app.force_flush(timeout_millis=500)
        remount(small_disk, "rw,size=16m")
        assert app.force_flush()
    assert names(path)["chat"] == 5


@pytest.mark.parametrize("what", ["directory", "file"])
def test_an_immutable_file_or_directory_is_waited_for(tmp_path: Path, what: str) -> None:
    """Where the file system refuses to create or to change the file, spans are kept until it does not."""
    path = tmp_path / "data" / "traces.db"
    path.parent.mkdir()
    if what == "file":
        with application(path):
            pass
    target = path.parent if what == "directory" else path
    done = subprocess.run(["chattr", "+i", target], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("immutable files are not to be had here")
    try:
        with application(path) as app:
            try:
                app.calls(5)
                assert not app.force_flush(timeout_millis=500)
            finally:
                subprocess.run(["chattr", "-i", target], check=True)
            assert app.force_flush()
    finally:
        subprocess.run(["chattr", "-i", target], check=True)
    assert names(path)["chat"] == 5


STRACE = shutil.which("strace")
needs_strace = pytest.mark.skipif(STRACE is None, reason="strace is not installed here")

BATCHES = """
for number in range(4):
    app.calls(50, text="x" * 500)
    app.force_flush(20_000)
stats = app.finish(is_readable=False)  # what is injected counts for each thread on its own
assert stats.written == 201, stats
"""


def under_strace(path: Path, script: str, *injections: str, only: Path | None = None) -> str:
    """Run an application whose system calls are tampered with, those on one file only if one is given."""
    options = [option for injection in injections for option in ("-e", f"inject={injection}")]
    options += ["-P", str(only)] if only is not None else []
    wrapper = (str(STRACE), "-f", "-qq", "-o", "/dev/null", *options)
    if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
        pytest.skip("tracing is not permitted here")
    return run(path, script, wrapper=wrapper, seconds=120)


@needs_strace
@pytest.mark.parametrize("nth", [1, 2, 3, 5, 8, 12, 17, 23, 30, 40])
def test_an_input_output_error_costs_no_span(tmp_path: Path, nth: int) -> None:
    """Whichever write fails first, the batch is written whole by a later attempt, and once."""
    path = tmp_path / "traces.db"
    under_strace(path, BATCHES, f"pwrite64:error=EIO:when={nth}..{nth + 2}")
    assert names(path)["chat"] == 200
    assert names(path).total() == 201
    check_file(path)


@needs_strace
@pytest.mark.parametrize(
    "injection",
    [
        "fdatasync,fsync:error=EIO:when=1..3",
        "ftruncate:error=EIO:when=1..2",
        "pread64:error=EIO:when=9..12",
        "pwrite64:error=ENOSPC:when=6..9",
        "unlink,unlinkat:error=EIO:when=1..2",
        "fcntl:error=ENOLCK:when=12..20",
    ],
)
def test_other_system_calls_may_fail_as_well(tmp_path: Path, injection: str) -> None:
    """Syncs, reads, locks and truncations that fail for a while cost no span either."""
    path = tmp_path / "traces.db"
    under_strace(path, BATCHES, injection)
    assert names(path)["chat"] == 200
    assert names(path).total() == 201
    check_file(path)


@needs_strace
def test_a_disk_that_never_syncs_again_blocks_nobody(tmp_path: Path) -> None:
    """Where every sync fails until the end, ``on_end`` and the exit stay quick, and what is lost is counted."""
    path = tmp_path / "traces.db"
    under_strace(
        path,
        """
        for number in range(4):
            app.calls(50, text="x" * 500)
            app.force_flush(300)
        started = time.monotonic()
        stats = app.finish(is_clear=False)
        assert time.monotonic() - started < 5 + 2
        assert stats.received == 200
        assert stats.written < 200, stats
        """,
        "fdatasync,fsync:error=EIO",
    )


@needs_strace
def test_a_slow_disk_slows_nobody_but_the_exporter_thread(tmp_path: Path) -> None:
    """With 0.2 s for every write and sync, ``on_end`` is as fast as ever, and a flush keeps its timeout."""
    path = tmp_path / "traces.db"
    under_strace(
        path,
        """
        for _ in range(3):
            app.calls(30)
            started = time.monotonic()
            app.force_flush(300)
            assert time.monotonic() - started < 0.3 + 0.5
        assert app.slowest < 0.05 or app.slow_controls, app.slowest
        stats = app.stats()
        assert stats.received == 90
        assert app.force_flush(60_000)
        app.shutdown(60_000)
        assert app.stats().written == 90
        """,
        "pwrite64,fdatasync:delay_enter=200000:when=1..120",
    )
    assert names(path)["chat"] == 90
    check_file(path)


@needs_strace
def test_a_shutdown_on_a_slow_disk_comes_back_in_time(tmp_path: Path) -> None:
    """A process whose disk has become very slow ends within the shutdown's timeout; what is lost is counted."""
    path = tmp_path / "traces.db"
    under_strace(
        path,
        """
        app.calls(500, text="x" * 1000)
        started = time.monotonic()
        app.shutdown(1000)
        assert time.monotonic() - started < 1.6, time.monotonic() - started
        stats = app.stats()
        assert stats.received == 500 == stats.written + sum(stats.dropped.values()), stats
        sys.stdout.flush()
        os._exit(0)
        """,
        "pwrite64,fdatasync:delay_enter=300000",
    )


@pytest.mark.parametrize("harm", ["unlink", "unlink all", "rename", "empty file", "truncate", "other", "directory"])
def test_recording_goes_on_in_a_new_file_when_the_old_one_is_gone(tmp_path: Path, harm: str) -> None:
    """A file that is deleted, replaced or emptied is noticed; the next spans are in its successor."""
    path = tmp_path / "data" / "traces.db"
    with application(path) as app:
        app.calls(10)
        assert app.force_flush()
        if harm == "unlink":
            path.unlink()
        elif harm == "unlink all":
            for file in sorted(path.parent.iterdir()):
                file.unlink()
        elif harm == "rename":
            path.rename(tmp_path / "old.db")
        elif harm == "empty file":
            (tmp_path / "empty").touch(mode=0o600)
            (tmp_path / "empty").replace(path)
        elif harm == "truncate":
            os.truncate(path, 0)
        elif harm == "other":
            with application(tmp_path / "other.db") as other:
                other.calls(3, name="of another file")
            (tmp_path / "other.db").replace(path)
        else:
            shutil.rmtree(path.parent)
        app.calls(20, name="after")
        wait_until(lambda: app.stats().written == 30, what="the spans are written")
        assert names(path)["after"] == 20
    if harm == "other":
        assert names(path)["of another file"] == 3
    if harm == "rename":
        assert names(tmp_path / "old.db")["chat"] == 10
        check_file(tmp_path / "old.db")


def test_processes_that_share_a_file_that_is_rotated_agree_on_the_new_one(tmp_path: Path) -> None:
    """Three processes write one file while it is renamed again and again; every row is in one of the files, sound."""
    path = tmp_path / "traces.db"
    script = """
    for number in range(150):
        call(f"{os.getpid()} {number}"); time.sleep(0.01)
        if number % 10 == 0: app.force_flush()
    stats = app.finish(is_clear=False)
    assert stats.written == 150, stats
    """
    processes = [start(path, script) for _ in range(3)]
    rotated = 0
    while any(process.poll() is None for process in processes):
        time.sleep(0.4)
        if path.exists():
            path.rename(tmp_path / f"rotated{rotated}.db")
            rotated += 1
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    found: set[str] = set()
    for file in tmp_path.glob("*.db"):
        if query(file, "SELECT 1 FROM sqlite_master"):  # else it was renamed before anything was in it
            check_file(file)
            found |= set(names(file))
    assert rotated > 1
    assert len(found) == 450


def test_a_file_that_is_harmed_while_it_is_open_is_left_alone(tmp_path: Path) -> None:
    """Corruption stops the writing and is counted; recording resumes when the file is moved away."""
    path = tmp_path / "traces.db"
    with application(path) as app:
        app.calls(200, text=TEXT)
        assert app.force_flush()
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (size - 4096))
        app.close_file()
        harmed = path.read_bytes()
        for _ in range(3):
            app.calls(10)
            app.force_flush()
        assert app.stats().dropped["write_error"] == 30
        assert path.read_bytes() == harmed
        path.rename(tmp_path / "harmed.db")
        app.calls(5)
        assert app.force_flush()
    assert names(path)["chat"] == 5


def test_a_file_that_becomes_somebody_s_text_is_left_alone(tmp_path: Path) -> None:
    """What is no database any more is never overwritten; recording resumes when it is moved away."""
    path = tmp_path / "traces.db"
    with application(path) as app:
        path.write_text("my notes " * 2000)
        app.calls(10)
        wait_until(lambda: app.stats().dropped["write_error"] == 10, what="the spans are counted")
        assert path.read_text() == "my notes " * 2000
        path.rename(tmp_path / "notes.txt")
        app.calls(5)
        assert app.force_flush()
    assert names(path)["chat"] == 5


@needs_strace
def test_where_write_ahead_logging_is_not_possible_it_is_done_without(tmp_path: Path) -> None:
    """On a file system without shared memory spans are stored all the same, with one line in the log."""
    path = tmp_path / "traces.db"
    with application(path) as app:
        app.calls(5)
    assert query(path, "PRAGMA journal_mode") == [("wal",)]
    path.with_name("traces.db-shm").touch(mode=0o600)  # strace only watches what exists
    for _ in range(2):
        under_strace(
            path,
            """
            for number in range(3):
                app.calls(20)
                assert app.force_flush()
            app.finish(is_readable=False)
            assert app.log.kinds.total() == 1, app.log.lines
            """,
            "mmap:error=ENODEV",
            only=path.with_name("traces.db-shm"),
        )
        assert query(path, "PRAGMA journal_mode") == [("delete",)]
        check_file(path)
    with application(path) as app:
        app.calls(5)
    assert query(path, "PRAGMA journal_mode") == [("wal",)]
    assert names(path)["chat"] == 130


def test_the_log_is_reported_when_a_reader_makes_it_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of an old state holds up the checkpoint: one warning, and the log shrinks back when it is gone."""
    from otel_sqlite_exporter.pipeline import delivery

    path = tmp_path / "traces.db"
    limit = 2 << 20
    monkeypatch.setattr(delivery, "WAL_SIZE_LIMIT", limit)
    monkeypatch.setattr(delivery, "_WAL_LOOK_SECONDS", 0)
    monkeypatch.setattr(
        connection,
        "_PRAGMAS",
        tuple((name, str(limit) if name == "journal_size_limit" else value) for name, value in connection._PRAGMAS),
    )
    with application(path) as app:
        app.calls(10)
        assert app.force_flush()
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM spans").fetchone() == (10,)
        for _ in range(30):
            app.calls(50, text=TEXT)
            assert app.force_flush()
        wal = path.with_name("traces.db-wal")
        assert wal.stat().st_size > 2 * limit
        assert reader.execute("SELECT count(*) FROM spans").fetchone() == (10,)
        reader.close()
        for _ in range(3):
            app.calls(50, text=TEXT)
            assert app.force_flush()
        assert wal.stat().st_size <= limit
        assert app.stats().written == 10 + 33 * 50
    assert len(app.log.lines) == 2
