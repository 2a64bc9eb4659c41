"""Open the database file: identity, pragmas, permissions, migrations, and what SQLite's errors mean."""

from __future__ import annotations

import contextlib
import enum
import errno
import functools
import logging
import os
import sqlite3
import urllib.parse
from pathlib import Path
from typing import Final

from otel_sqlite_exporter.database import batch_statement, forked_connections
from otel_sqlite_exporter.database.open_file import FileId, OpenFile, alone_with, file_id, set_leftovers_aside
from otel_sqlite_exporter.database.private_files import why_not_private
from otel_sqlite_exporter.database.schema import APPLICATION_ID, OLDEST_SQLITE, SCHEMA_VERSION, migrate

_logger = logging.getLogger(__name__)

# SQLite sleeps inside C while it waits for a lock. Our own loop waits instead, so that a shutdown or a cooperative
# scheduler (gevent) is never stuck in it for long.
_BUSY_TIMEOUT_SECONDS: Final = 0.01
_OTHER_STATEMENTS: Final = 32

WAL_SIZE_LIMIT: Final = 64 << 20
"""Bytes to which the write-ahead log shrinks back, after a reader has held up the checkpoint."""

_PRAGMAS: Final = (
    ("synchronous", "NORMAL"),  # in WAL mode a commit survives the process; only power loss can undo the last ones
    ("journal_size_limit", str(WAL_SIZE_LIMIT)),
    ("cache_size", str(-16 << 10)),  # KiB: the upper levels of every index stay in memory at millions of rows
    ("temp_store", "MEMORY"),
    ("secure_delete", "ON"),  # what retention or an amendment deletes is gone from the file
)


class DatabaseRefusedError(Exception):
    """The file must not be written: it is no database, belongs to another application, or has a newer schema."""


class LogHeldUpError(Exception):
    """The file can't be closed yet: its log was deleted, and a reader holds up what is in that."""


class Failure(enum.Enum):
    """What a failed write means for the batch."""

    BUSY = "another connection holds the write lock: wait and try again"
    TRANSIENT = "the disk or the process is in trouble: reopen, back off and try again"
    BROKEN = "the file is unusable: leave it alone until it is another one"
    POISON = "a value can't be stored: write the batch row by row"


_NOTADB: Final = 26
_SHARED_MEMORY_ERRORS: Final = frozenset(10 | detail << 8 for detail in (18, 19, 20, 21))  # SQLITE_IOERR_SHM*

_FAILURES: Final = {
    1: Failure.POISON,  # SQLITE_ERROR: tried again it would fail again, and hold up everything behind it
    5: Failure.BUSY,  # SQLITE_BUSY
    6: Failure.BUSY,  # SQLITE_LOCKED
    9: Failure.BUSY,  # SQLITE_INTERRUPT: for the sake of a fork
    11: Failure.BROKEN,  # SQLITE_CORRUPT
    _NOTADB: Failure.BROKEN,
    12: Failure.POISON,  # SQLITE_NOTFOUND
    18: Failure.POISON,  # SQLITE_TOOBIG
    19: Failure.POISON,  # SQLITE_CONSTRAINT
    20: Failure.POISON,  # SQLITE_MISMATCH
    25: Failure.POISON,  # SQLITE_RANGE
}

_FAILURE_KINDS: Final = (
    (DatabaseRefusedError, Failure.BROKEN),
    (LogHeldUpError, Failure.BUSY),
    (OSError, Failure.TRANSIENT),
    (MemoryError, Failure.TRANSIENT),
)

# Python 3.10 has no sqlite_errorcode; there the message, which SQLite fixes per code, has to tell.
_FAILURE_TEXTS: Final = (
    ("locked", Failure.BUSY),
    ("interrupted", Failure.BUSY),
    ("malformed", Failure.BROKEN),
    ("not a database", Failure.BROKEN),
    ("too big", Failure.POISON),
    ("constraint", Failure.POISON),
    ("mismatch", Failure.POISON),
    ("no such", Failure.POISON),
)


