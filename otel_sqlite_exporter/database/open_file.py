"""The file behind an open connection, and what to do when it is no longer the one at its path."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

FileId: TypeAlias = tuple[int, int]
"""Device and inode: what tells one file from every other that exists."""

_SIDE_FILES: Final = ("-wal", "-shm")
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

    @property
    def shared_memory_id(self) -> FileId | None:
        """The id of the file through which connections share the index of the write-ahead log."""
        return self._side_ids[f"{self._path}-shm"]

    def is_current(self) -> bool:
        """Tell whether the path still leads to this file, and somebody has not emptied it."""
        try:
            info = os.stat(self._path)  # noqa: PTH116 - as above
        except OSError:
            return False
        return (info.st_dev, info.st_ino) == self.id and info.st_size > 0

    def leave(self, connection: sqlite3.Connection) -> None:
        """Close the connection, so that a new file at the path starts with nothing of this one.

        What the write-ahead log holds is moved into the file first: whoever renamed it has all of it then. The log
        stayed behind under its old name, and SQLite would apply it to the new file; so does the shared memory.
        """
        with alone_with(self._path):
            if file_id(self._path) != self.id:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                self._delete_side_files()
            elif not self.is_current():
                # Emptied. Closing would write parts of the log into it, which is no database then; without a name it
                # is left alone.
                _delete(self._path)
                self._delete_side_files()
        with contextlib.suppress(sqlite3.Error):
            connection.close()

    def _delete_side_files(self) -> None:
        for path, side_id in self._side_ids.items():
            if side_id is not None and file_id(path) == side_id:
                _delete(path)


def delete_leftovers(path: str) -> None:
    """Delete the log and the shared memory of a file that is no longer at its path.

    Connections to that file may still use them. A new file's connections would share them with these: what one side
    writes would be in the other's file, or in none.
    """
    if file_id(path) is None:
        for suffix in _SIDE_FILES:
            _delete(f"{path}{suffix}")


def _delete(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108 - as os.stat above


@contextlib.contextmanager
def alone_with(path: str) -> Iterator[None]:
    """Keep other recorders from opening or leaving files in the same directory at the same time, where possible.

    Else one of them could open the log that another one has just created for a new file, or delete it.
    """
    descriptor = -1
    try:
        try:
            import fcntl  # noqa: PLC0415 - not everywhere

            descriptor = os.open(Path(path).parent, os.O_RDONLY)
            for _ in range(_LOCK_ATTEMPTS):
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(_LOCK_PAUSE_SECONDS)
        except (ImportError, OSError):
            pass
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)
