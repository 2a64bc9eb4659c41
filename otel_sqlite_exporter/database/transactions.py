"""Transactions: a batch and the ledger in one, and what is tried where that fails because of a value."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from otel_sqlite_exporter.database.batch import Batch, RepeatedIdError, Statements
from otel_sqlite_exporter.database.connection import Failure, failure_of, refuse_foreign, rollback
from otel_sqlite_exporter.database.rows import SpanRecord

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from otel_sqlite_exporter.database.ledger import Counts, LedgerRow


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: how many of its records are in the file, how many could not be stored."""

    written: int
    failed: int
    error: Exception | None = None


class Transactions:
    """What is written through a connection, each time all of it or nothing.

    Args:
        path: Of the file, for errors.
        ledger: This process's row.
    """

    def __init__(self, path: str, ledger: LedgerRow) -> None:
        self._path = path
        self._ledger = ledger
        self._statements = Statements()

    def new_batch(self) -> Batch:
        """Return an empty batch."""
        return Batch(completions=self._statements.completions)

    def forget(self) -> None:
        """Take nothing for being in the file."""
        self._statements.forget()

    def write(
        self, connection: sqlite3.Connection, batch: Batch, counts_after: Callable[[int, int], Counts]
    ) -> Written:
        """Write a batch and the ledger.

        Args:
            connection: To the file.
            batch: What to write.
            counts_after: Called with (written, failed) inside the transaction; returns the process's cumulative counts.

        Raises:
            Exception: Nothing was written.
        """
        ways = [self._alone, self._together]
        if batch.records:
            ways.append(self._one_by_one)
        for way in ways:
            try:
                with self._undone_when_failed(connection):
                    result = way(connection, batch, counts_after)
            except Exception as error:
                if way is ways[-1] or failure_of(error) is not Failure.POISON:
                    raise
            else:
                if result is not None:
                    return result
        raise AssertionError("the last way gives a result or an error")

    def beat(self, connection: sqlite3.Connection, counts: Counts) -> None:
        """Have the ledger tell that the process lives."""
        with self._undone_when_failed(connection):
            self._begin(connection)
            self._commit(connection, counts)

    def end(self, connection: sqlite3.Connection, counts: Counts, *, is_clean: bool) -> None:
        """Have the ledger tell that the process ended, and whether everything was written."""
        with self._undone_when_failed(connection):
            self._begin(connection)
            connection.execute(
                "UPDATE recorders SET ended_unix_nano = ?, clean_exit = ? WHERE id = ?",
                (time.time_ns(), int(is_clean), self._ledger.recorder_id),
            )
            self._commit(connection, replace(counts, is_idle=is_clean))

    @contextlib.contextmanager
    def _undone_when_failed(self, connection: sqlite3.Connection) -> Iterator[None]:
        try:
            yield
        except BaseException:
            rollback(connection)
            self._statements.forget()
            self._ledger.reopened()
            raise

    def _alone(
        self, connection: sqlite3.Connection, batch: Batch, counts_after: Callable[[int, int], Counts]
    ) -> Written | None:
        """Write everything in one statement, None where that is not possible: what nearly every batch gets."""
        written = len(batch.records)
        is_done = self._statements.insert_alone(connection, batch, self._ledger, counts_after(written, 0))
        return Written(written, 0) if is_done else None

    def _together(
        self, connection: sqlite3.Connection, batch: Batch, counts_after: Callable[[int, int], Counts]
    ) -> Written:
        self._begin(connection)
        lost = self._statements.insert(connection, batch.records, self._ledger.recorder_id)
        for change in batch.changes:
            self._statements.write(connection, change, self._ledger.recorder_id)
        result = Written(len(batch.records) - lost, lost, RepeatedIdError() if lost else None)
        self._commit(connection, counts_after(result.written, result.failed))
        return result

    def _one_by_one(
        self, connection: sqlite3.Connection, batch: Batch, counts_after: Callable[[int, int], Counts]
    ) -> Written:
        """Write each record in a savepoint of its own, so that a value that can't be stored costs one row only."""
        written = failed = 0
        last_error: Exception | None = None
        self._begin(connection)
        for step in batch.steps:
            connection.execute("SAVEPOINT one")
            try:
                self._statements.write(connection, step, self._ledger.recorder_id)
                written += isinstance(step, SpanRecord)
            except Exception as error:
                if failure_of(error) is not Failure.POISON:
                    raise
                last_error = error
                failed += isinstance(step, SpanRecord)
                connection.execute("ROLLBACK TO one")
                self._statements.forget()
            connection.execute("RELEASE one")
        self._commit(connection, counts_after(written, failed))
        return Written(written, failed, last_error)

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction, see whether another process migrated the file, and register with the ledger."""
        connection.execute("BEGIN IMMEDIATE")
        refuse_foreign(connection, self._path)
        self._ledger.register(connection)

    def _commit(self, connection: sqlite3.Connection, counts: Counts) -> None:
        self._statements.write_ledger(connection, self._ledger, counts)
        connection.execute("COMMIT")