def failure_of(error: Exception) -> Failure:
    """Classify what a write raised."""
    for kind, failure in _FAILURE_KINDS:
        if isinstance(error, kind):
            return failure
    if not isinstance(error, sqlite3.Error):
        return Failure.POISON  # OverflowError, UnicodeEncodeError and friends come from binding a value
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return _FAILURES.get(code & 0xFF, Failure.TRANSIENT)
    text = str(error)
    for fragment, failure in _FAILURE_TEXTS:
        if fragment in text:
            return failure
    return Failure.TRANSIENT if type(error) in {sqlite3.OperationalError, sqlite3.DatabaseError} else Failure.POISON


def check_library() -> None:
    """Raise RuntimeError where Python's SQLite library is too old to write a file."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE[:2]))
        raise RuntimeError(
            f"otel-sqlite-exporter needs SQLite {oldest} or newer; this Python has {sqlite3.sqlite_version}: "
            "use a newer Python or system library"
        )


def check_existing(path: str) -> None:
    """Raise ValueError when an existing file can be seen to be none that may be written; leave it untouched.

    A file that can't be looked at now (locked, unreadable) passes: the writer looks again.

    Raises:
        RuntimeError: Python's SQLite library is too old.
    """
    check_library()
    _check_identity(path)
    reason = why_not_private(path)
    if reason is not None:
        raise ValueError(reason)


def _check_identity(path: str) -> None:
    try:
        if os.stat(path).st_size == 0:  # noqa: PTH116 - os.stat never takes SQLite's locks away, opening would
            return
    except OSError:
        return
    # An immutable file is read without locks and without its log, so that nothing is created beside it. What is only in
    # the log of a file in use is seen in a second look, which then creates nothing either.
    is_in_use = all(file_id(path + suffix) for suffix in ("-wal", "-shm"))
    for parameters in ("mode=ro&immutable=1", "mode=ro") if is_in_use else ("mode=ro&immutable=1",):
        try:
            connection = sqlite3.connect(
                _uri(path, parameters), uri=True, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None
            )
            with contextlib.closing(connection):
                refuse_foreign(connection, path)
        except DatabaseRefusedError as error:
            raise ValueError(str(error)) from None
        except sqlite3.Error as error:
            # An immutable file that is written meanwhile may look corrupt, but it has a header.
            if _is_not_a_database(error):
                raise ValueError(_not_a_database(path, error)) from None


def open_for_writing(path: str) -> tuple[OpenFile, sqlite3.Connection]:
    """Open or create the database file and bring its schema up to date.

    Missing parent directories are created with mode 0700, the file with mode 0600: it holds prompts.

    Raises:
        DatabaseRefusedError: The file must not be written.
        sqlite3.Error: It could not be opened now; the caller may try again.
        OSError: As above, from the file system.
    """
    _create_directories(path)
    with alone_with(path):
        set_leftovers_aside(path)
        _create_private(path)
        _refuse_open_to_others(path)
        main_id = file_id(path)
        connection = _open_in_best_mode(path)
        try:
            _refuse_open_to_others(path, main_id)  # it may have been replaced in between
        except BaseException:
            connection.close()
            raise
        return OpenFile(path, main_id), connection


def _refuse_open_to_others(path: str, expected: FileId | None = None) -> None:
    reason = why_not_private(path)
    if reason is not None:
        raise DatabaseRefusedError(reason)
    if expected is not None and file_id(path) != expected:
        raise OSError(errno.ESTALE, "the file was replaced while it was opened", path)


def _open_in_best_mode(path: str) -> sqlite3.Connection:
    try:
        return _open(path, "WAL")
    except sqlite3.OperationalError as error:
        if not _is_shared_memory_missing(error):
            raise
    _leave_wal_mode(path)
    connection = _open(path, "DELETE")
    _warn_without_wal(path)
    return connection


def _open(path: str, journal_mode: str) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        try:
            is_new = refuse_foreign(connection, path)
        except sqlite3.Error as error:
            if _is_not_a_database(error):
                raise DatabaseRefusedError(_not_a_database(path, error)) from error
            raise
        if is_new:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        # The reply is no proof: it says "wal" where the first use of the log fails.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        for name, value in _PRAGMAS:
            connection.execute(f"PRAGMA {name} = {value}")
        _migrate(connection, path)
        batch_statement.install(connection, SCHEMA_VERSION)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: str) -> sqlite3.Connection:
    with forked_connections.own_identity(path):
        return sqlite3.connect(
            _uri(path, "mode=rw"),  # without "c": what SQLite itself would create, others could read
            uri=True,
            timeout=_BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # a fork closes it in another thread, and a shutdown where there is no thread
            cached_statements=batch_statement.STATEMENTS + _OTHER_STATEMENTS,
        )


def _uri(path: str, parameters: str) -> str:
    return f"file:{urllib.parse.quote(os.fsencode(path))}?{parameters}"


def _create_directories(path: str) -> None:
    missing = [parent for parent in Path(path).parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=0o700, exist_ok=True)


def _create_private(path: str) -> None:
    # O_EXCL: only a file that did not exist is opened here, so no lock of a connection in this process is lost.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if not os.access(path, os.W_OK):
        # SQLite would give the log's shared memory the same mode, and be stopped by that once the file may be written.
        raise PermissionError(errno.EACCES, "the file is read-only", path)


def _is_shared_memory_missing(error: sqlite3.OperationalError) -> bool:
    """Tell whether an error comes from a file system on which processes can't share memory, as a log needs them to."""
    code = getattr(error, "sqlite_errorcode", None)
    # Python 3.10 does not tell. Trying without a log is harmless there: it fails as well where the disk itself does.
    return code in _SHARED_MEMORY_ERRORS if code is not None else "disk I/O error" in str(error)


