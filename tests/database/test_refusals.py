from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.database.schema import APPLICATION_ID
from tests.support import check_books, end_spans, exporter_threads, log_lines, recording, stored, wait_until


def of_text(path: Path) -> None:
    """Make a text file."""
    path.write_text("Dear diary, today I was overwritten by nobody. " * 240)


def of_another_application(path: Path) -> None:
    """Make a database with another application's id."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 1234")
        connection.execute("CREATE TABLE spans (id INTEGER PRIMARY KEY, mine TEXT)")
        connection.execute("INSERT INTO spans (mine) VALUES ('precious')")
        connection.commit()


def of_another_application_without_id(path: Path) -> None:
    """Make a database whose tables only tell that it is not ours."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE notes (text TEXT)")
        connection.commit()


def of_a_newer_schema(path: Path) -> None:
    """Make a database of a later version of ours."""
    with recording(path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")


def with_a_version_only(path: Path) -> None:
    """Make a database that has a version and nothing else."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")


MADE = [of_text, of_another_application, of_another_application_without_id, of_a_newer_schema, with_a_version_only]


def state(directory: Path) -> list[tuple[str, str, int]]:
    """Return every file of a directory with its content and the time it was changed."""
    return sorted(
        (file.name, hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns)
        for file in directory.iterdir()
        if stat.S_ISREG(file.lstat().st_mode)
    )


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("kind", [SQLiteSpanProcessor, SQLiteSpanExporter])
def test_a_file_that_is_not_ours_is_refused_at_construction(
    tmp_path: Path, make: Callable[[Path], None], kind: type
) -> None:
    """The error names the path and what to do; no byte of the file changes, and nothing appears beside it."""
    path = tmp_path / "file.db"
    make(path)
    before = state(tmp_path)
    with pytest.raises(ValueError, match=r"file\.db.*(give|move|upgrade)") as raised:
        kind(path)
    assert str(path) in str(raised.value)
    assert state(tmp_path) == before


@pytest.mark.parametrize("make", MADE)
def test_a_file_that_comes_later_and_is_not_ours_is_left_alone(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """What appears at the path after construction is not written either; spans are counted, one line is logged."""
    path = tmp_path / "file.db"
    processor = SQLiteSpanProcessor(path)
    make(path)
    before = state(tmp_path)
    with log_lines() as lines:
        for _ in range(4):
            end_spans(processor, 10)
            processor.force_flush()
        assert processor.stats().dropped["write_error"] == 40
        processor.shutdown()
    assert state(tmp_path) == before
    assert len(lines) == 1
    assert str(path) in lines[0]


@pytest.mark.parametrize("make", MADE)
def test_recording_resumes_when_the_foreign_file_is_gone(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Moving the file away is enough; the application does not have to be started again."""
    path = tmp_path / "file.db"
    processor = SQLiteSpanProcessor(path)
    make(path)
    end_spans(processor, 3)
    processor.force_flush()
    path.rename(tmp_path / "moved.db")
    end_spans(processor, 4)
    assert processor.force_flush()
    assert stored(path) == 4
    processor.shutdown()
    assert processor.stats().dropped["write_error"] == 3


def test_a_schema_that_becomes_newer_while_we_write_is_respected(tmp_path: Path) -> None:
    """When a newer version of the package migrates the file, this one stops writing to it."""
    path = tmp_path / "file.db"
    with recording(path) as processor:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 999")
        end_spans(processor, 5)
        processor.force_flush()
        assert processor.stats().dropped["write_error"] == 5
        assert "newer" in str(processor.stats().last_error)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 1")
        end_spans(processor, 5)
        assert processor.force_flush()


@contextlib.contextmanager
def _socket_at(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        yield


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A directory, a pipe, a socket or a device is an error at construction, and is not opened."""
    directory = tmp_path / "directory"
    directory.mkdir()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (directory, pipe, Path("/dev/null"), Path("/dev/zero")):
        with pytest.raises(ValueError, match=str(path)):
            SQLiteSpanProcessor(path)
    with _socket_at(tmp_path / "socket"), pytest.raises(ValueError, match="socket"):
        SQLiteSpanProcessor(tmp_path / "socket")
    with pytest.raises(ValueError, match="parent"):
        SQLiteSpanProcessor("/dev/null/traces.db")


def test_construction_alone_touches_nothing(tmp_path: Path) -> None:
    """Installed but not used, there is no file, no directory, no thread and no descriptor."""
    processor = SQLiteSpanProcessor(tmp_path / "a" / "traces.db")
    exporter = SQLiteSpanExporter(tmp_path / "b" / "traces.db")
    assert list(tmp_path.iterdir()) == []
    assert exporter_threads() == []
    processor.shutdown()
    exporter.shutdown()
    assert list(tmp_path.iterdir()) == []


def test_construction_does_not_touch_a_file_of_ours(tmp_path: Path) -> None:
    """Looking at an existing file leaves it, its log and its directory as they are."""
    path = tmp_path / "traces.db"
    with recording(path):
        pass
    before = state(tmp_path)
    SQLiteSpanProcessor(path)
    assert state(tmp_path) == before


def test_construction_does_not_drop_the_locks_of_another_processor(tmp_path: Path) -> None:
    """A second processor on a file that this process has open does not make the first one's locks go."""
    path = tmp_path / "traces.db"
    first = SQLiteSpanProcessor(path, schedule_delay_millis=1)
    others = []
    for _ in range(20):
        end_spans(first, 3)
        others.append(SQLiteSpanProcessor(path))
        end_spans(others[-1], 3)
        assert first.force_flush()
        others[-1].shutdown()
    first.shutdown()
    assert stored(path) == 20 * 6
    check_books(path, first, *others)


def test_unsampled_and_other_spans_start_nothing(tmp_path: Path) -> None:
    """Spans that are not recorded create no file, however many there are."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans_of_a_web_server(processor, 20)
    assert exporter_threads() == []
    processor.shutdown()
    assert processor.stats().skipped == 20
    assert not path.exists()


def end_spans_of_a_web_server(processor: SQLiteSpanProcessor, count: int) -> None:
    """End spans that are none of a model's."""
    from tests.support import provider_with

    tracer = provider_with(processor).get_tracer("web")
    for _ in range(count):
        tracer.start_span("GET /", attributes={"http.request.method": "GET"}).end()


def test_parents_are_created_for_the_owner_only(tmp_path: Path) -> None:
    """The file holds prompts: it and every directory made for it are readable by the owner alone."""
    path = tmp_path / "one" / "two" / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 1)
    assert processor.force_flush()
    modes = {
        file.name: stat.S_IMODE(file.stat().st_mode)
        for file in (path, path.parent, path.parent.parent, path.with_name("traces.db-wal"))
    }
    assert modes == {"traces.db": 0o600, "two": 0o700, "one": 0o700, "traces.db-wal": 0o600}
    processor.shutdown()


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    """A path may be reserved by its user, as long as nobody else may read along."""
    path = tmp_path / "traces.db"
    path.touch(mode=0o600)
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 2)
    processor.shutdown()
    wait_until(lambda: stored(path) == 2, what="the spans are stored")


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, suffix: str, mode: int) -> None:
    """Whoever put it there would read every prompt; the error says what to do."""
    path = tmp_path / "traces.db"
    file = Path(f"{path}{suffix}")
    file.touch()
    file.chmod(mode)
    with pytest.raises(ValueError, match=r"traces\.db.* chmod 600 "):
        SQLiteSpanProcessor(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    """Its owner could open it to anybody later."""
    path = tmp_path / "traces.db"
    path.touch(mode=0o600)
    os.chown(path, 12345, 12345)
    with pytest.raises(ValueError, match="belongs to another user"):
        SQLiteSpanProcessor(path)


def test_a_link_or_an_open_file_planted_later_is_refused_until_it_is_gone(tmp_path: Path) -> None:
    """What appears at the path after construction gets nothing; once it is away, recording goes on."""
    path, other = tmp_path / "traces.db", tmp_path / "other.db"
    other.touch(mode=0o600)
    processor = SQLiteSpanProcessor(path)
    path.symlink_to(other)
    with log_lines() as lines:
        end_spans(processor, 1)
        processor.force_flush()
    assert [line for line in lines if "has become a link" in line]
    assert other.read_bytes() == b""
    path.unlink()
    path.touch(mode=0o600)
    path.chmod(0o644)
    end_spans(processor, 1)
    processor.force_flush()
    path.chmod(0o600)
    end_spans(processor, 1)
    assert processor.force_flush()
    processor.shutdown()
    assert stored(path) == 1
    assert processor.stats().dropped["write_error"] == 2


def test_a_path_that_is_too_long_for_a_journal_is_refused(tmp_path: Path) -> None:
    """SQLite could never open it; the longest that it can is recorded into."""
    with pytest.raises(ValueError, match="too long"):
        SQLiteSpanProcessor(tmp_path / ("x" * 248))
    with pytest.raises(ValueError, match="too long"):
        SQLiteSpanProcessor(tmp_path / "/".join(["d" * 60] * 8) / "traces.db")
    with recording(tmp_path / ("x" * 247)):
        pass


def test_the_file_tells_what_it_is(tmp_path: Path) -> None:
    """``application_id`` and ``user_version`` identify the file to others; the pragmas are those of the contract."""
    path = tmp_path / "traces.db"
    with recording(path), contextlib.closing(sqlite3.connect(path)) as connection:
        for pragma, expected in (
            ("application_id", APPLICATION_ID),
            ("user_version", 1),
            ("journal_mode", "wal"),
            ("auto_vacuum", 2),
        ):
            assert connection.execute(f"PRAGMA {pragma}").fetchone() == (expected,)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving the process another user needs root")
def test_a_file_that_was_read_only_is_written_once_it_is_not() -> None:
    """Nothing that the first attempt leaves beside the file stands in the way of the next one."""
    script = """
        import os, sys
        from otel_sqlite_exporter import SQLiteSpanProcessor
        from tests.support import end_spans
        path = sys.argv[1]
        def record(path):
            processor = SQLiteSpanProcessor(path)
            end_spans(processor, 1)
            processor.shutdown()
        record(path + ".first")  # the other user may not be allowed to load the modules
        os.setgid(65534)
        os.setuid(65534)
        record(path)
        os.chmod(path, 0o400)
        second = SQLiteSpanProcessor(path)
        end_spans(second, 1)
        assert not second.force_flush(300)
        os.chmod(path, 0o600)
        assert second.force_flush()
        second.shutdown()
    """
    with tempfile.TemporaryDirectory() as directory:  # pytest's own is closed to other users
        os.chown(directory, 65534, 65534)
        path = Path(directory) / "traces.db"
        root = Path(__file__).parent.parent.parent
        command = [sys.executable, "-c", textwrap.dedent(script), str(path)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(root)})
        assert stored(path) == 2
