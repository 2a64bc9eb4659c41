"""Delete the oldest traces, whole and in small slices, and give their space back to the file system."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.essentials import DAY_NANOSECONDS
from otel_sqlite_exporter.database.sweep import Sweep

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from otel_sqlite_exporter.config import ExporterOptions

_SPANS_PER_LOOK: Final = 200
_SPANS_AT_ONCE: Final = 10
_SLICE_SECONDS: Final = 0.005
_PAGES_PER_SLICE: Final = 64
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
        self._going: list[str] = []
        self._going_on: set[str] = set()
        """Traces that are known to have newer spans, for one pass."""
        self._is_looking = self._is_within_trace = False
        self._prepared: sqlite3.Connection | None = None
        self._sweep = Sweep()
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
        self._going = []
        self._next_pass = time.monotonic() + _SECONDS_BETWEEN_PASSES

    def prune(self, connection: sqlite3.Connection) -> None:
        """Delete one slice of what has to go; the caller holds no transaction and commits nothing itself.

        What has to go is looked for without the write lock, which is held for some milliseconds only.

        Raises:
            sqlite3.Error: Nothing of the slice was deleted.
        """
        self._prepare(connection)
        if not self._going:
            self._going = self._expired(connection)
            if not (self._going or self._sweep.is_pressing):
                self._going = self._beyond_cap(connection)
        if self._going:
            with _transaction(connection):
                deleted = self._delete_slice(connection)
            self._sweep.begin(deleted)
            if self._sweep.is_pressing:  # perhaps enough is free then; but a trace goes whole
                self._going = self._going[:1] if self._is_within_trace else []
        elif self._is_looking:
            pass  # the next slice goes on with it
        elif self._sweep.is_under_way:
            self._sweep.step(connection)
        else:
            has_more = self._give_back(connection)
            self._next_pass = time.monotonic() + (0 if has_more else _SECONDS_BETWEEN_PASSES)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if self._prepared is not connection:
            connection.execute("CREATE INDEX IF NOT EXISTS span_messages_message ON span_messages (message_id)")
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS going (id INTEGER PRIMARY KEY)")
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS going_messages (id INTEGER PRIMARY KEY)")
            self._prepared = connection

    def _delete_slice(self, connection: sqlite3.Connection) -> int:
        """Delete spans of the traces that go, for some milliseconds, and return how many."""
        deleted = 0
        end = time.monotonic() + _SLICE_SECONDS
        while self._going and time.monotonic() < end:
            trace_id = self._going[0]
            spans = connection.execute(
                "SELECT id FROM spans WHERE trace_id = ? LIMIT ?", (trace_id, _SPANS_AT_ONCE)
            ).fetchall()
            if spans:
                _delete(connection, trace_id, [span_id for (span_id,) in spans])
            deleted += len(spans)
            self._is_within_trace = len(spans) == _SPANS_AT_ONCE
            if not self._is_within_trace:
                del self._going[0]
                if self._sweep.is_wanted_after(deleted):
                    break
        return deleted

    def _expired(self, connection: sqlite3.Connection) -> list[str]:
        """Return the oldest traces that ended before the retention period, passing over those that go on."""
        if self._days is None:
            return []
        # A period that reaches beyond 1970 keeps everything, and would be no integer that SQLite can compare with.
        cutoff = int(max(time.time_ns() - self._days * DAY_NANOSECONDS, 0.0))
        end = time.monotonic() + _SLICE_SECONDS
        self._is_looking = True
        while time.monotonic() < end:
            rows = connection.execute(
                "SELECT trace_id, start_time_unix_nano FROM spans "
                "WHERE start_time_unix_nano > ? AND start_time_unix_nano < ? ORDER BY start_time_unix_nano LIMIT ?",
                (self._after_start_time, cutoff, _SPANS_PER_LOOK),
            ).fetchall()
            if not rows:
                self._after_start_time = -1
                self._going_on.clear()
                self._is_looking = False
                break
            traces = [trace_id for trace_id in dict.fromkeys(row[0] for row in rows) if trace_id not in self._going_on]
            ended = [trace_id for trace_id in traces if _ended(connection, trace_id, cutoff)]
            self._going_on.update(set(traces) - set(ended))
            if ended:
                return ended
            self._after_start_time = rows[-1][1]
        return []

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
            (_SPANS_PER_LOOK,),
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


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _ended(connection: sqlite3.Connection, trace_id: str, cutoff: int) -> bool:
    later = connection.execute(
        "SELECT 1 FROM spans WHERE trace_id = ? AND end_time_unix_nano >= ? LIMIT 1", (trace_id, cutoff)
    )
    return later.fetchone() is None


def _delete(connection: sqlite3.Connection, trace_id: str, spans: Sequence[int]) -> None:
    """Delete spans of a trace, and the messages that no other span refers to."""
    connection.execute("DELETE FROM going")
    connection.execute("DELETE FROM going_messages")
    connection.execute(f"INSERT INTO going (id) VALUES {', '.join(['(?)'] * len(spans))}", spans)
    connection.execute(
        "INSERT OR IGNORE INTO going_messages (id) "
        "SELECT message_id FROM span_messages WHERE span_id IN (SELECT id FROM going)"
    )
    connection.execute("DELETE FROM span_messages WHERE span_id IN (SELECT id FROM going)")
    # Where only the inner report of a call goes, the outer one in another trace stands for the call again.
    connection.execute("UPDATE spans SET duplicate_of = NULL WHERE duplicate_of IN (SELECT id FROM going)")
    connection.execute(
        "UPDATE spans SET shown_in_trace_id = NULL WHERE shown_in_trace_id = ? AND id NOT IN (SELECT id FROM going)",
        (trace_id,),
    )
    connection.execute("DELETE FROM spans WHERE id IN (SELECT id FROM going)")
    connection.execute(
        "DELETE FROM messages WHERE id IN (SELECT id FROM going_messages) "
        "AND NOT EXISTS (SELECT 1 FROM span_messages WHERE message_id = messages.id)"
    )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
