"""What becomes known of spans from others: duplicates, late log events, ids that a surrounding span reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from otel_sqlite_exporter.completion import FACT_COLUMNS, complete, take_back

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from otel_sqlite_exporter.conversion import MessageLink

SpanKey: TypeAlias = tuple[str, str]
"""(trace_id, span_id) as the columns hold them."""

_FILL: Final = (
    f"UPDATE spans SET {', '.join(f'{column} = coalesce({column}, ?)' for column in FACT_COLUMNS)} WHERE id = ?"
)
_REPLACE: Final = (
    f"UPDATE spans SET {', '.join(f'{column} = coalesce(?, {column})' for column in FACT_COLUMNS)} WHERE id = ?"
)
_ADD_EVENT: Final = (
    "UPDATE spans SET events = json_insert(events, '$[#]', json(:event)) "
    "WHERE id = :id AND json(:event) NOT IN (SELECT json(value) FROM json_each(events))"
)
_ANYTHING_TO_INHERIT: Final = """
    SELECT 1 FROM spans
      WHERE trace_id = :trace_id AND start_time_unix_nano >= :start AND span_id <> :span_id
        AND (conversation_id IS NULL OR user_id IS NULL OR id IN (SELECT id FROM temp.assumed))
      LIMIT 1
"""
# What of a span's ids is only assumed: until the span's own ancestor ends, which knows better.
_MAKE_ASSUMED: Final = "CREATE TEMP TABLE IF NOT EXISTS assumed (id INTEGER PRIMARY KEY, conversation INT, user INT)"
_MAKE_HEIRS: Final = "CREATE TEMP TABLE IF NOT EXISTS heirs (id INTEGER PRIMARY KEY)"
_FIND_HEIRS: Final = """
    INSERT INTO temp.heirs
      WITH RECURSIVE
        later AS (
          SELECT id, span_id, parent_span_id FROM spans
          WHERE trace_id = :trace_id AND start_time_unix_nano >= :start AND end_time_unix_nano <= :end
        ),
        inside(id, span_id) AS (
          SELECT id, span_id FROM later WHERE {first}
          UNION
          SELECT later.id, later.span_id FROM inside JOIN later ON later.parent_span_id = inside.span_id
        )
      SELECT id FROM inside
"""
_FIND_DESCENDANTS: Final = _FIND_HEIRS.format(first="parent_span_id = :span_id")
_FIND_ORPHANS: Final = _FIND_HEIRS.format(
    first="parent_span_id <> :span_id AND NOT EXISTS "
    "(SELECT 1 FROM spans p WHERE p.trace_id = :trace_id AND p.span_id = later.parent_span_id)"
)
_INHERIT: Final = """
    UPDATE spans SET
        conversation_id = CASE
          WHEN id IN (SELECT id FROM temp.assumed WHERE conversation) THEN :conversation_id
          ELSE coalesce(conversation_id, :conversation_id)
        END,
        user_id = CASE
          WHEN id IN (SELECT id FROM temp.assumed WHERE user) THEN :user_id
          ELSE coalesce(user_id, :user_id)
        END
      WHERE id IN (SELECT id FROM temp.heirs)
        AND (conversation_id IS NULL OR user_id IS NULL OR id IN (SELECT id FROM temp.assumed))
"""
_KNOW: Final = "DELETE FROM temp.assumed WHERE id IN (SELECT id FROM temp.heirs)"
_ASSUME: Final = """
    INSERT OR IGNORE INTO temp.assumed
      SELECT id, conversation_id IS NULL, user_id IS NULL FROM spans
      WHERE id IN (SELECT id FROM temp.heirs) AND (conversation_id IS NULL OR user_id IS NULL)
"""
_FILL_ASSUMED: Final = """
    UPDATE spans SET
        conversation_id = coalesce(conversation_id, :conversation_id),
        user_id = coalesce(user_id, :user_id)
      WHERE id IN (SELECT id FROM temp.heirs) AND (conversation_id IS NULL OR user_id IS NULL)
