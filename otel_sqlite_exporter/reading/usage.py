"""Calls, tokens and cost by day, model, provider, agent, user, service, conversation or trace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from otel_sqlite_exporter.database.essentials import DAY_NANOSECONDS
from otel_sqlite_exporter.reading.building import as_float, as_int
from otel_sqlite_exporter.reading.conditions import (
    TOTAL_TOKENS,
    at_day,
    pattern,
    where,
    windowed,
)
from otel_sqlite_exporter.reading.grouping import (
    GROUPS,
    best_of,
    check_groups,
    columns_of,
    fields_of,
    keys,
    most_spans,
    parts_of,
)
from otel_sqlite_exporter.reading.rows.sums import Usage
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.text_filter import only_with_text
from otel_sqlite_exporter.reading.totals import TOKENS, usage_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters
    from otel_sqlite_exporter.reading.grouping import Key

_Keyed: TypeAlias = "list[tuple[Key, Sequence[Value]]]"

_SUMMED: Final = frozenset({"day", "provider", "model"})
"""What the table ``usage`` has sums for."""

_MEASURES: Final = (
    "calls",
    "errors",
    "error_rate",
    *(f"{measure}_tokens" for measure in TOKENS),
    "cache_hit_rate",
    "cost_usd",
    "calls_without_tokens",
    "calls_without_cost",
)
_MOST_DAYS: Final = 400
"""Up to so many days are asked for one by one."""

_SUMS: Final = ", ".join(
    (
        "count(*)",
        "count(CASE WHEN s.status = 'error' THEN 1 END)",
        f"count(CASE WHEN s.status <> 'error' AND {TOTAL_TOKENS} IS NULL THEN 1 END)",
        "count(CASE WHEN s.status <> 'error' AND s.cost_usd IS NULL THEN 1 END)",
        *(f"sum({TOTAL_TOKENS if measure == 'total' else f's.{measure}_tokens'})" for measure in TOKENS),
        "sum(s.cost_usd)",
    )
)
_SUMS_OF_SUMS: Final = ", ".join(
    (
        "sum(calls)",
        "sum(errors)",
        # Which calls failed is not known here: one that failed and reported its tokens stands for one that did neither.
        "sum(max(calls - errors - total_reports, 0))",
        "sum(max(calls - errors - cost_reports, 0))",
        *(f"CASE WHEN sum({measure}_reports) > 0 THEN sum({measure}_tokens) END" for measure in TOKENS),
        "CASE WHEN sum(cost_reports) > 0 THEN sum(cost_usd) END",
    )
)


def usage_by(
    connection: ReadConnection, filters: Filters, by: Sequence[str], *, limit: int | None = None
) -> Rows[Usage]:
    """Return sums by group; :meth:`Database.usage` says more."""
    names = check_groups(by, GROUPS)
    fields = fields_of(names)
    note = None
    with connection.snapshot():
        if set(names) <= _SUMMED and not filters.given().keys() - {"provider", "since", "until"}:
            rows = _mostly_from_sums(connection, filters, names)
        else:
            filters, note = windowed(connection, filters, most=most_spans(names))
            conditions, note = only_with_text(connection, filters, note)
            rows = [
                row
                for part in parts_of(filters, names)
                for row in _from_calls(connection, part, names, conditions, limit=limit)
            ]
    found = [_usage(fields, key, sums) for key, sums in _merged(rows)]
    found.sort(key=_order(fields), reverse=True)
    return Rows(Usage, found[:limit], note, [*fields, *_MEASURES])


def _mostly_from_sums(connection: ReadConnection, filters: Filters, names: Sequence[str]) -> _Keyed:
    """Return the sums of whole days as the file has them, and those of what is left at both ends from its calls."""
    since, until = (moment.unix_nano if moment else None for moment in (filters.since, filters.until))
    first = None if since is None else -(-since // DAY_NANOSECONDS)
    end = None if until is None else until // DAY_NANOSECONDS
    if first is not None and end is not None and first >= end:
        return _from_calls(connection, filters, names)
    rows = _from_sums(connection, filters, names, first, end)
    if since is not None and first is not None and since < first * DAY_NANOSECONDS:
        rows += _from_calls(connection, replace(filters, until=at_day(first)), names)
    if until is not None and end is not None and end * DAY_NANOSECONDS < until:
        rows += _from_calls(connection, replace(filters, since=at_day(end)), names)
    return rows


def _from_sums(
    connection: ReadConnection, filters: Filters, names: Sequence[str], first: int | None, end: int | None
) -> _Keyed:
    operator, operand = pattern(filters.provider or "*")
    conditions = [f"provider {operator} ?"]
    values: list[Value] = [operand]
    for day, comparison in ((first, ">="), (end, "<")):
        if day is not None:
            conditions.append(f"day {comparison} ?")
            values.append(day)
    columns = ", ".join(names)
    # As many columns as the calls have: a model is what was asked for, else what answered.
    selected = ", ".join("nullif(model, ''), NULL" if n == "model" else f"nullif({n}, '')" for n in names)
    rows = connection.rows(
        f"SELECT {selected}, {_SUMS_OF_SUMS} FROM usage WHERE {' AND '.join(conditions)} GROUP BY {columns}", values
    )
    return keys(connection, names, rows)


def _from_calls(
    connection: ReadConnection,
    filters: Filters,
    names: Sequence[str],
    more: Sequence[str] = (),
    *,
    limit: int | None = None,
) -> _Keyed:
    conditions, values = where(filters)
    columns = columns_of(names)
    best = best_of(names, "sum(s.cost_usd) DESC, count(*) DESC", limit)
    rows = connection.rows(
        f"SELECT {columns}, {_SUMS} FROM spans s WHERE {' AND '.join([*conditions, *more])} GROUP BY {columns} {best}",
        values,
    )
    return keys(connection, names, rows)


def _merged(rows: _Keyed) -> Iterable[tuple[Key, list[Value]]]:
    """Return sums with each key once."""
    found: dict[Key, list[Value]] = {}
    for key, sums in rows:
        known = found.get(key)
        if known is None:
            found[key] = list(sums)
            continue
        for place, value in enumerate(sums):
            before = known[place]
            if isinstance(value, (int, float)):
                known[place] = value + before if isinstance(before, (int, float)) else value
    return found.items()


def _usage(fields: Sequence[str], key: Key, sums: Sequence[Value]) -> Usage:
    calls, errors, without_tokens, without_cost, *tokens = (as_int(value) for value in sums[:-1])
    return usage_of(
        dict(zip(fields, key, strict=True)),
        calls=calls or 0,
        errors=errors or 0,
        tokens=dict(zip(TOKENS, tokens, strict=True)),
        cost_usd=as_float(sums[-1]),
        calls_without_tokens=without_tokens or 0,
        calls_without_cost=without_cost or 0,
    )


def _order(fields: Sequence[str]) -> Callable[[Usage], tuple[str, float, int]]:
    """Return what the groups are sorted by: the newest day first, then the dearest, then what was called most."""

    def key(usage: Usage) -> tuple[str, float, int]:
        return ((usage.day or "") if "day" in fields else "", usage.cost_usd or 0.0, usage.calls)

    return key
