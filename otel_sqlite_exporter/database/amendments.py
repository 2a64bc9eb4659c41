"""What becomes known of spans from others: duplicates, the trace that shows a call, late log events, inherited ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from otel_sqlite_exporter.database.completion import FACT_COLUMNS, Completions, Row, row_of
from otel_sqlite_exporter.database.inherited_ids import InheritedIds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from otel_sqlite_exporter.database.rows import MessageLink, RowKey

_FILL: Final = (
    f"UPDATE spans SET {', '.join(f'{column} = coalesce({column}, ?)' for column in FACT_COLUMNS)} WHERE id = ?"
)
_REPLACE: Final = (
    f"UPDATE spans SET {', '.join(f'{column} = coalesce(?, {column})' for column in FACT_COLUMNS)} WHERE id = ?"
)
_WITH_LAST_LINK: Final = (
    "SELECT o.id, i.id, i.trace_id, i.span_id FROM spans o LEFT JOIN spans i ON i.id = o.duplicate_of "
    "WHERE o.trace_id = ? AND o.span_id = ?"
)
_ADD_EVENT: Final = (
    "UPDATE spans SET events = json_insert(events, '$[#]', json(:event)) "
    "WHERE id = :id AND json(:event) NOT IN (SELECT json(value) FROM json_each(events))"
)


@dataclass(frozen=True, slots=True)
class DuplicateLink:
    """Span ``outer`` reports the call that span ``inner`` stands for.

    Args:
        outer: The span whose ``duplicate_of`` is set.
        inner: The span it is set to; None when ``outer`` stands for itself after all.
        is_complete: Whether what ``inner`` left open is filled with what ``outer`` reported.
    """

    outer: RowKey
    inner: RowKey | None
    is_complete: bool

    def apply(self, connection: sqlite3.Connection, completions: Completions) -> None:
        """Point the outer report of a call to the inner one, and complete that."""
        found = connection.execute(_WITH_LAST_LINK, self.outer).fetchone()
        inner = row_of(connection, self.inner) if self.inner is not None else None
        if found is None or (self.inner is not None and inner is None):
            return
        outer_id, last_id, *last_key = found
        outer = Row(self.outer, outer_id)
        if last_id is not None and (inner is None or last_id != inner.id):
            completions.take_back(connection, outer, Row((last_key[0], last_key[1]), last_id))
        connection.execute("UPDATE spans SET duplicate_of = ? WHERE id = ?", (inner.id if inner else None, outer.id))
        if inner is not None and self.is_complete:
            completions.complete(connection, outer, inner)


@dataclass(frozen=True, slots=True)
class ShownInTrace:
    """The trace in which a call is shown.

    Args:
        span: The span that stands for the call.
        trace_id: The trace; None for the span's own.
    """

    span: RowKey
    trace_id: str | None

    def apply(self, connection: sqlite3.Connection) -> None:
        """Set the column."""
        connection.execute(
            "UPDATE spans SET shown_in_trace_id = ? WHERE trace_id = ? AND span_id = ?", (self.trace_id, *self.span)
        )


@dataclass(frozen=True, slots=True)
class Amendment:
    """What became known of a span after it was written.

    Args:
        span: The span.
        facts: Columns ``provider`` to ``tool_call_id``; None leaves a column as it is.
        messages: Its messages.
        events: Span events as JSON objects, to be added where they are missing.
        is_whole: Whether ``facts`` and ``messages`` come from all that is known of the span and take the place of what
            is stored. Otherwise they only fill what is NULL or missing.
    """

    span: RowKey
    facts: tuple[object, ...]
    messages: Sequence[MessageLink]
    events: Sequence[str] = ()
    is_whole: bool = False

    def apply(self, connection: sqlite3.Connection) -> int | None:
        """Amend the span's row, without its messages, and return its id; None where it has no row."""
        row = row_of(connection, self.span)
        if row is None:
            return None
        connection.execute(_REPLACE if self.is_whole else _FILL, (*self.facts, row.id))
        for event in self.events:
            connection.execute(_ADD_EVENT, {"event": event, "id": row.id})
        return row.id


Change: TypeAlias = DuplicateLink | ShownInTrace | Amendment | InheritedIds
"""What is written about spans beside their own records."""
