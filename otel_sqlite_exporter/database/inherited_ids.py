"""Ids that a span around a call reports, handed down to the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

    from otel_sqlite_exporter.database.rows import RowKey

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
_WITHDRAW_ASSUMED: Final = """
    UPDATE spans SET
        conversation_id = CASE WHEN id NOT IN (SELECT id FROM temp.assumed WHERE conversation) THEN conversation_id END,
        user_id = CASE WHEN id NOT IN (SELECT id FROM temp.assumed WHERE user) THEN user_id END
      WHERE id IN (SELECT id FROM temp.heirs) AND id IN (SELECT id FROM temp.assumed)
"""
_FORGET_WITHDRAWN: Final = "DELETE FROM temp.assumed WHERE id IN (SELECT id FROM temp.heirs)"
_ASSUME: Final = """
    INSERT OR IGNORE INTO temp.assumed
      SELECT id, conversation_id IS NULL, user_id IS NULL FROM spans
      WHERE id IN (SELECT id FROM temp.heirs) AND (conversation_id IS NULL OR user_id IS NULL)
"""
_FILL: Final = """
    UPDATE spans SET
        conversation_id = coalesce(conversation_id, :conversation_id),
        user_id = coalesce(user_id, :user_id)
      WHERE id IN (SELECT id FROM temp.heirs) AND (conversation_id IS NULL OR user_id IS NULL)
"""
_ASSUMED_SPANS: Final = 4096
_FORGET_OLD: Final = f"DELETE FROM temp.assumed WHERE id <= (SELECT max(id) FROM spans) - {_ASSUMED_SPANS}"
_DISMISS_HEIRS: Final = "DELETE FROM temp.heirs"


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

    span: RowKey
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
        connection.execute(_WITHDRAW_ASSUMED)
        connection.execute(_FORGET_WITHDRAWN)
        connection.execute(_FILL, values)
        connection.execute(_DISMISS_HEIRS)
        connection.execute(_FIND_ORPHANS, values)
        connection.execute(_ASSUME)
        connection.execute(_FILL, values)
        connection.execute(_DISMISS_HEIRS)
        connection.execute(_FORGET_OLD)
