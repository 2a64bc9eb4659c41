"""The rows of ``outboxes``: how far a sender has come, kept in the file that it sends.

A sender is another process than the recorder, so that every write here is one short transaction of one row.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.connection import Failure, failure_of, refuse_foreign, rollback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BUSY_SECONDS: Final = 1.0
_LONGEST_ERROR: Final = 500


class FileReplacedError(Exception):
    """The connection leads to another file than the one that was read."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A row of ``outboxes``.

    Args:
        destination: Where it sends to.
        last_span_id: ``spans.id`` up to which everything was acknowledged.
        last_change_seq: ``span_changes.seq`` up to which everything was acknowledged.
        sent: Spans that were acknowledged, amendments included.
        rejected: Spans that the receiver refused in a partial success.
        set_aside: Spans that no request with them was taken for.
        lost: Spans that were deleted before they were sent.
    """

    destination: str
    last_span_id: int = 0
    last_change_seq: int = 0
    sent: int = 0
    rejected: int = 0
    set_aside: int = 0
    lost: int = 0


class Outbox:
    """One sender's row in a file.

    Args:
        path: The recorded file; it is written to.
        name: The sender's name.
        is_stopped: Asked while another process holds the write lock; true gives up.

    Raises:
        DatabaseRefusedError: The file is not one of ours.
        sqlite3.Error: It can't be written to.
    """

    def __init__(self, path: str, name: str, *, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self._name = name
        self._is_stopped = is_stopped
        self._connection = sqlite3.connect(
            f"file:{urllib.parse.quote(os.fsencode(path))}?mode=rw",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
        )
        try:
            refuse_foreign(self._connection, path)
            (self.file_id,) = self._connection.execute("SELECT file_id FROM file").fetchone()
        except BaseException:
            self._connection.close()
            raise

    def open(self, destination: str) -> Progress:
        """Make the row where there is none, note where it sends to now, and return how far it has come."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO outboxes (name, destination, created_unix_nano) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET destination = excluded.destination "
                "WHERE destination <> excluded.destination",
                (self._name, destination, time.time_ns()),
            )
        found = self.look()
        if found is None:
            raise FileReplacedError
        return found

    def look(self) -> Progress | None:
        """Return how far it has come, None where there is no such row."""
        row = self._connection.execute(
            "SELECT destination, last_span_id, last_change_seq, sent, rejected, set_aside, lost FROM outboxes "
            "WHERE name = ?",
            (self._name,),
        ).fetchone()
        return None if row is None else Progress(*row)

    def move(self, last_span_id: int, last_change_seq: int) -> None:
        """Put the cursor somewhere else, back as well."""
        with self._transaction():
            self._connection.execute(
                "UPDATE outboxes SET last_span_id = ?, last_change_seq = ? WHERE name = ?",
                (last_span_id, last_change_seq, self._name),
            )

    def advance(
        self, last_span_id: int, last_change_seq: int, *, sent: int = 0, rejected: int = 0, set_aside: int = 0
    ) -> None:
        """Note that everything up to a place was dealt with.

        Args:
            last_span_id: The place.
            last_change_seq: As above.
            sent: How many spans were acknowledged since the last time.
            rejected: How many of them were refused in partial successes.
            set_aside: How many were given up.
        """
        with self._transaction():
            self._connection.execute(
                "UPDATE outboxes SET last_span_id = ?, last_change_seq = ?, sent = sent + ?, rejected = rejected + ?, "
                "set_aside = set_aside + ?, "
                "last_success_unix_nano = CASE WHEN ? THEN ? ELSE last_success_unix_nano END WHERE name = ?",
                (last_span_id, last_change_seq, sent, rejected, set_aside, sent > 0, time.time_ns(), self._name),
            )

    def note(self, error: str | None) -> None:
        """Keep the last thing that went wrong; None once nothing does."""
        with self._transaction():
            self._connection.execute(
                "UPDATE outboxes SET last_error = ? WHERE name = ?",
                (None if error is None else error[:_LONGEST_ERROR], self._name),
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write inside; wait for the write lock as long as it takes, because the recorder goes first."""
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.Error as error:
                if failure_of(error) is not Failure.BUSY or self._is_stopped():
                    raise
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            rollback(self._connection)
            raise
