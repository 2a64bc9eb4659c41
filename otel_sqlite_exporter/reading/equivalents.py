"""The SQL that one would write oneself to get what a question answers: over the public views, to read and to change.

Questions ask in ways that stay quick on large files; these texts say the same in the plainest way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.conditions import pattern, trace_range
from otel_sqlite_exporter.reading.units import iso_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_sqlite_exporter.reading.filters import Filters

_CALL_COLUMNS: Final = {
    "model": "model",
    "provider": "provider",
    "kind": "kind",
    "agent": "agent_name",
    "user": "user_id",
    "conversation": "conversation_id",
    "service": "service_name",
}
_SORTS: Final = {"time": "start_time", "cost": "cost_usd", "duration": "duration_ms", "tokens": "total_tokens"}
_GROUPS: Final = {
    "day": "date(start_time)",
    "model": "model",
    "provider": "provider",
    "agent": "agent_name",
    "user": "user_id",
    "service": "service_name",
    "conversation": "conversation_id",
    "trace": "trace_id",
}


def literal(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def sql_of_calls(filters: Filters, *, sort: str = "time", limit: int = 50) -> str:
    """Return the SELECT of a list of calls."""
    return (
        "SELECT id, start_time, model, input_tokens, output_tokens, cost_usd, duration_ms, status,\n"
        "  substr(input_text, 1, 80) AS question, substr(output_text, 1, 80) AS answer\n"
        f"FROM llm_calls{_where(filters, _CALL_COLUMNS, has_messages=True)}\n"
        f"ORDER BY {_SORTS[sort]} DESC\nLIMIT {limit}"
    )


def sql_of_call(call_id: int) -> str:
    """Return the SELECT of the messages of a call."""
    return f"SELECT direction, position, role, text, parts\nFROM call_messages\nWHERE span_id = {call_id}"


def sql_of_traces(filters: Filters, *, limit: int = 50, sort: str = "time") -> str:
    """Return the SELECT of a list of traces."""
    columns = {"conversation": "conversation_id", "user": "user_id"}
    order = {"cost": "cost_usd", "tokens": "total_tokens", "duration": "duration_ms"}.get(sort, "start_time")
    return f"SELECT *\nFROM traces{_where(filters, columns)}\nORDER BY {order} DESC\nLIMIT {limit}"


def sql_of_trace(trace_id: str) -> str:
    """Return the SELECT of the steps of a trace."""
    return (
        "SELECT id, parent_span_id, span_id, kind, name, status, cost_usd,\n"
        "  (end_time_unix_nano - start_time_unix_nano) / 1e6 AS duration_ms\n"
        f"FROM spans\nWHERE coalesce(shown_in_trace_id, trace_id) = {literal(trace_id)}\n"
        "ORDER BY start_time_unix_nano, id"
    )


def sql_of_conversations(filters: Filters, *, limit: int = 50) -> str:
    """Return the SELECT of a list of conversations."""
    columns = {"conversation": "conversation_id", "user": "user_id"}
    return f"SELECT *\nFROM conversations{_where(filters, columns)}\nORDER BY end_time DESC\nLIMIT {limit}"


def sql_of_conversation(conversation_id: str) -> str:
    """Return the SELECT of the calls of a conversation."""
    return (
        "SELECT id, start_time, model, input_text, output_text, tool_calls, cost_usd\nFROM llm_calls\n"
        f"WHERE conversation_id = {literal(conversation_id)}\nORDER BY start_time"
    )


def sql_of_usage(filters: Filters, *, by: Sequence[str]) -> str:
    """Return the SELECT of sums by group."""
    groups = ", ".join(_GROUPS[name] for name in by)
    return (
        f"SELECT {groups}, count(*) AS calls, sum(status = 'error') AS errors,\n"
        "  sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,\n"
        "  sum(cache_read_tokens) AS cache_read_tokens, sum(cache_write_tokens) AS cache_write_tokens,\n"
        "  sum(reasoning_tokens) AS reasoning_tokens, sum(cost_usd) AS cost_usd\n"
        f"FROM llm_calls{_where(filters, _CALL_COLUMNS, has_messages=True)}\n"
        f"GROUP BY {groups}\nORDER BY cost_usd DESC"
    )


def sql_of_tools(filters: Filters) -> str:
    """Return the SELECT of what each tool did."""
    columns = {"tool": "tool_name", "agent": "agent_name", "user": "user_id", "conversation": "conversation_id"}
    return (
        "SELECT tool_name, count(*) AS calls, sum(status = 'error') AS errors,\n"
        "  avg(duration_ms) AS mean_ms, max(duration_ms) AS max_ms, sum(duration_ms) AS total_ms\n"
        f"FROM tool_calls{_where(filters, columns)}\nGROUP BY tool_name\nORDER BY total_ms DESC"
    )


def sql_of_errors(filters: Filters, *, limit: int = 100) -> str:
    """Return the SELECT of a list of failures."""
    columns = {"kind": "kind", "tool": "tool_name", "agent": "agent_name", "provider": "provider", "model": "model"}
    return (
        "SELECT id, start_time, kind, coalesce(tool_name, model, name) AS place, error_type, message\n"
        f"FROM errors{_where(filters, columns)}\nORDER BY start_time DESC\nLIMIT {limit}"
    )


def sql_of_status() -> str:
    """Return the SELECT of the ledger."""
    return (
        "SELECT id, pid, host_name, received, written, skipped, dropped, clean_exit, last_error\n"
        "FROM recorders\nORDER BY id DESC"
    )


def _where(filters: Filters, columns: Mapping[str, str], *, has_messages: bool = False) -> str:
    conditions = []
    for name, column in columns.items():
        value = getattr(filters, name)
        if value is not None:
            operator, operand = pattern(value)
            conditions.append(f"{column} {operator} {literal(operand)}")
    if filters.trace is not None:
        first, last = trace_range(filters.trace)
        conditions.append(f"trace_id BETWEEN {literal(first)} AND {literal(last)}")
    if filters.status is not None and has_messages:
        conditions.append("status <> 'error'" if filters.status == "ok" else f"status = {literal(filters.status)}")
    if filters.text is not None and has_messages:
        like = literal("%" + filters.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%")
        conditions.append(
            "EXISTS (SELECT 1 FROM call_messages m\n"
            f"    WHERE m.span_id = llm_calls.id AND m.text LIKE {like} ESCAPE '\\')"
        )
    for moment, operator in ((filters.since, ">="), (filters.until, "<")):
        time = iso_time(moment.unix_nano) if moment is not None else None
        if time is not None:
            conditions.append(f"start_time {operator} {literal(time)}")
    return "\nWHERE " + "\n  AND ".join(conditions) if conditions else ""