"""
_ASSUMED_SPANS: Final = 4096
_FORGET_ASSUMED: Final = f"DELETE FROM temp.assumed WHERE id <= (SELECT max(id) FROM spans) - {_ASSUMED_SPANS}"
_DISMISS_HEIRS: Final = "DELETE FROM temp.heirs"


@dataclass(frozen=True, slots=True)
class DuplicateLink:
    """Span ``outer`` reports the call that span ``inner`` stands for.

    Args:
        outer: The span whose ``duplicate_of`` is set.
        inner: The span it is set to; None when ``outer`` stands for itself after all.
        is_complete: Whether what ``inner`` left open is filled with what ``outer`` reported.
    """

    outer: SpanKey
    inner: SpanKey | None
    is_complete: bool

    def apply(self, connection: sqlite3.Connection) -> None:
        """Point the outer report of a call to the inner one, and complete that."""
        outer = _id_of(connection, self.outer)
        inner = _id_of(connection, self.inner) if self.inner is not None else None
        if outer is None or (self.inner is not None and inner is None):
            return
        (last,) = connection.execute("SELECT duplicate_of FROM spans WHERE id = ?", (outer,)).fetchone()
        if last is not None and last != inner:
            take_back(connection, outer, last)
        connection.execute("UPDATE spans SET duplicate_of = ? WHERE id = ?", (inner, outer))
        if inner is not None and self.is_complete:
            complete(connection, outer, inner)


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

    span: SpanKey
    facts: tuple[object, ...]
    messages: Sequence[MessageLink]
    events: Sequence[str] = ()
    is_whole: bool = False

    def apply(self, connection: sqlite3.Connection) -> int | None:
        """Amend the span's row, without its messages, and return its id; None where it has no row."""
        span_id = _id_of(connection, self.span)
        if span_id is not None:
            connection.execute(_REPLACE if self.is_whole else _FILL, (*self.facts, span_id))
            for event in self.events:
                connection.execute(_ADD_EVENT, {"event": event, "id": span_id})
        return span_id


@dataclass(frozen=True, slots=True)
class Inheritance:
    """Ids that a span reports for all that descends from it.

    Frameworks set the conversation and the user on the agent or chain that they run, not on its calls. Spans between
    the two may be no LLM spans, which are not in the file: what then is only known to lie within the time of the
    reporting span is assumed to descend from it, until an ancestor that is known says otherwise.

    Args:
        span: The span that reports them.
        start: Its start, in Unix nanoseconds.
        end: Its end.
        conversation_id: For spans that have none.
        user_id: For spans that have none.
    """

    span: SpanKey
    start: int
    end: int
    conversation_id: str | None
    user_id: str | None

    def apply(self, connection: sqlite3.Connection) -> None:
        """Fill the ids of the spans that descend from the reporting one."""
        trace_id, span_id = self.span
        values = {
            "trace_id": trace_id,
            "span_id": span_id,
            "start": self.start,
            "end": self.end,
            "conversation_id": self.conversation_id,
            "user_id": self.user_id,
        }
        connection.execute(_MAKE_ASSUMED)
        if connection.execute(_ANYTHING_TO_INHERIT, values).fetchone() is None:
            return
        connection.execute(_MAKE_HEIRS)
        connection.execute(_FIND_DESCENDANTS, values)
        connection.execute(_INHERIT, values)
        connection.execute(_KNOW)
        connection.execute(_DISMISS_HEIRS)
        connection.execute(_FIND_ORPHANS, values)
        connection.execute(_ASSUME)
        connection.execute(_FILL_ASSUMED, values)
        connection.execute(_DISMISS_HEIRS)
        connection.execute(_FORGET_ASSUMED)


Change: TypeAlias = DuplicateLink | Amendment | Inheritance
"""What is written about spans beside their own records."""


def _id_of(connection: sqlite3.Connection, span: SpanKey) -> int | None:
    found = connection.execute("SELECT id FROM spans WHERE trace_id = ? AND span_id = ?", span).fetchone()
    return None if found is None else int(found[0])
