"""A file that is renamed while it is recorded into: every row is in it or in its successor, whoever reads meanwhile."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.database import open_file
from tests.support import check_file, end_spans, log_lines, query, stored, write_locked


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Hold a read transaction in another process, which no checkpoint can get past."""
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN');"
        "c.execute('SELECT count(*) FROM spans').fetchone(); print('ready', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        yield
        process.stdin.close()
        assert process.wait() == 0


def _names(path: Path) -> set[object]:
    return {name for (name,) in query(path, "SELECT name FROM spans")}


@pytest.mark.parametrize("place", ["old.db", "archive/traces.db"])
def test_a_log_that_a_reader_holds_up_goes_with_its_file(tmp_path: Path, place: str) -> None:
    """The renamed file has every row while it is still read, and when that is over; so has its successor."""
    path, old = tmp_path / "traces.db", tmp_path / place
    old.parent.mkdir(exist_ok=True)
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 20, name="before")
    assert processor.force_flush()
    with reading(path):
        end_spans(processor, 20, name="in the log")
        assert processor.force_flush()
        path.rename(old)
        end_spans(processor, 1, name="after")
        assert processor.force_flush()
        end_spans(processor, 1, name="later")
        processor.shutdown()
        assert _names(old) >= {"before", "in the log"}
        assert stored(old) >= 40
    assert _names(path) == {"after", "later"}
    for file in (path, old):
        check_file(file)
    assert query(path, "SELECT written FROM recorders") == [(2,)]


def test_a_renamed_file_has_no_log_left_when_nobody_reads_it(tmp_path: Path) -> None:
    """An archive is one file, ready to be compressed."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 5)
    assert processor.force_flush()
    path.rename(tmp_path / "old.db")
    end_spans(processor, 5)
    processor.shutdown()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["old.db", "traces.db"]


def test_two_recorders_agree_that_a_file_was_renamed(tmp_path: Path) -> None:
    """The one that notices last takes nothing from the new file, and leaves nothing of the old one's behind."""
    path, old = tmp_path / "traces.db", tmp_path / "old.db"
    first, second = SQLiteSpanProcessor(path), SQLiteSpanProcessor(path)
    for number, processor in enumerate((first, second)):
        end_spans(processor, 10, name=f"old {number}")
        assert processor.force_flush()
    with reading(path):
        end_spans(second, 10, name="log")
        assert second.force_flush()
        path.rename(old)
        end_spans(first, 10, name="new 0")
        assert first.force_flush()
        end_spans(second, 10, name="new 1")
        assert second.force_flush()
    first.shutdown()
    second.shutdown()
    assert _names(old) >= {"old 0", "old 1", "log"}
    assert _names(path) == {"new 0", "new 1"}
    for file in (path, old):
        check_file(file)


@pytest.mark.parametrize("deleted", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_file_whose_log_is_deleted_alone_is_left_whole(tmp_path: Path, deleted: tuple[str, ...]) -> None:
    """Else the next one to open it would make a second log, and the two would destroy it; nothing is lost."""
    path = tmp_path / "traces.db"
    first, second = SQLiteSpanProcessor(path), SQLiteSpanProcessor(path)
    for processor in (first, second):
        end_spans(processor, 10, name="before")
        assert processor.force_flush()
    for suffix in deleted:
        Path(f"{path}{suffix}").unlink()
    with log_lines() as lines:
        for processor in (first, second, first):
            end_spans(processor, 10, name="after")
            assert processor.force_flush()
        first.shutdown()
        second.shutdown()
    (left,) = (file for file in tmp_path.glob("traces.db.left-*") if file.name[-4:] not in {"-wal", "-shm"})
    for file in (path, left):
        check_file(file)
    assert len({row for file in (path, left) for row in query(file, "SELECT trace_id, span_id FROM spans")}) == 50
    assert _names(left) >= {"before"}
    assert _names(path) == {"after"}
    assert [line for line in lines if str(left) in line]


@pytest.mark.parametrize("deleted", ["-wal", "-shm"])
def test_a_log_deleted_in_a_backlog_costs_nothing_when_that_is_noticed_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deleted: str
) -> None:
    """Where looking takes long, the batches of a backlog are still written to the log that has no name any more."""
    monkeypatch.setattr(open_file, "_LOOKING_SHARE", 1e-9)
    monkeypatch.setattr(open_file, "_LONGEST_UNSEEN_SECONDS", 3600.0)
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 10, name="before")
    assert processor.force_flush()
    with write_locked(path):
        end_spans(processor, 300, name="backlog")
        Path(f"{path}{deleted}").unlink()
    assert processor.force_flush()
    end_spans(processor, 10, name="after")
    assert processor.force_flush()
    processor.shutdown()
    (left,) = (file for file in tmp_path.glob("traces.db.left-*") if file.name[-4:] not in {"-wal", "-shm"})
    check_file(path)
    assert query(left, "PRAGMA integrity_check") == [("ok",)]
    assert len({row for file in (path, left) for row in query(file, "SELECT trace_id, span_id FROM spans")}) == 320
    assert _names(left) >= {"before"}
    assert "before" not in _names(path)


