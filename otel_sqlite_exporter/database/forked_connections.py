"""Connections that a forked child inherited open: no fork hook closed them first (uWSGI, a fork in C, a stuck disk).

SQLite keeps its view of a file per process, by device and inode. After a fork the child's copy of that view says that
the process holds the locks that the parent had, the write lock of a transaction among them, for ever; the operating
system gave them to the parent alone. A connection that the child opens would share the copy: it would find the file
locked by itself, or rely on locks that nobody holds.

So the child opens the file under another identity. SQLite calls the system through a table that is part of its public
interface (``sqlite3_vfs.xSetSystemCall``); while the file is opened, ``fstat`` tells another device for it, and SQLite
begins with nothing. Where that is not possible, the child takes the locks that its copy believes to have.

SQLite also has a few mutexes for the whole process, the allocator's among them. A thread of the parent that was in the
middle of SQLite may hold one, and is not there in the child to let go of it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from otel_sqlite_exporter.database.open_file import FileId, file_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

# https://sqlite.org/fileformat2.html and https://sqlite.org/walformat.html fix these bytes for all versions.
_SHARED_LOCK: Final = (0x4000_0002, 510)
_DEAD_MANS_SWITCH: Final = (128, 1)

_HAS_PLAIN_STAT: Final = sys.platform == "linux" and sys.maxsize > 2**32
"""Whether ``struct stat`` begins with device and inode of 64 bits each."""

# SQLITE_MUTEX_STATIC_* of https://sqlite.org/c3ref/c_mutex_fast.html, which all versions have that can write the file.
_STATIC_MUTEXES: Final = range(2, 14)
_MUTEX_ATTEMPTS: Final = 50
_MUTEX_PAUSE_SECONDS: Final = 0.001

_kept: list[sqlite3.Connection] = []
_inherited: dict[FileId, FileId | None] = {}
"""Files with such connections, and the files of their shared memory."""

# Never closed: closing any descriptor of a file drops all of the process's locks on it.
_descriptors: dict[FileId, int] = {}


def keep(connection: sqlite3.Connection, file: FileId | None, shared_memory: FileId | None) -> None:
    """Leave an inherited connection alone for good: closing it would delete or overwrite what the parent still uses."""
    _kept.append(connection)
    with contextlib.suppress(ImportError):
        import ctypes  # noqa: PLC0415 - only a forked child pays for it

        # The interpreter empties this module when it ends, and the connection would be closed with it.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
    expect(file, shared_memory)


def expect(file: FileId | None, shared_memory: FileId | None) -> None:
    """Take a file for one that this process inherited a connection to."""
    if file is not None:
        _inherited[file] = shared_memory


def free_mutexes() -> None:
    """Let go of SQLite's own mutexes in the place of threads that are not in this process.

    A thread of this process holds one for microseconds; what is held for longer is held by nobody.
    """
    library = _library() if sys.platform == "linux" else None  # whose unlocking does not ask who has locked
    if library is None:
        return
    import ctypes  # noqa: PLC0415 - as above

    library.sqlite3_mutex_alloc.restype = ctypes.c_void_p
    for number in _STATIC_MUTEXES:
        mutex = ctypes.c_void_p(library.sqlite3_mutex_alloc(number))
        if not mutex:
            continue  # built without threads
        for _ in range(_MUTEX_ATTEMPTS):
            if library.sqlite3_mutex_try(mutex) == 0:
                break
            time.sleep(_MUTEX_PAUSE_SECONDS)
        library.sqlite3_mutex_leave(mutex)


@contextlib.contextmanager
def own_identity(path: str) -> Iterator[None]:
    """Have a connection that is opened meanwhile share nothing with an inherited one to the same file.

    Raises:
        OSError: Not now; the caller may try again.
    """
    file = file_id(path)
    if file is None or file not in _inherited:
        yield
        return
    table = _system_calls()
    if table is None:
        _take_locks(path, file)
        yield
        return
    # Where the file was opened so once, SQLite has a view of its own of it, and the next connection has to share that.
    vfs, fstat = table
    original = vfs.contents.xGetSystemCall(vfs, b"fstat")
    replacement = _fstat_with_other_device(original, file)
    vfs.contents.xSetSystemCall(vfs, b"fstat", fstat(replacement))
    try:
        yield
    finally:
        vfs.contents.xSetSystemCall(vfs, b"fstat", original)


def _fstat_with_other_device(original: int, file: FileId) -> Any:  # noqa: ANN401 - a type of ctypes' own
    import ctypes  # noqa: PLC0415 - as above

    prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_uint64))
    real = prototype(original)
    mark = os.getpid() << 32  # another one in a child of this child

    def fstat(descriptor: int, result: Any) -> int:  # noqa: ANN401 - as above
        status = int(real(descriptor, result))
        if status == 0 and (result[0], result[1]) == file:
            result[0] ^= mark
        return status

    return prototype(fstat)


def _system_calls() -> tuple[Any, Any] | None:
    """Return SQLite's default VFS and what makes a function a pointer, None where they can't be had."""
    library = _library() if _HAS_PLAIN_STAT else None
    if library is None:
        return None
    import ctypes  # noqa: PLC0415 - as above

    class Vfs(ctypes.Structure):
        pass

    pointer = ctypes.c_void_p
    setter = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Vfs), ctypes.c_char_p, pointer)
    getter = ctypes.CFUNCTYPE(pointer, ctypes.POINTER(Vfs), ctypes.c_char_p)
    Vfs._fields_ = [
        ("iVersion", ctypes.c_int),
        ("szOsFile", ctypes.c_int),
        ("mxPathname", ctypes.c_int),
        ("pNext", pointer),
        ("zName", ctypes.c_char_p),
        ("pAppData", pointer),
        ("methods", pointer * 13),
        ("xSetSystemCall", setter),
        ("xGetSystemCall", getter),
    ]
    library.sqlite3_vfs_find.restype = ctypes.POINTER(Vfs)
    vfs = library.sqlite3_vfs_find(None)
    if not vfs or vfs.contents.iVersion < 3 or vfs.contents.zName != b"unix":  # noqa: PLR2004 - has the table
        return None
    return vfs, lambda function: ctypes.cast(function, pointer)


def _library() -> Any | None:  # noqa: ANN401 - a type of ctypes' own
    """Return the SQLite library that Python uses, None where it can't be called."""
    try:
        import _sqlite3  # noqa: PLC0415 - as above
        import ctypes  # noqa: PLC0415 - as above

        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find  # noqa: B018 - raises where the symbols are hidden
    except (ImportError, OSError, AttributeError):
        return None
    return library


def _take_locks(path: str, file: FileId) -> None:
    """Take the locks on a file that this process's SQLite believes it holds."""
    shared_memory = _inherited[file]
    if shared_memory is not None and file_id(f"{path}-shm") != shared_memory:
        raise OSError(f"{path} was closed by the process that this one was forked from; give another path")
    _lock(path, file, _SHARED_LOCK)
    if shared_memory is not None:
        _lock(f"{path}-shm", shared_memory, _DEAD_MANS_SWITCH)
    _inherited.pop(file, None)


def _lock(path: str, file: FileId, place: tuple[int, int]) -> None:
    import fcntl  # noqa: PLC0415 - there is no fork where there is no fcntl

    if file not in _descriptors:
        _descriptors[file] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    start, length = place
    fcntl.lockf(_descriptors[file], fcntl.LOCK_SH | fcntl.LOCK_NB, length, start)
