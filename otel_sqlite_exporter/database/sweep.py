"""Delete what nothing refers to any more: messages, and the resources, scopes and recorders of processes long gone.

An amendment takes messages away from a span, and spans are deleted; what they referred to stays until a sweep has been
through the file. It reads in small steps, without the write lock, and holds that for a few rows at a time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.essentials import DAY_NANOSECONDS

if TYPE_CHECKING:
    import sqlite3

_ROWS_PER_STEP: Final = 500
_ROWS_AT_ONCE: Final = 50
_REST: Final = 20
_FEW_SPANS: Final = 50
_LIVES: Final = (("resources", "resource_id"), ("scopes", "scope_id"), ("recorders", "recorder_id"))
_SILENT_NANOSECONDS: Final = DAY_NANOSECONDS
"""A process that was heard of within a day keeps its row."""


class Sweep:
    """Ways through the messages and the spans of a file, in steps; the first begins when the file is first pruned."""

    def __init__(self) -> None:
        self._is_due = True
        self._is_under_way = False
        self._taken = 0.0
        self._not_before = 0.0
        self._deleted = self._seen = 0
        self._message = self._span = 0
        self._has_messages = True
        self._used: dict[str, set[int]] = {}

    def begin(self, deleted: int) -> None:
        """Have another sweep follow, because so many spans were deleted."""
        self._is_due = True
        self._deleted += deleted

    @property
    def is_pressing(self) -> bool:
        """Whether so much may have become free that nothing else should be deleted for the sake of space before."""
        return self._is_under_way or self.is_wanted_after(0)

    def is_wanted_after(self, deleted: int) -> bool:
        """Tell whether a sweep is pressing once so many more spans are deleted."""
        return self._deleted + deleted >= max(_FEW_SPANS, self._seen // _REST)

    @property
    def is_under_way(self) -> bool:
        """Whether there is another step to take now: sweeps take a twentieth of the time at most."""
        if not self._is_under_way and self._is_due and (self.is_pressing or time.monotonic() >= self._not_before):
            self._begin()
        return self._is_under_way

    def _begin(self) -> None:
        self._is_under_way = True
        self._is_due = False
        self._deleted = self._seen = 0
        self._taken = 0.0
        self._message = 0
        self._has_messages = True
        self._span = 0
        self._used = {table: set() for table, _ in _LIVES}

    def step(self, connection: sqlite3.Connection) -> None:
        """Look at some more rows, and delete a few of those that nothing refers to.

        Raises:
            sqlite3.Error: Nothing was deleted in this step.
        """
        started = time.monotonic()
        if self._has_messages:
            self._look_at_messages(connection)
        elif not self._look_at_spans(connection):
            self._delete_lives(connection)
        now = time.monotonic()
        self._taken += now - started
        self._not_before = now + _REST * self._taken

    def _look_at_messages(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(
            "SELECT id, EXISTS (SELECT 1 FROM span_messages WHERE message_id = messages.id) FROM messages "
            "WHERE id > ? ORDER BY id LIMIT ?",
            (self._message, _ROWS_PER_STEP),
        ).fetchall()
        unused = [message_id for message_id, is_used in rows if not is_used][:_ROWS_AT_ONCE]
        if unused:
            # Looked at again: a batch may have referred to one meanwhile.
            connection.execute(
                f"DELETE FROM messages WHERE id IN ({', '.join('?' * len(unused))}) "
                "AND NOT EXISTS (SELECT 1 FROM span_messages WHERE message_id = messages.id)",
                unused,
            )
        self._message = unused[-1] if len(unused) == _ROWS_AT_ONCE else rows[-1][0] if rows else self._message
        self._has_messages = bool(rows)

    def _look_at_spans(self, connection: sqlite3.Connection) -> bool:
        rows = connection.execute(
            "SELECT id, resource_id, scope_id, recorder_id FROM spans WHERE id > ? ORDER BY id LIMIT ?",
            (self._span, _ROWS_PER_STEP),
        ).fetchall()
        for (table, _), ids in zip(_LIVES, list(zip(*rows, strict=True))[1:], strict=False):
            self._used[table].update(ids)
        self._seen += len(rows)
        if rows:
            self._span = rows[-1][0]
        return bool(rows)

    def _delete_lives(self, connection: sqlite3.Connection) -> None:
        """Delete some rows that no span refers to; writers notice, and add them again where they need them."""
        for table, column in _LIVES:
            since = " AND coalesce(ended_unix_nano, last_heartbeat_unix_nano + ?) < ?" if table == "recorders" else ""
            now = time.time_ns()
            unused = [
                row_id
                for (row_id,) in connection.execute(
                    f"SELECT id FROM {table} WHERE true{since}", (_SILENT_NANOSECONDS, now) if since else ()
                )
                if row_id not in self._used[table]
            ][:_ROWS_AT_ONCE]
            if unused:
                connection.execute(
                    f"DELETE FROM {table} WHERE id IN ({', '.join('?' * len(unused))}) "
                    f"AND id NOT IN (SELECT {column} FROM spans WHERE id > ?)",
                    (*unused, self._span),
                )
                self._used[table].update(unused)  # seen to
                return
        self._is_under_way = False
