"""The file behind an open connection, and what to do when it is no longer the one at its path."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

_logger = logging.getLogger(__name__)

FileId: TypeAlias = tuple[int, int]
"""Device and inode: what tells one file from every other that exists."""

_SIDE_FILES: Final = ("-wal", "-shm")
_LOGS: Final = ("-wal", "-journal")
_LOOKING_SHARE: Final = 0.05  # of the time of a backlog, for log and shared memory
_LONGEST_UNSEEN_SECONDS: Final = 0.1
_LOCK_ATTEMPTS: Final = 100
_LOCK_PAUSE_SECONDS: Final = 0.01


def file_id(path: str) -> FileId | None:
    """Return the id of the file at a path, None where there is none."""
    try:
        info = os.stat(path)  # noqa: PTH116 - os.stat never takes SQLite's locks away, opening and closing would
    except OSError:
        return None
    return info.st_dev, info.st_ino


class OpenFile:
    """The ids of a database file, its write-ahead log and its shared memory, once it was opened.

    Args:
        path: Absolute path of the database file.
        main_id: The file's id from before it was opened. By now the path may lead to another one.
    """

    def __init__(self, path: str, main_id: FileId | None) -> None:
        self._path = path
        self.id = main_id
        self._side_ids = {f"{path}{suffix}": file_id(f"{path}{suffix}") for suffix in _SIDE_FILES}
        self._next_look = 0.0
        """When it is time to see whether log and shared memory are there, by ``time.monotonic``."""

    @property
    def shared_memory_id(self) -> FileId | None:
        """The id of the file through which connections share the index of the write-ahead log."""
        return self._side_ids[f"{self._path}-shm"]

    def is_current(self, *, is_hurried: bool = False) -> bool:
        """Tell whether the path still leads to this file, nobody has emptied it, and its log is still beside it.

        Args:
            is_hurried: Whether to look for the log and the shared memory only now and then: as long as that is quick,
                nearly always; beside threads that keep the GIL for the milliseconds of their turn each time it is given
                away, after 0.1 s at the latest (python -m benchmarks kept). What is written to a deleted log meanwhile
                is not lost: whoever has the log open can still move it into the file.
        """
        try:
            info = os.stat(self._path)  # noqa: PTH116 - as above
        except OSError:
            return False
        if (info.st_dev, info.st_ino) != self.id or info.st_size == 0:
            return False
        return (is_hurried and time.monotonic() < self._next_look) or self._has_side_files()

    def _has_side_files(self) -> bool:
        started = time.monotonic()
        are_there = all(side_id is None or file_id(side) == side_id for side, side_id in self._side_ids.items())
        ended = time.monotonic()
        self._next_look = ended + min((ended - started) / _LOOKING_SHARE, _LONGEST_UNSEEN_SECONDS)
        return are_there

    def is_gone(self) -> bool:
        """Tell whether nobody will find what was written: the open file has no name any more, or was emptied."""
        return _is_deleted(self.id) or (file_id(self._path) == self.id and not _size(self._path))

    def has_only_log(self) -> bool:
        """Tell whether somebody deleted the log, so that this process may have the only way to what is in it."""
        log = f"{self._path}-wal"
        log_id = self._side_ids[log]
        if log_id is None or file_id(log) == log_id:
            return False
        return _place_of(log_id, self._path) is None and not _is_deleted(self.id)

    def leave(self, connection: sqlite3.Connection) -> bool:
        """Close the connection, so that a new file at the path starts with nothing of this one.

        The write-ahead log stayed behind under its old name, and SQLite would apply it to the new file. What it holds
        is moved into the renamed file, and the log itself beside it: another connection may use it still, or hold up
        the checkpoint, and whoever opens the renamed file then finds everything.

        A file whose log was deleted alone is renamed first: whoever opens it at its path would make another log, and
        two logs of one file destroy it.

        Returns:
            False when that is not possible now and the connection stays open: nothing that was written may be lost.
        """
        with alone_with(self._path):
            if file_id(self._path) == self.id:
                if _size(self._path) and not self._has_side_files():
                    _set_aside(self._path)
                else:
                    if not self.is_current():
                        # Emptied. Closing would write parts of the log into it, which is no database then; without a
                        # name it is left alone.
                        for path in (self._path, *self._side_ids):
                            _delete(path)
                    connection.close()
                    return True
            if not self._take_log_away(is_empty=_is_checkpointed(connection)):
                return False
            connection.close()
            place = _place_of(self.id, self._path)
            if place is not None:
                _tidy_up(place)
            return True

    def follow(self) -> None:
        """Move the log after a file that was renamed while no connection was open."""
        if self.id is not None and file_id(self._path) != self.id:
            with alone_with(self._path):
                self._take_log_away(is_empty=False)

    def _take_log_away(self, *, is_empty: bool) -> bool:
        """Move log and shared memory to where the file went; delete them where the file is gone, or has all of it."""
        place = _place_of(self.id, self._path)
        may_go = is_empty or _is_deleted(self.id)
        for side, side_id in self._side_ids.items():
            found = None if side_id is None else _place_of(side_id, self._path)
            if found is None:
                if side_id is not None and side.endswith("-wal") and not may_go:
                    return False  # only those who have it open can still move into the file what it holds
                continue
            target = None if place is None else place + side[len(self._path) :]
            if found == target:
                continue
            if target is not None and _size(target) == 0:
                try:
                    os.replace(found, target)  # noqa: PTH105 - as os.stat above
                except OSError:
                    if not may_go:
                        return False
                else:
                    continue
            if not may_go:
                return False
            _delete(found)
        return True


def set_leftovers_aside(path: str) -> None:
    """Rename the log, the journal and the shared memory of a file that is no longer at its path.

    A new file's connections would share them with those that still use them, or take them for their own: what one side
    writes would be in the other's file, or in none. They are not deleted, because rows may be in them that are nowhere
    else; a recorder that has the file open finds them, and moves them to where the file went.
    """
    if file_id(path) is not None:
        return
    if not any(_size(f"{path}{suffix}") for suffix in _LOGS):
        for suffix in (*_LOGS, "-shm"):
            _delete(f"{path}{suffix}")
        return
    aside = f"{path}.left-{time.time_ns()}"
    for suffix in (*_LOGS, "-shm"):
        with contextlib.suppress(OSError):
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")  # noqa: PTH104 - as os.stat above
    _logger.warning("%s was moved without its log; the log is kept as %s-wal", path, aside)


def _set_aside(path: str) -> None:
    """Rename a file without its log, which is gone."""
    aside = f"{path}.left-{time.time_ns()}"
    os.rename(path, aside)  # noqa: PTH104 - as os.stat above
    _logger.warning("%s was left without its log, which somebody deleted; it is kept as %s", path, aside)


def _is_checkpointed(connection: sqlite3.Connection) -> bool:
    """Move the log into the file, and tell whether all of it is there."""
    try:
        (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        return False
    return not is_busy


def _tidy_up(path: str) -> None:
    """Have SQLite delete the log of a renamed file, if nobody else uses it: it does so under the new name only."""
    uri = f"file:{urllib.parse.quote(os.fsencode(path))}?mode=rw"
    with contextlib.suppress(sqlite3.Error):
        connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
        with contextlib.closing(connection):
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _place_of(file: FileId | None, path: str) -> str | None:
    """Return where a file is that was at a path, or beside it: in that directory, or wherever it is open from."""
    if file is None:
        return None
    with contextlib.suppress(OSError), os.scandir(Path(path).parent) as entries:
        for entry in entries:
            if entry.inode() == file[1] and file_id(entry.path) == file:
                return entry.path
    for link in _descriptors_of(file):
        with contextlib.suppress(OSError):
            place = os.readlink(link)  # noqa: PTH115 - as os.stat above
            if file_id(place) == file:
                return place
    return None


def _is_deleted(file: FileId | None) -> bool:
    """Tell whether a file that is open has no name any more."""
    for link in _descriptors_of(file):
        with contextlib.suppress(OSError):
            return os.stat(link).st_nlink == 0  # noqa: PTH116 - as above
    return False


def _descriptors_of(file: FileId | None) -> Iterator[str]:
    """Return this process's descriptors of a file as paths, where the system shows them (Linux does)."""
    with contextlib.suppress(OSError):
        for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - as above
            if file_id(f"/proc/self/fd/{number}") == file:
                yield f"/proc/self/fd/{number}"


def _size(path: str) -> int:
    """Return the size of a file, 0 where there is none."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 - as above
    except OSError:
        return 0


def _delete(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108 - as os.stat above


@contextlib.contextmanager
def alone_with(path: str) -> Iterator[None]:
    """Keep other recorders from opening or leaving files in the same directory at the same time, where possible.

    Else one of them could open the log that another one has just created for a new file, or delete it.
    """
    descriptor = _lock_directory_of(path)
    try:
        yield
    finally:
        if descriptor is not None:
            _unlock(descriptor)


def _lock_directory_of(path: str) -> int | None:
    """Return a descriptor that holds the lock, or has waited for it as long as is good; None where there are none."""
    try:
        import fcntl  # noqa: PLC0415 - not everywhere

        descriptor = os.open(Path(path).parent, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_SECONDS)
        except OSError:  # not on this file system
            break
        else:
            break
    return descriptor


def _unlock(descriptor: int) -> None:
    import fcntl  # noqa: PLC0415 - as above

    # Closing alone would leave the lock to a child that was forked meanwhile, for as long as that lives.
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
