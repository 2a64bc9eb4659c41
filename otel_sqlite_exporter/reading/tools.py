"""What tools did: each with its calls, failures and times, or one execution after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_int, as_text, build
from otel_sqlite_exporter.reading.conditions import pattern, where, windowed
from otel_sqlite_exporter.reading.percentiles import DURATIONS, milliseconds, numbers, percentile
from otel_sqlite_exporter.reading.rows.tools import ToolCall, ToolSummary
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.text_filter import only_with_text
from otel_sqlite_exporter.reading.units import iso_time

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters

_IS_TOOL: Final = "s.kind = 'tool' AND s.duplicate_of IS NULL"


def tool_summaries(connection: ReadConnection, filters: Filters) -> Rows[ToolSummary]:
    """Return what each tool did, those that took most time first."""
    conditions, values, note = _wanted(connection, filters)
    rows = connection.rows(
        "SELECT s.tool_name, count(*), count(CASE WHEN s.status = 'error' THEN 1 END), "
        f"max(s.start_time_unix_nano), {DURATIONS} FROM spans s WHERE {conditions} GROUP BY s.tool_name",
        values,
    )
    found = []
    for name, calls, errors, last, durations in rows:
        ordered = numbers([durations])
        total, failed = as_int(calls) or 0, as_int(errors) or 0
        found.append(
            ToolSummary(
                tool_name=as_text(name),
                calls=total,
                errors=failed,
                error_rate=failed / total if total else 0.0,
                p50_ms=milliseconds(percentile(ordered, 0.5)),
                p95_ms=milliseconds(percentile(ordered, 0.95)),
                max_ms=milliseconds(percentile(ordered, 1.0)),
                total_ms=sum(ordered) / 1000,
                last_time=iso_time(as_int(last)),
            )
        )
    found.sort(key=lambda tool: tool.total_ms, reverse=True)
    return Rows(ToolSummary, found, note)


def list_tool_calls(connection: ReadConnection, filters: Filters, *, limit: int | None = 100) -> Rows[ToolCall]:
    """Return executions of tools, newest first."""
    conditions, values, note = _wanted(connection, filters)
    ids = connection.rows(
        f"SELECT s.id FROM spans s WHERE {conditions} ORDER BY s.start_time_unix_nano DESC, s.id DESC LIMIT ?",
        [*values, -1 if limit is None else limit],
    )
    found = []
    for row in ids:
        names, rows = connection.table("SELECT * FROM tool_calls WHERE id = ?", list(row))
        found += [build(ToolCall, names, values) for values in rows]
    return Rows(ToolCall, found, note)


def _wanted(connection: ReadConnection, filters: Filters) -> tuple[str, list[Value], str | None]:
    filters, note = windowed(connection, filters)
    # What runs a tool has its name; whether an answer asks for it need not be looked up.
    conditions, values = where(replace(filters, tool=None), _IS_TOOL)
    if filters.tool is not None:
        operator, operand = pattern(filters.tool)
        conditions.append(f"s.tool_name {operator} ?")
        values.append(operand)
    with_text, note = only_with_text(connection, filters, note, base="1")
    return " AND ".join([*conditions, *with_text]), values, note