def _leave_wal_mode(path: str) -> None:
    """Turn write-ahead logging off. Only a connection that is alone with the file can do that without shared memory."""
    with contextlib.closing(_connect(path)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("PRAGMA journal_mode = DELETE")


@functools.lru_cache(maxsize=16)  # once for each file, however often it is opened
def _warn_without_wal(path: str) -> None:
    _logger.warning("%s: write-ahead logging is not possible on this file system; writes are slower", path)


def refuse_foreign(connection: sqlite3.Connection, path: str) -> bool:
    """Return whether the database is new; raise DatabaseRefusedError when it is not ours to write."""
    # In one statement, because another process may be creating the schema between two.
    application_id, version, objects = connection.execute(
        "SELECT a.application_id, u.user_version, (SELECT count(*) FROM sqlite_master) "
        "FROM pragma_application_id a, pragma_user_version u"
    ).fetchone()
    if application_id == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise DatabaseRefusedError(
                f"{path} has schema version {version}, newer than the {SCHEMA_VERSION} that this version of "
                "otel-sqlite-exporter knows; upgrade otel-sqlite-exporter or give another path"
            )
        return False
    if application_id or version or objects:
        raise DatabaseRefusedError(
            f"{path} is an SQLite database of another application (application_id {application_id:#x}); "
            "give the path of a file of its own"
        )
    return True


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        refuse_foreign(connection, path)  # another process may have been first
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        migrate(connection, version)
        connection.execute("COMMIT")
    except BaseException:
        rollback(connection)
        raise


def rollback(connection: sqlite3.Connection) -> None:
    """End the open transaction, if SQLite has not already done so by itself."""
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _is_not_a_database(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", _NOTADB) & 0xFF == _NOTADB and "not a database" in str(error)


def _not_a_database(path: str, error: Exception) -> str:
    return f"{path} is not an SQLite database ({error}); move the file away or give another path"