class TestAHurriedLook:
    """After a batch that another one follows: at the file always, at its log and shared memory now and then."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """Return the time as the list's one item, which a test sets."""
        clock = [100.0]
        monkeypatch.setattr(open_file, "time", SimpleNamespace(monotonic=lambda: clock[0]))
        return clock

    @staticmethod
    def _seen(path: Path, monkeypatch: pytest.MonkeyPatch, clock: list[float], seconds: float) -> open_file.OpenFile:
        """Return a file with a log, after the first hurried look at it, each stat of which takes so long."""
        path.write_bytes(b"file")
        Path(f"{path}-wal").write_bytes(b"log")
        look = open_file.file_id
        file = open_file.OpenFile(str(path), look(str(path)))

        def slow_look(name: str) -> open_file.FileId | None:
            clock[0] += seconds
            return look(name)

        monkeypatch.setattr(open_file, "file_id", slow_look)
        assert file.is_current(is_hurried=True)
        return file

    @pytest.mark.parametrize(
        ("seconds_of_a_stat", "pause", "is_missed"),
        [(0.004, 0.0, True), (0.004, 0.1, False), (0.0001, 0.005, False), (0.03, 0.09, True), (0.03, 0.1, False)],
    )
    def test_misses_a_deleted_log_only_until_it_is_time_for_a_whole_one(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        clock: list[float],
        *,
        seconds_of_a_stat: float,
        pause: float,
        is_missed: bool,
    ) -> None:
        """Twenty times as long as the last whole one took, and no longer than 0.1 s."""
        file = self._seen(tmp_path / "traces.db", monkeypatch, clock, seconds_of_a_stat)
        (tmp_path / "traces.db-wal").unlink()
        clock[0] += pause
        assert file.is_current(is_hurried=True) == is_missed
        assert not file.is_current()

    def test_never_misses_an_emptied_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: list[float]
    ) -> None:
        """What is written to one is lost, and has to be written again at once."""
        file = self._seen(tmp_path / "traces.db", monkeypatch, clock, 0.004)
        (tmp_path / "traces.db").write_bytes(b"")
        assert not file.is_current(is_hurried=True)


@pytest.mark.parametrize("is_renamed", [False, True], ids=["alone", "of a renamed file"])
def test_a_deleted_log_that_a_reader_holds_up_is_kept_open(tmp_path: Path, *, is_renamed: bool) -> None:
    """What is in it goes into its file when the reader has ended, after forks and at the shutdown at the latest."""
    path, old = tmp_path / "traces.db", tmp_path / "old.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 10, name="before")
    assert processor.force_flush()
    with reading(path), log_lines() as lines:
        for number in range(20):  # a page that is written again later is not in the file before all of the log is
            end_spans(processor, 10, name=f"in the log {number}")
            assert processor.force_flush()
        if is_renamed:
            path.rename(old)
        Path(f"{path}-wal").unlink()
        end_spans(processor, 10, name="after")
        assert processor.force_flush()
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        end_spans(processor, 10, name="after the fork")
        ending = threading.Thread(target=processor.shutdown)
        ending.start()
        time.sleep(0.05)
    ending.join()
    assert not [line for line in lines if "lost" in line]
    left = old if is_renamed else next(file for file in tmp_path.glob("traces.db.left-*"))
    files = [file for file in (left, path) if file.exists()]
    for file in files:
        check_file(file)
    assert len({row for file in files for row in query(file, "SELECT trace_id, span_id FROM spans")}) == 230


def test_the_log_of_a_dead_process_is_kept_when_its_file_is_gone(tmp_path: Path) -> None:
    """A file that is renamed after a kill loses nothing that a person could not put back: the log is set aside."""
    path, old = tmp_path / "traces.db", tmp_path / "old.db"
    script = (
        "import os, sys; from tests.support import *; p = SQLiteSpanProcessor(sys.argv[1]); end_spans(p, 20);"
        "assert p.force_flush(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, cwd=Path(__file__).parent.parent.parent)
    path.rename(old)
    with log_lines() as lines:
        processor = SQLiteSpanProcessor(path)
        end_spans(processor, 3)
        processor.shutdown()
    assert stored(path) == 3
    check_file(path)
    (log,) = tmp_path.glob("traces.db.left-*-wal")
    assert [line for line in lines if str(log) in line]
    log.rename(f"{old}-wal")
    assert stored(old) == 20
    check_file(old)


def test_a_deleted_file_takes_its_log_with_it(tmp_path: Path) -> None:
    """What was deleted is not kept under another name."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 5)
    assert processor.force_flush()
    path.unlink()
    end_spans(processor, 5)
    processor.shutdown()
    assert [file.name for file in tmp_path.iterdir()] == ["traces.db"]
    assert stored(path) == 5


def test_where_the_file_went_can_not_be_told_recording_goes_on_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a way to find the renamed file nothing is lost either: its successor begins once the log is empty."""
    path, old = tmp_path / "traces.db", tmp_path / "elsewhere" / "old.db"
    old.parent.mkdir()
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda at: [] if at == "/proc/self/fd" else listdir(at))
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 20)
    assert processor.force_flush()
    with reading(path):
        end_spans(processor, 20)
        assert processor.force_flush()
        path.rename(old)
        end_spans(processor, 7)
        assert processor.force_flush()
        assert not path.exists()
    end_spans(processor, 1)
    assert processor.force_flush()
    end_spans(processor, 1)
    processor.shutdown()
    with contextlib.closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT count(*) FROM spans").fetchone()[0] in {47, 48}
    assert stored(path) == 2
