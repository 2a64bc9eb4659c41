"""The ledger: what one process received, wrote, skipped and dropped, as its row of ``recorders`` tells it."""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter._version import __version__
from otel_sqlite_exporter.database.schema import COUNT_COLUMNS, DROP_REASONS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

_WRITTEN: Final = COUNT_COLUMNS.index("written")
_WRITE_ERRORS: Final = COUNT_COLUMNS.index("dropped_write_error")


@dataclass(frozen=True, slots=True)
class Counts:
    """Cumulative counts of one process.

    Of spans, ``received = written + skipped + sum(dropped.values())`` once nothing is queued.
    """

    received: int = 0
    written: int = 0
    skipped: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    log_events_received: int = 0
    log_events_unmatched: int = 0
    log_events_dropped: int = 0
    redact_failures: int = 0
    last_error: str | None = None
    counted_unix_nano: int = field(default_factory=time.time_ns)
    """A moment before they were counted: they know of everything that ended earlier."""
    is_idle: bool = False
    """Whether nothing waited, and what came then was to be written at once."""

    def plus(self, received: int, written: int, skipped: int, write_errors: int, conversion_errors: int) -> Counts:
        """Return these counts with those of one more export added."""
        dropped = {reason: self.dropped.get(reason, 0) for reason in DROP_REASONS}
        dropped["write_error"] += write_errors
        dropped["conversion_error"] += conversion_errors
        return Counts(self.received + received, self.written + written, self.skipped + skipped, dropped, is_idle=True)

    def columns(self) -> tuple[int, ...]:
        """Return the counts in the order of the ledger's columns."""
        return (
            self.received,
            self.written,
            self.skipped,
            *(self.dropped.get(reason, 0) for reason in DROP_REASONS),
            self.log_events_received,
            self.log_events_unmatched,
            self.log_events_dropped,
            self.redact_failures,
        )


class LedgerRow:
    """This process's row of ``recorders`` in the file that is open now.

    Where the file was deleted or replaced, its successor gets a row that counts from there on, so that each file tells
    of what it holds: spans that were still queued when the old file was written last are received by the new one.

    Args:
        settings: JSON of what the process records and with which versions.
    """

    def __init__(self, settings: str) -> None:
        self._settings = settings
        self._uuid = ""
        self.recorder_id = 0
        self.is_stored = False
        """Whether a row of this process was ever committed."""
        self._started = time.time_ns()
        self.is_known_here = False
        """Whether the file that is open now has the row."""
        self._baseline = self._stored = self._latest = Counts().columns()

    def is_behind(self, counts: Counts) -> bool:
        """Tell whether drops were counted since the row was last written."""
        return any(now > stored for now, stored in zip(counts.columns()[3:], self._stored[3:], strict=True))

    def reopened(self) -> None:
        """Take note that the file was opened: it may be another one, or an older copy."""
        self.is_known_here = False

    def register(self, connection: sqlite3.Connection) -> None:
        """Insert the row, unless the file has it, inside the caller's transaction."""
        if self.is_known_here or self._is_in(connection):
            return
        settled = sum(self._stored[1 : 3 + len(DROP_REASONS)])
        self._baseline = (settled, *self._stored[1:])
        row_uuid = str(uuid.uuid4())  # one for each file: a merge keeps the rows of successors apart
        cursor = connection.execute(
            "INSERT INTO recorders "
            "(uuid, pid, host_name, version, settings, started_unix_nano, last_heartbeat_unix_nano) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row_uuid, os.getpid(), socket.gethostname(), __version__, self._settings, self._started, time.time_ns()),
        )
        self._uuid = row_uuid
        self.recorder_id = cursor.lastrowid or 0

    def update(self, counts: Counts) -> tuple[object, ...]:
        """Return what the row has to be updated to, in the order of ``LEDGER_COLUMNS``."""
        self._latest = counts.columns()
        since = (now - before for now, before in zip(self._latest, self._baseline, strict=True))
        return (*since, counts.last_error, counts.counted_unix_nano, int(counts.is_idle))

    def persisted(self) -> None:
        """Take note that the transaction was committed."""
        self.is_known_here = self.is_stored = True
        self._stored = self._latest

    def persisted_elsewhere(self, written: int, failed: int) -> None:
        """Take note that the transaction was committed to a file that is left now, and that its batch is written again.

        Else what was skipped and dropped since the last batch would stand in both files.

        Args:
            written: Spans of that batch that the file has.
            failed: Those that could not be stored.
        """
        again = {_WRITTEN: written, _WRITE_ERRORS: failed}
        self._stored = tuple(count - again.get(place, 0) for place, count in enumerate(self._latest))

    def _is_in(self, connection: sqlite3.Connection) -> bool:
        """Tell whether the file has the row, and not as an older copy of the file does."""
        row = connection.execute(
            f"SELECT {', '.join(COUNT_COLUMNS)} FROM recorders WHERE id = ? AND uuid = ?",
            (self.recorder_id, self._uuid),
        ).fetchone()
        return row is not None and all(
            there >= now - before for there, now, before in zip(row, self._stored, self._baseline, strict=True)
        )
