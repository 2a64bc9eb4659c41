"""Filters as SQL: conditions on ``spans s`` with parameters, never with values in their text."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.essentials import DAY_NANOSECONDS
from otel_sqlite_exporter.reading.building import as_int
from otel_sqlite_exporter.reading.moments import Moment
from otel_sqlite_exporter.reading.units import full_time

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters

IS_CALL: Final = "s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL"
"""A span that stands for one call."""

TOTAL_TOKENS: Final = "coalesce(s.input_tokens + s.output_tokens, s.total_tokens, s.input_tokens, s.output_tokens)"
"""The tokens of one call, as ``llm_calls`` has them."""

SPANS_WITHOUT_WINDOW: Final = 100_000
"""Up to so many spans, a question without a period is about all of them; of more, about those of the last seven days,
and about the newest so many where the seven days have more."""

SPANS_OF_SUMMED_TRACES: Final = 50_000
"""The same for sums of traces, and for traces sorted by them: no index has the trace beside the cost."""

_WINDOW_DAYS: Final = 7
_SECOND: Final = 1_000_000_000
_MOST_DAYS: Final = 400

_COLUMNS: Final = {
    "model": ("s.request_model", "s.response_model"),
    "provider": ("s.provider",),
    "kind": ("s.kind",),
    "agent": ("s.agent_name",),
    "user": ("s.user_id",),
    "conversation": ("s.conversation_id",),
}
_HEX: Final = re.compile(r"[0-9a-f]*")
_DASHES: Final = (8, 12, 16, 20)

# A call is what a tool did where its answer asks for the tool, a tool's own span where it has the name.
_OF_TOOL: Final = """(s.tool_name {operator} {operand} OR EXISTS (
  SELECT 1 FROM span_messages sm JOIN messages m ON m.id = sm.message_id,
    json_each(CASE WHEN instr(m.parts, 'tool_call') AND json_valid(m.parts) THEN m.parts END) part
  WHERE sm.span_id = s.id AND sm.direction = 'output' AND part.type = 'object'
    AND json_extract(part.value, '$.type') = 'tool_call' AND json_extract(part.value, '$.name') {operator} {operand}
))"""


def where(filters: Filters, base: str = IS_CALL) -> tuple[list[str], list[Value]]:
    """Return conditions on ``spans s`` and their parameters; ``text`` is left to the search.

    Args:
        filters: What is wanted.
        base: The first condition.
    """
    conditions = [base]
    values: list[Value] = []
    for name, columns in _COLUMNS.items():
        value: str | None = getattr(filters, name)
        if value is not None:
            operator, operand = pattern(value)
            conditions.append("(" + " OR ".join(f"{column} {operator} ?" for column in columns) + ")")
            values += [operand] * len(columns)
    if filters.tool is not None:
        operator, operand = pattern(filters.tool)
        conditions.append(of_tool(operator, "?"))
        values += [operand, operand]
    if filters.service is not None:
        operator, operand = pattern(filters.service)
        conditions.append(f"s.resource_id IN (SELECT id FROM resources WHERE service_name {operator} ?)")
        values.append(operand)
    if filters.status is not None:
        conditions.append("s.status <> 'error'" if filters.status == "ok" else "s.status = ?")
        values += [] if filters.status == "ok" else [filters.status]
    if filters.trace is not None:
        first, last = trace_range(filters.trace)
        conditions.append(
            "(s.shown_in_trace_id BETWEEN ? AND ? OR s.shown_in_trace_id IS NULL AND s.trace_id BETWEEN ? AND ?)"
        )
        values += [first, last, first, last]
    for moment, operator in ((filters.since, ">="), (filters.until, "<")):
        if moment is not None and moment.unix_nano is not None:
            conditions.append(f"s.start_time_unix_nano {operator} ?")
            values.append(moment.unix_nano)
    return conditions, values


def of_tool(operator: str, operand: str) -> str:
    """Return the condition on ``spans s`` that it ran a tool, or asked for it.

    Args:
        operator: Of :func:`pattern`.
        operand: The placeholder, which stands twice.
    """
    return _OF_TOOL.format(operator=operator, operand=operand)


def from_spans(filters: Filters) -> str:
    """Return the source of calls that are wanted in order of time.

    The planner takes the narrow index of times, and looks every call of the period up in the table, where the wide one
    covers what is asked for.
    """
    is_covered = any((filters.model, filters.provider, filters.service, filters.status))
    has_index = any((filters.agent, filters.user, filters.conversation, filters.trace))
    return "spans s INDEXED BY spans_calls" if is_covered and not has_index else "spans s"


def pattern(text: str) -> tuple[str, str]:
    """Return the operator and the operand that compare with a name in which ``*`` stands for anything."""
    if "*" not in text:
        return "=", text
    return "GLOB", text.replace("[", "[[]").replace("?", "[?]")


def trace_range(text: str) -> tuple[str, str]:
    """Return the first and the last trace id that begin with some digits, with dashes or without.

    What is no trace id begins none: then nothing is between the two.
    """
    digits = text.lower().replace("-", "")
    if not digits or not _HEX.fullmatch(digits):
        return "~", ""
    for place in reversed(_DASHES):
        if len(digits) > place:
            digits = f"{digits[:place]}-{digits[place:]}"
    return digits, digits + "g"


def windowed(connection: ReadConnection, filters: Filters, *, most: int | None = None) -> tuple[Filters, str | None]:
    """Give a question about a large file a period, if it has none that keeps it small.

    Args:
        connection: The file.
        filters: What is wanted.
        most: Up to how many spans it may be about; :data:`SPANS_WITHOUT_WINDOW` by default.

    Returns:
        The filters, and the note to show with the answer.
    """
    most = most or SPANS_WITHOUT_WINDOW
    if filters.since or filters.until or filters.trace or filters.conversation or not is_large(connection, most):
        return filters, None
    since = time.time_ns() - _WINDOW_DAYS * DAY_NANOSECONDS
    row = connection.row(
        "SELECT start_time_unix_nano FROM spans WHERE start_time_unix_nano >= ? "
        "ORDER BY start_time_unix_nano DESC LIMIT 1 OFFSET ?",
        [since, most - 1],
    )
    if row is None:
        return (
            replace(filters, since=Moment(f"{_WINDOW_DAYS}d", since)),
            f"of the last {_WINDOW_DAYS} days; since=all for everything",
        )
    # The next full second: what the note says is what was asked.
    first = -(-(as_int(row[0]) or 0) // _SECOND) * _SECOND
    since_words = full_time(first)
    return (
        replace(filters, since=Moment(since_words.replace(" ", "T"), first)),
        f"of the newest {most:,} steps, since {since_words}; since=all for everything",
    )


def day_by_day(filters: Filters) -> list[Filters]:
    """Return a period as its days by UTC, one after the other.

    What SQLite has to sort to group it takes a quarter less time a day at a time, as the index has it. A period without
    a beginning, or of more days than a year has, stays whole.
    """
    since = filters.since.unix_nano if filters.since else None
    until = (filters.until.unix_nano if filters.until else None) or time.time_ns()
    days = range(0) if since is None else range(since // DAY_NANOSECONDS + 1, -(-until // DAY_NANOSECONDS))
    if not 0 < len(days) <= _MOST_DAYS:
        return [filters]
    edges = [filters.since, *(at_day(day) for day in days), filters.until]
    return [replace(filters, since=start, until=end) for start, end in pairwise(edges)]


def at_day(day: int) -> Moment:
    """Return the beginning of a day.

    Args:
        day: Days since 1970-01-01, by UTC.
    """
    return Moment("", day * DAY_NANOSECONDS)


def is_large(connection: ReadConnection, most: int) -> bool:
    """Tell whether a file has so many spans, or more."""
    row = connection.row("SELECT max(id), (SELECT min(id) FROM spans) FROM spans")
    last, first = row if row is not None else (None, None)
    return isinstance(last, int) and isinstance(first, int) and last - first >= most
