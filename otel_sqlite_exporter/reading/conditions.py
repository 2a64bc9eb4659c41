"""Filters as SQL: conditions on ``spans s`` with parameters, never with values in their text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import Value
    from otel_sqlite_exporter.reading.filters import Filters

IS_CALL: Final = "s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL"
"""A span that stands for one call."""

_COLUMNS: Final = {
    "model": ("s.request_model", "s.response_model"),
    "provider": ("s.provider",),
    "kind": ("s.kind",),
    "agent": ("s.agent_name",),
    "user": ("s.user_id",),
    "conversation": ("s.conversation_id",),
    "tool": ("s.tool_name",),
}


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
    if filters.service is not None:
        operator, operand = pattern(filters.service)
        conditions.append(f"s.resource_id IN (SELECT id FROM resources WHERE service_name {operator} ?)")
        values.append(operand)
    if filters.status is not None:
        conditions.append("s.status <> 'error'" if filters.status == "ok" else "s.status = ?")
        values += [] if filters.status == "ok" else [filters.status]
    if filters.trace is not None:
        conditions.append("s.trace_id >= ? AND s.trace_id < ?")
        values += [filters.trace, filters.trace + "\U0010ffff"]
    for moment, operator in ((filters.since, ">="), (filters.until, "<")):
        if moment is not None and moment.unix_nano is not None:
            conditions.append(f"s.start_time_unix_nano {operator} ?")
            values.append(moment.unix_nano)
    return conditions, values


def pattern(text: str) -> tuple[str, str]:
    """Return the operator and the operand that compare with a name in which ``*`` stands for anything."""
    if "*" not in text:
        return "=", text
    return "GLOB", text.replace("[", "[[]").replace("?", "[?]")
