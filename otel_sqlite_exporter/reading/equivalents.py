"""The SQL that one would write oneself to get what a question answers: over the public views, to read and to change.

Questions ask in ways that stay quick on large files; these texts find the same in the plainest way. A filter that a
view has a column for is a condition on that column, any other one a SELECT of the spans that it wants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.conditions import pattern, where
from otel_sqlite_exporter.reading.units import iso_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_sqlite_exporter.reading.connection import Value
    from otel_sqlite_exporter.reading.filters import Filters


@dataclass(frozen=True, slots=True)
class _View:
    """What one can ask a view.

    Args:
        columns: Its column of each filter that it has one for.
        key: The column that spans are told by, and of ``spans s`` what it stands for.
        has_times: Whether a row is one step, so that a period is a condition on its own start.
    """

    columns: Mapping[str, str]
    key: tuple[str, str] = ("id", "s.id")
    has_times: bool = True


_CALLS: Final = _View(
    {
        "provider": "provider",
        "kind": "kind",
        "agent": "agent_name",
        "user": "user_id",
        "conversation": "conversation_id",
        "service": "service_name",
        "status": "status",
    }
)
_TRACES: Final = _View({}, ("trace_id", "coalesce(s.shown_in_trace_id, s.trace_id)"), has_times=False)
_CONVERSATIONS: Final = _View({}, ("conversation_id", "s.conversation_id"), has_times=False)
_TOOLS: Final = _View(
    {
        "tool": "tool_name",
        "agent": "agent_name",
        "user": "user_id",
        "conversation": "conversation_id",
        "status": "status",
    }
)
_ERRORS: Final = _View(
    {
        "kind": "kind",
        "agent": "agent_name",
        "provider": "provider",
        "conversation": "conversation_id",
    }
)
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
        f"FROM llm_calls{_where(filters, _CALLS)}\n"
        f"ORDER BY {_SORTS[sort]} DESC\nLIMIT {limit}"
    )


def sql_of_call(call_id: int) -> str:
    """Return the SELECT of the messages of a call."""
    return f"SELECT direction, position, role, text, parts\nFROM call_messages\nWHERE span_id = {call_id}"


def sql_of_traces(filters: Filters, *, limit: int = 50, sort: str = "time") -> str:
    """Return the SELECT of a list of traces."""
    order = {"cost": "cost_usd", "tokens": "total_tokens", "duration": "duration_ms"}.get(sort, "start_time")
    return f"SELECT *\nFROM traces{_where(filters, _TRACES)}\nORDER BY {order} DESC\nLIMIT {limit}"


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
    return f"SELECT *\nFROM conversations{_where(filters, _CONVERSATIONS)}\nORDER BY end_time DESC\nLIMIT {limit}"


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
        f"FROM llm_calls{_where(filters, _CALLS)}\n"
        f"GROUP BY {groups}\nORDER BY cost_usd DESC"
    )


def sql_of_latency(filters: Filters, *, by: Sequence[str]) -> str:
    """Return the SELECT of percentiles by group."""
    groups = ", ".join(_GROUPS[name] for name in by)
    names = ", ".join(by)
    named = ", ".join(column if column == name else f"{column} AS {name}" for name in by for column in [_GROUPS[name]])
    condition = _where(filters, _CALLS)
    percentiles = "".join(
        f",\n  min(CASE WHEN place >= {share} * calls THEN duration_ms END) AS {name}"
        for share, name in ((0.5, "p50_ms"), (0.95, "p95_ms"), (0.99, "p99_ms"))
    )
    return (
        f"WITH answered AS (\n  SELECT {named}, duration_ms, count(*) OVER (PARTITION BY {groups}) AS calls,\n"
        f"    row_number() OVER (PARTITION BY {groups} ORDER BY duration_ms) AS place\n"
        f"  FROM llm_calls{condition}{' AND' if condition else chr(10) + 'WHERE'} status <> 'error'\n)\n"
        f"SELECT {names}, max(calls) AS calls{percentiles}, max(duration_ms) AS max_ms\n"
        f"FROM answered\nGROUP BY {names}\nORDER BY calls DESC"
    )


def sql_of_tools(filters: Filters) -> str:
    """Return the SELECT of what each tool did."""
    return (
        "SELECT tool_name, count(*) AS calls, sum(status = 'error') AS errors,\n"
        "  avg(duration_ms) AS mean_ms, max(duration_ms) AS max_ms, sum(duration_ms) AS total_ms\n"
        f"FROM tool_calls{_where(filters, _TOOLS)}\nGROUP BY tool_name\nORDER BY total_ms DESC"
    )


def sql_of_errors(filters: Filters, *, limit: int = 100) -> str:
    """Return the SELECT of a list of failures."""
    return (
        "SELECT id, start_time, kind, coalesce(tool_name, model, name) AS place, error_type, message\n"
        f"FROM errors{_where(filters, _ERRORS)}\nORDER BY start_time DESC\nLIMIT {limit}"
    )


def sql_of_status() -> str:
    """Return the SELECT of the ledger."""
    return (
        "SELECT id, pid, host_name, received, written, skipped, dropped, clean_exit, last_error\n"
        "FROM recorders\nORDER BY id DESC"
    )


def _where(filters: Filters, view: _View) -> str:
    conditions = []
    for name, column in view.columns.items():
        value = getattr(filters, name)
        if value == "ok" and name == "status":
            conditions.append("status <> 'error'")
        elif value is not None:
            operator, operand = pattern(value)
            conditions.append(f"{column} {operator} {literal(operand)}")
    rest = replace(filters, **dict.fromkeys(view.columns))
    if view.has_times:
        for moment, operator in ((filters.since, ">="), (filters.until, "<")):
            if moment is not None and moment.unix_nano is not None:
                conditions.append(f"start_time_unix_nano {operator} {_time(moment.unix_nano)}")
        rest = replace(rest, since=None, until=None)
    if rest.given():
        conditions.append(_among_spans(rest, view))
    return "\nWHERE " + "\n  AND ".join(conditions) if conditions else ""


def _among_spans(filters: Filters, view: _View) -> str:
    """Return the condition that a row is, or has, one of the spans that are wanted."""
    column, expression = view.key
    conditions, values = where(replace(filters, text=None), "1")
    wanted = [_with_values(condition, values) for condition in conditions[1:]]
    if filters.text is not None:
        wanted.append(f"s.id IN ({_with_text(filters.text)})")
    return f"{column} IN (\n    SELECT {expression} FROM spans s\n    WHERE " + "\n      AND ".join(wanted) + ")"


def _with_values(condition: str, values: list[Value]) -> str:
    """Return a condition with its values, which are taken from the list, in it."""
    first, *rest = condition.split("?")
    pieces = [first]
    for text in rest:
        value = values.pop(0)
        pieces += [_time(value) if isinstance(value, int) else literal(str(value)), text]
    return "".join(pieces)


def _with_text(text: str) -> str:
    """Return the SELECT of the spans with a text: in what their messages say, not in the words of the stored JSON."""
    like = literal("%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%") + " ESCAPE '\\'"
    return (
        "\n      SELECT span_id FROM call_messages LEFT JOIN"
        "\n        json_tree(CASE WHEN json_valid(parts) THEN parts END) said"
        "\n        ON said.type IN ('text', 'integer', 'real') AND NOT (said.key IN ('type', 'modality')"
        "\n          AND (instr(said.path, '.') = 0 OR role = 'tool_definitions'))"
        f"\n      WHERE text LIKE {like} OR said.atom LIKE {like}"
    )


def _time(unix_nano: int) -> str:
    """Return a time as SQL, with what it means beside it."""
    return f"{unix_nano} /* {iso_time(unix_nano)} */"
