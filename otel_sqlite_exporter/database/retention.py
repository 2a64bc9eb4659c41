"""Delete the oldest traces, whole and in small slices, and give their space back to the file system."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from otel_sqlite_exporter.config import ExporterOptions

_SPANS_PER_SLICE: Final = 50
_PAGES_PER_SLICE: Final = 256
_NANOSECONDS_PER_DAY: Final = 86_400 * 10**9
_SECONDS_BETWEEN_PASSES: Final = 1.0

# Deleting down to the cap itself would mean another pass after every batch.
_SHRINK_TO: Final = 0.9


class Retention:
    """Decide what has to go, one slice at a time, so that a batch never waits for more than one slice.

    Args:
        options: ``retention_days`` and ``max_database_bytes``; with neither there is never anything to do.
    """

    def __init__(self, options: ExporterOptions) -> None:
        self._days = options.retention_days
        self._max_bytes = options.max_database_bytes
        self._next_pass = 0.0
        self._is_shrinking = False
        self._after_start_time = -1
        self.is_over_cap = False
        """Whether the file is larger than ``max_database_bytes`` with nothing left that could be deleted."""

    @property
    def is_wanted(self) -> bool:
        """Whether any limit is set."""
        return self._days is not None or self._max_bytes is not None

    @property
    def seconds_to_next_pass(self) -> float:
        """How long nothing needs to be looked at."""
        return max(self._next_pass - time.monotonic(), 0.0)

    def begin_pass(self) -> None:
        """Look now, however short ago the last pass was."""
        self._next_pass = 0.0

    def postpone(self) -> None:
        """Try again later, after a slice that failed."""
        self._next_pass = time.monotonic() + _SECONDS_BETWEEN_PASSES

    def prune(self, connection: sqlite3.Connection) -> None:
        """Delete one slice of what has to go; the caller holds no transaction and commits nothing itself.

        Raises:
            sqlite3.Error: Nothing of the slice was deleted.
        """
        connection.execute("BEGIN IMMEDIATE")
        try:
            expired = self._expired(connection)
            traces = _slice_of(connection, expired or self._beyond_cap(connection))
            if traces:
                _delete(connection, traces)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if not traces:
            has_more = self._give_back(connection)
            self._next_pass = time.monotonic() + (0 if has_more else _SECONDS_BETWEEN_PASSES)

    def _expired(self, connection: sqlite3.Connection) -> list[str]:
        """Return the oldest traces that ended before the retention period, passing over those that go on."""
        if self._days is None:
            return []
        # A period that reaches beyond 1970 keeps everything, and would be no integer that SQLite can compare with.
        cutoff = int(max(time.time_ns() - self._days * _NANOSECONDS_PER_DAY, 0.0))
        while True:
            rows = connection.execute(
                "SELECT trace_id, start_time_unix_nano FROM spans "
                "WHERE start_time_unix_nano > ? AND start_time_unix_nano < ? ORDER BY start_time_unix_nano LIMIT ?",
                (self._after_start_time, cutoff, _SPANS_PER_SLICE),
            ).fetchall()
            if not rows:
                self._after_start_time = -1
                return []
            ended = [
                trace_id for trace_id in dict.fromkeys(row[0] for row in rows) if _ended(connection, trace_id, cutoff)
            ]
            if ended:
                return ended
            self._after_start_time = rows[-1][1]

    def _beyond_cap(self, connection: sqlite3.Connection) -> list[str]:
        """Return the oldest traces while the pages in use are more than the cap allows, never the newest of them."""
        if self._max_bytes is None:
            return []
        used = (_pragma(connection, "page_count") - _pragma(connection, "freelist_count")) * _pragma(
            connection, "page_size"
        )
        if used <= self._max_bytes * (_SHRINK_TO if self._is_shrinking else 1.0):
            self._is_shrinking = self.is_over_cap = False
            return []
        self._is_shrinking = True
        rows = connection.execute(
            "SELECT trace_id FROM spans "
            "WHERE trace_id <> (SELECT trace_id FROM spans ORDER BY start_time_unix_nano DESC LIMIT 1) "
            "ORDER BY start_time_unix_nano LIMIT ?",
            (_SPANS_PER_SLICE,),
        ).fetchall()
        if not rows:
            self.is_over_cap = True
        return list(dict.fromkeys(row[0] for row in rows))

    def _give_back(self, connection: sqlite3.Connection) -> bool:
        """Return free pages to the file system, and tell whether there are more of them."""
        if _pragma(connection, "freelist_count") == 0:
            return False
        # Each step of the statement frees one page; it has no columns, so execute() would take a single step.
        connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_PER_SLICE})")
        if _pragma(connection, "freelist_count") > 0:
            return True
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return False


def _slice_of(connection: sqlite3.Connection, traces: Sequence[str]) -> list[str]:
    """Return the first of some traces: as many as a slice has spans, and at least one."""
    chosen: list[str] = []
    spans = 0
    for trace_id in traces:
        if spans >= _SPANS_PER_SLICE:
            break
        chosen.append(trace_id)
        spans += connection.execute("SELECT count(*) FROM spans WHERE trace_id = ?", (trace_id,)).fetchone()[0]
    return chosen


def _ended(connection: sqlite3.Connection, trace_id: str, cutoff: int) -> bool:
    (last_end,) = connection.execute(
        "SELECT max(end_time_unix_nano) FROM spans WHERE trace_id = ?", (trace_id,)
    ).fetchone()
    return bool(last_end < cutoff)


def _delete(connection: sqlite3.Connection, traces: Sequence[str]) -> None:
    """Delete traces with all their spans, and the messages that no other span refers to."""
    connection.execute("CREATE INDEX IF NOT EXISTS span_messages_message ON span_messages (message_id)")
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS going (id INTEGER PRIMARY KEY)")
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS going_messages (id INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM going")
    connection.execute("DELETE FROM going_messages")
    connection.execute(
        f"INSERT INTO going SELECT id FROM spans WHERE trace_id IN ({', '.join('?' * len(traces))})", traces
    )
    connection.execute(
        "INSERT OR IGNORE INTO going_messages "
        "SELECT message_id FROM span_messages WHERE span_id IN (SELECT id FROM going)"
    )
    connection.execute("DELETE FROM span_messages WHERE span_id IN (SELECT id FROM going)")
    # Where only the inner report of a call goes, the outer one in another trace stands for the call again.
    connection.execute("UPDATE spans SET duplicate_of = NULL WHERE duplicate_of IN (SELECT id FROM going)")
    connection.execute(
        "UPDATE spans SET shown_in_trace_id = NULL "
        f"WHERE shown_in_trace_id IN ({', '.join('?' * len(traces))}) AND id NOT IN (SELECT id FROM going)",
        traces,
    )
    connection.execute("DELETE FROM spans WHERE id IN (SELECT id FROM going)")
    connection.execute(
        "DELETE FROM messages WHERE id IN (SELECT id FROM going_messages) "
        "AND NOT EXISTS (SELECT 1 FROM span_messages WHERE message_id = messages.id)"
    )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
