"""The database file: one connection, whatever happens to the file and to the process meanwhile."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

from otel_sqlite_exporter.database import forked_connections
from otel_sqlite_exporter.database.connection import Failure, LogHeldUpError, failure_of, open_for_writing
from otel_sqlite_exporter.database.ledger import LedgerRow
from otel_sqlite_exporter.database.open_file import file_id
from otel_sqlite_exporter.database.transactions import Transactions, Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_sqlite_exporter.database.batch import Batch
    from otel_sqlite_exporter.database.ledger import Counts
    from otel_sqlite_exporter.database.open_file import OpenFile
    from otel_sqlite_exporter.database.retention import Retention

_logger = logging.getLogger(__name__)

# Of the time that is left; closing the file moves the log into it, which takes some as well.
_PRUNING_SHARE: Final = 0.8

_FORK_SECONDS: Final = 0.2
_FORK_POLL_SECONDS: Final = 0.01
_CHILD_SECONDS: Final = 0.5

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def _alone(
    method: Callable[Concatenate[DatabaseWriter, _Parameters], _Result],
) -> Callable[Concatenate[DatabaseWriter, _Parameters], _Result]:
    """Have a method of the writer run while nobody forks."""

    @functools.wraps(method)
    def guarded(self: DatabaseWriter, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        with self._gate:
            before, self._user = self._user, threading.get_ident()
            try:
                return method(self, *args, **kwargs)
            finally:
                self._user = before

    return guarded  # type: ignore[return-value] # the name of its first parameter is of no interest


class DatabaseWriter:
    """One connection to the file, opened at the first write. Used by one thread at a time.

    Args:
        path: Absolute path of the database file.
        settings: JSON of what the process records and with which versions, for the ledger.
    """

    def __init__(self, path: str, settings: str = "{}") -> None:
        self.path = path
        self.connection: sqlite3.Connection | None = None
        self._file: OpenFile | None = None
        self._is_opening = False
        """Whether SQLite may know of the file already, though there is no connection yet."""
        self._gate = threading.RLock()
        """Held while the connection is in use, and while the process forks."""
        self._user: int | None = None
        self._forks = threading.local()
        """``has_gate``: for each fork that the thread is in the midst of, whether it holds the gate."""
        self.children_write_until = 0.0
        """Until when nothing should be written, by ``time.monotonic``: a child of a fork may be about to write."""
        self._ledger = LedgerRow(settings)
        self._transactions = Transactions(path, self._ledger)

    @_alone
    def write(self, batch: Batch, counts_after: Callable[[int, int], Counts], *, is_followed: bool = False) -> Written:
        """Write a batch and the ledger in one transaction.

        Args:
            batch: What to write.
            counts_after: Called with (written, failed) inside the transaction; returns the process's cumulative counts.
            is_followed: Whether another batch comes at once, after which a log that was deleted alone is noticed, too.

        Raises:
            DatabaseRefusedError: The file must not be written.
            sqlite3.Error: Nothing of the batch was written; the caller may try again.
            OSError: As above.
        """
        file, connection = self._connect()
        try:
            result = self._transactions.write(connection, batch, counts_after)
        except Exception as error:
            if failure_of(error) is Failure.BUSY:
                raise
            if file.is_current() or not self._leave(file, connection):
                if not self._has_only_log():
                    self.close()
                raise
        else:
            is_current = file.is_current(is_hurried=is_followed)
            is_gone = not is_current and file.is_gone()
            if is_current or not self._leave(file, connection):
                self._ledger.persisted()
                return result
            if not is_gone:
                self._ledger.persisted_elsewhere(result.written, result.failed)
        # The file was deleted, renamed, replaced or emptied under the open connection. What was just written went with
        # it, or failed because of that. The new file gets it too, and its ledger counts it.
        _, connection = self._connect()
        result = self._transactions.write(connection, batch, counts_after)
        self._ledger.persisted()
        return result

    def new_batch(self) -> Batch:
        """Return an empty batch."""
        return self._transactions.new_batch()

    @property
    def has_ledger(self) -> bool:
        """Whether this process has a row in the ledger of a file."""
        return self._ledger.is_stored

    def is_behind(self, counts: Counts) -> bool:
        """Tell whether the ledger in the file knows of fewer drops than ``counts``."""
        return self._ledger.is_behind(counts)

    @_alone
    def end(self, counts: Counts, *, is_clean: bool) -> None:
        """Write the last counts and that this process ended; do nothing where nothing was ever written.

        Args:
            counts: The process's counts.
            is_clean: Whether everything that was queued at the end is in the file.

        Raises:
            LogHeldUpError: What was written would be lost now if the file were closed; the caller may try again.
            DatabaseRefusedError: As :meth:`write`, like the other errors.
            sqlite3.Error: The ledger could not be written; the caller may try again.
            OSError: As above.
        """
        connection = self._connect_to_ledger()
        if connection is None:
            if self._has_only_log():
                raise LogHeldUpError(f"{self.path}-wal was deleted while the file is read")
            return
        self._transactions.end(connection, counts, is_clean=is_clean)

    @_alone
    def beat(self, counts: Counts) -> None:
        """Have the ledger tell that the process lives; do nothing where nothing was ever written.

        Args:
            counts: The process's counts.

        Raises:
            DatabaseRefusedError: As :meth:`write`, like the other errors.
            sqlite3.Error: The ledger could not be written; the caller may try again.
            OSError: As above.
        """
        connection = self._connect_to_ledger()
        if connection is None:
            return
        self._transactions.beat(connection, counts)
        self._ledger.persisted()

    @_alone
    def prune(self, retention: Retention) -> None:
        """Delete one slice of what has to go; do nothing where nothing was ever written.

        Raises:
            sqlite3.Error: Nothing of the slice was deleted.
        """
        if self.connection is None or self._file is None:
            return
        if not self._file.is_current():  # moved away by somebody who wants to keep it
            retention.postpone()
            return
        retention.prune(self.connection)
        self._transactions.forget()  # messages that may have gone

    @_alone
    def prune_to_end(self, retention: Retention, deadline: float) -> None:
        """Delete all that has to go, as the last thing before :meth:`close`; leave what there is no time for.

        Args:
            retention: What has to go.
            deadline: When the file has to be closed, by ``time.monotonic``.
        """
        if not retention.is_wanted or self.connection is None:
            return
        now = time.monotonic()
        pruning_ends = now + _PRUNING_SHARE * (deadline - now)
        retention.begin_pass()
        try:
            while retention.seconds_to_next_pass == 0 and time.monotonic() < pruning_ends:
                try:
                    self.prune(retention)
                except sqlite3.Error as error:
                    if failure_of(error) is not Failure.BUSY:
                        raise
            # Closing does this too, unless another connection is open.
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error:
            return  # the next process that uses the file tries again

    @_alone
    def close(self) -> None:
        """Close the connection; the next write opens another one."""
        connection, file = self.connection, self._file
        if connection is None or (file is not None and not file.is_current() and self._leave(file, connection)):
            return
        if self._has_only_log():
            _logger.warning("%s: the log was deleted while the file was read; the last rows of it are lost", self.path)
        self.connection = None
        with contextlib.suppress(sqlite3.Error):
            connection.close()

    def prepare_fork(self) -> None:
        """Close the connection and let nobody open another one until :meth:`fork_is_over`.

        A child can neither use nor close a connection that it inherits. A statement that runs is interrupted; its batch
        is written again once a child has had its turn, which would else wait for as long as the statement takes. What
        can't be interrupted, as a disk that does not answer, is waited for no longer than a fifth of a second; the
        child then opens the file under an identity of its own (``forked_connections``).
        """
        has_gate = self._gates_of_forks()
        has_gate.append(False)
        if self._user == threading.get_ident():  # a signal handler forks in the middle of a write
            return
        deadline = time.monotonic() + _FORK_SECONDS
        while not self._gate.acquire(timeout=_FORK_POLL_SECONDS):
            connection = self.connection
            if time.monotonic() >= deadline:
                return
            if connection is not None:
                self.children_write_until = time.monotonic() + _CHILD_SECONDS
                with contextlib.suppress(sqlite3.Error):
                    connection.interrupt()
        has_gate[-1] = True
        if not self._has_only_log():
            self.close()

    def fork_is_over(self) -> None:
        """Go on, in the parent."""
        has_gate = self._gates_of_forks()
        if has_gate and has_gate.pop():
            self._gate.release()

    def _gates_of_forks(self) -> list[bool]:
        """Return the stack of this thread: a signal handler may fork while the process forks."""
        stack: list[bool] = self._forks.__dict__.setdefault("has_gate", [])
        return stack

    def abandon(self) -> None:
        """Leave the connection alone for good, as a forked child must, also one that was still to be opened."""
        if self._user is not None:  # a thread was in the middle of SQLite
            forked_connections.free_mutexes()
        connection, self.connection = self.connection, None
        if connection is not None and self._file is not None:
            forked_connections.keep(connection, self._file.id, self._file.shared_memory_id)
        elif self._is_opening:
            forked_connections.expect(file_id(self.path), file_id(f"{self.path}-shm"))

    def wal_bytes(self) -> int:
        """Return the size of the write-ahead log, 0 where there is none."""
        try:
            return os.stat(f"{self.path}-wal").st_size  # noqa: PTH116 - os.stat never takes SQLite's locks away
        except OSError:
            return 0

    def file_identity(self) -> tuple[int, ...] | None:
        """Return what tells one state of a broken file from another, None where there is no file."""
        try:
            info = os.stat(self.path)  # noqa: PTH116 - os.stat never takes SQLite's locks away
        except OSError:
            return None
        return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_mode, info.st_uid)

    def _connect(self) -> tuple[OpenFile, sqlite3.Connection]:
        if self.connection is None or self._file is None:
            self._transactions.forget()
            self._ledger.reopened()
            if self._file is not None:
                self._file.follow()
            self._is_opening = True
            try:
                self._file, self.connection = open_for_writing(self.path)
            finally:
                self._is_opening = False
        return self._file, self.connection

    def _connect_to_ledger(self) -> sqlite3.Connection | None:
        """Return a connection to the file that has this process's row, None where there is none any more."""
        if not self._ledger.is_stored or (self.connection is None and file_id(self.path) is None):
            return None
        file, connection = self._connect()
        if file.is_current():
            return connection
        self._leave(file, connection)  # the next batch makes a new file
        return None

    def _has_only_log(self) -> bool:
        return self.connection is not None and self._file is not None and self._file.has_only_log()

    def _leave(self, file: OpenFile, connection: sqlite3.Connection) -> bool:
        """Part with a file that is no longer at its path; return whether that is possible now (see OpenFile.leave)."""
        try:
            is_left = file.leave(connection)
        except sqlite3.Error:
            return False
        if is_left:
            self.connection = self._file = None
        return is_left
