"""Connections that a forked child inherited, where no fork hook closed them first (uWSGI, a fork in C, a slow disk).

SQLite keeps its view of a file per process and inode. After a fork the child's copy of that view says that the process
holds the file's shared locks, but the operating system gave those to the parent alone. A connection that the child
opens would build on them: once the parent closes its own, some other process believes itself to be the last one and
deletes the write-ahead log, and what the child writes from then on is lost without an error. So the child takes the
locks that its copy of SQLite believes it has, before it opens the file.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.open_file import FileId, file_id

if TYPE_CHECKING:
    import sqlite3

# https://sqlite.org/fileformat2.html and https://sqlite.org/walformat.html fix these bytes for all versions.
_SHARED_LOCK: Final = (0x4000_0002, 510)
_DEAD_MANS_SWITCH: Final = (128, 1)

_kept: list[sqlite3.Connection] = []
_unclaimed: dict[FileId, FileId | None] = {}

# Never closed: closing any descriptor of a file drops all of the process's locks on it.
_descriptors: dict[FileId, int] = {}


def keep(connection: sqlite3.Connection, file: FileId | None, shared_memory: FileId | None) -> None:
    """Leave an inherited connection alone for good: closing it would delete or overwrite what the parent still uses."""
    _kept.append(connection)
    with contextlib.suppress(ImportError):
        import ctypes  # noqa: PLC0415 - only a forked child pays for it

        # The interpreter empties this module when it ends, and the connection would be closed with it.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
    if file is not None:
        _unclaimed[file] = shared_memory


def reclaim(path: str) -> None:
    """Take the locks on a file that this process's SQLite believes it holds, if it inherited a connection to it.

    Raises:
        OSError: Not now; the caller may try again.
    """
    file = file_id(path)
    if file is None or file not in _unclaimed:
        return
    shared_memory = _unclaimed[file]
    if shared_memory is not None and file_id(f"{path}-shm") != shared_memory:
        raise OSError(f"{path} was closed by the process that this one was forked from; give another path")
    _lock(path, file, _SHARED_LOCK)
    if shared_memory is not None:
        _lock(f"{path}-shm", shared_memory, _DEAD_MANS_SWITCH)
    _unclaimed.pop(file, None)


def _lock(path: str, file: FileId, place: tuple[int, int]) -> None:
    import fcntl  # noqa: PLC0415 - there is no fork where there is no fcntl

    if file not in _descriptors:
        _descriptors[file] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    start, length = place
    fcntl.lockf(_descriptors[file], fcntl.LOCK_SH | fcntl.LOCK_NB, length, start)
