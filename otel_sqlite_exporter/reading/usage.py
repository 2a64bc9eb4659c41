"""Calls, tokens and cost by day, model, provider, agent, user, service or conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_float, as_int, as_text
from otel_sqlite_exporter.reading.conditions import TOTAL_TOKENS, pattern, where, windowed
from otel_sqlite_exporter.reading.failures import FilterError
from otel_sqlite_exporter.reading.rows import Usage
from otel_sqlite_exporter.reading.search import ids_with_text
from otel_sqlite_exporter.reading.sequence import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters

_DAY_NANOSECONDS: Final = 86_400_000_000_000

# What can be grouped by: the field of the answer, and the value of one call.
GROUPS: Final = {
    "day": ("day", f"date(s.start_time_unix_nano / {_DAY_NANOSECONDS} * 86400, 'unixepoch')"),
    "provider": ("provider", "s.provider"),
    "model": ("model", "coalesce(s.request_model, s.response_model)"),
    "agent": ("agent_name", "s.agent_name"),
    "user": ("user_id", "s.user_id"),
    "service": ("service_name", "s.resource_id"),
    "conversation": ("conversation_id", "s.conversation_id"),
}
_SUMMED: Final = frozenset({"day", "provider", "model"})
"""What the table ``usage`` has sums for."""

_MEASURES: Final = (
    "calls",
    "errors",
    "error_rate",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_tokens",
    "cache_hit_rate",
    "cost_usd",
)
_SUMS: Final = f"""count(*), count(CASE WHEN s.status = 'error' THEN 1 END), sum(s.input_tokens), sum(s.output_tokens),
  sum({TOTAL_TOKENS}), sum(s.cache_read_tokens), sum(s.cost_usd)"""
_SUMS_OF_SUMS: Final = """sum(calls), sum(errors), sum(input_tokens), sum(output_tokens), sum(total_tokens),
  sum(cache_read_tokens), sum(cost_usd)"""


def usage_by(
    connection: ReadConnection, filters: Filters, by: Sequence[str], *, limit: int | None = None
) -> Rows[Usage]:
    """Return sums by group; :meth:`Database.usage` says more."""
    names = check_groups(by, GROUPS)
    fields = [GROUPS[name][0] for name in names]
    if set(names) <= _SUMMED and not filters.values().keys() - {"provider", "since"} and _is_always(filters):
        rows, note = _from_sums(connection, filters, fields), None
    else:
        rows, note = _from_calls(connection, filters, names, limit)
    found = [_usage(fields, row) for row in rows]
    found.sort(key=_order(fields), reverse=True)
    return Rows(Usage, found[:limit], note, [*fields, *_MEASURES])


def check_groups(by: Sequence[str], known: dict[str, tuple[str, str]]) -> list[str]:
    """Return the names of groups, each once.

    Raises:
        FilterError: One of them is not known, or there is none.
    """
    names = list(dict.fromkeys(by))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise FilterError(f"by: {', '.join(unknown) or 'nothing'} is none of {', '.join(known)}")
    return names


def _is_always(filters: Filters) -> bool:
    return filters.since is None or filters.since.unix_nano is None


def _from_sums(connection: ReadConnection, filters: Filters, fields: Sequence[str]) -> list[tuple[Value, ...]]:
    operator, operand = pattern(filters.provider or "*")
    columns = ", ".join(fields)
    return connection.rows(
        f"SELECT {columns}, {_SUMS_OF_SUMS} FROM usage_by_model WHERE coalesce(provider, '') {operator} ? "
        f"GROUP BY {columns}",
        [operand],
    )


def _from_calls(
    connection: ReadConnection, filters: Filters, names: Sequence[str], limit: int | None
) -> tuple[list[tuple[Value, ...]], str | None]:
    filters, note = windowed(connection, filters)
    conditions, values = where(filters)
    if filters.text is not None:
        ids, note = ids_with_text(connection, filters, limit=1 << 40, before=None)
        conditions.append(f"s.id IN ({', '.join(str(as_int(number)) for number in ids)})")
    columns = ", ".join(GROUPS[name][1] for name in names)
    order = f"{GROUPS['day'][1]} DESC, " if "day" in names else ""
    rows = connection.rows(
        f"SELECT {columns}, {_SUMS} FROM spans s WHERE {' AND '.join(conditions)} GROUP BY {columns} "
        f"ORDER BY {order}sum(s.cost_usd) DESC, count(*) DESC LIMIT ?",
        [*values, -1 if limit is None or "service" in names else limit],
    )
    if "service" in names:
        rows = _with_services(connection, rows, names.index("service"))
    return rows, note


def _with_services(connection: ReadConnection, rows: list[tuple[Value, ...]], place: int) -> list[tuple[Value, ...]]:
    """Return sums by service from those by resource: a service has a resource for each of its versions and hosts."""
    services: dict[Value, Value] = {row[0]: row[1] for row in connection.rows("SELECT id, service_name FROM resources")}
    merged: dict[tuple[Value, ...], list[Value]] = {}
    sums = 7
    for row in rows:
        key = (*row[:place], services.get(row[place]), *row[place + 1 : -sums])
        known = merged.setdefault(key, [None] * sums)
        for index, value in enumerate(row[-sums:]):
            if isinstance(value, (int, float)):
                before = known[index]
                known[index] = value + before if isinstance(before, (int, float)) else value
    return [(*key, *totals) for key, totals in merged.items()]


def _usage(fields: Sequence[str], row: Sequence[Value]) -> Usage:
    key = {field: as_text(value) for field, value in zip(fields, row, strict=False)}
    calls, errors, asked, answered, total, cached = (as_int(value) for value in row[len(fields) : len(fields) + 6])
    return Usage(
        **key,
        calls=calls or 0,
        errors=errors or 0,
        error_rate=(errors or 0) / calls if calls else None,
        input_tokens=asked,
        output_tokens=answered,
        total_tokens=total,
        cache_read_tokens=cached,
        cache_hit_rate=(cached or 0) / asked if asked else None,
        cost_usd=as_float(row[-1]),
    )


def _order(fields: Sequence[str]) -> Callable[[Usage], tuple[str, float, int]]:
    """Return what the groups are sorted by: the newest day first, then the dearest, then what was called most."""

    def key(usage: Usage) -> tuple[str, float, int]:
        return ((usage.day or "") if "day" in fields else "", usage.cost_usd or 0.0, usage.calls)

    return key
