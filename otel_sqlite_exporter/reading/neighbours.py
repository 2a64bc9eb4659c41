"""The calls before and after one: in its conversation, and in its trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otel_sqlite_exporter.reading.building import as_int
from otel_sqlite_exporter.reading.conditions import IS_CALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.rows.calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Ids of the calls around one, in order of their start; None where there is none.

    Args:
        previous_in_trace: The call before it in its trace.
        next_in_trace: The call after it.
        previous_in_conversation: The call before it in its conversation.
        next_in_conversation: The call after it.
    """

    previous_in_trace: int | None = None
    next_in_trace: int | None = None
    previous_in_conversation: int | None = None
    next_in_conversation: int | None = None


def neighbours_of(connection: ReadConnection, call: Call) -> Neighbours:
    """Return the calls around one; :meth:`Database.neighbours` says more."""
    trace: list[Value] = [call.trace_id]
    own = "s.trace_id = ? AND s.shown_in_trace_id IS NULL"
    shown = "s.shown_in_trace_id = ?"
    chat: list[Value] = [call.conversation_id]
    is_said = "s.conversation_id = ?"
    has_chat = call.conversation_id is not None
    return Neighbours(
        previous_in_trace=_nearest(connection, call, [(own, trace), (shown, trace)], is_before=True),
        next_in_trace=_nearest(connection, call, [(own, trace), (shown, trace)], is_before=False),
        previous_in_conversation=_nearest(connection, call, [(is_said, chat)], is_before=True) if has_chat else None,
        next_in_conversation=_nearest(connection, call, [(is_said, chat)], is_before=False) if has_chat else None,
    )


def _nearest(
    connection: ReadConnection, call: Call, ways: Sequence[tuple[str, list[Value]]], *, is_before: bool
) -> int | None:
    """Return the nearest call that one of several conditions finds, each by its own index."""
    operator, order = ("<", "DESC") if is_before else (">", "ASC")
    found = []
    for condition, values in ways:
        # The + keeps SQLite from walking all spans by their start.
        row = connection.row(
            f"SELECT s.start_time_unix_nano, s.id FROM spans s WHERE {IS_CALL} AND {condition} "
            f"AND (+s.start_time_unix_nano, s.id) {operator} (?, ?) "
            f"ORDER BY +s.start_time_unix_nano {order}, s.id {order} LIMIT 1",
            [*values, call.start_time_unix_nano, call.id],
        )
        if row is not None:
            found.append((as_int(row[0]) or 0, as_int(row[1]) or 0))
    if not found:
        return None
    return (max if is_before else min)(found)[1]
