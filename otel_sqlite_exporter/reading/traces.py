"""The list of traces: the newest ids by walking the spans backwards, then the sums of those few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_int, as_text, build
from otel_sqlite_exporter.reading.conditions import (
    IS_CALL,
    SPANS_OF_SUMMED_TRACES,
    TOTAL_TOKENS,
    trace_range,
    where,
    windowed,
)
from otel_sqlite_exporter.reading.failures import FilterError, NotFoundError
from otel_sqlite_exporter.reading.filters import Filters
from otel_sqlite_exporter.reading.rows.traces import Trace
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.text_filter import only_with_text, span_ids_with_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value

_SPANS_PER_STEP: Final = 1000
_SHOWN_IN: Final = "coalesce(s.shown_in_trace_id, s.trace_id)"
_LONGEST_NUMBER: Final = 8

SORTS: Final = ("time", "cost", "duration", "tokens", "started")
"""What traces can be sorted by: those with the newest steps first, the largest, or those that began last."""

_SUMS: Final = {
    "cost": (IS_CALL, "sum(s.cost_usd)"),
    "tokens": (IS_CALL, f"sum({TOTAL_TOKENS})"),
    "duration": ("1", "max(s.end_time_unix_nano) - min(s.start_time_unix_nano)"),
    "started": ("1", "min(s.start_time_unix_nano)"),
}
"""Of which spans what is computed, for an order that is not the one in which they are walked."""

_FIELDS: Final = {
    "cost": "cost_usd",
    "tokens": "total_tokens",
    "duration": "duration_ms",
    "started": "start_time_unix_nano",
}


def list_traces(
    connection: ReadConnection, filters: Filters, *, limit: int = 50, sort: str = "time", before: str | None = None
) -> Rows[Trace]:
    """Return traces, the newest or the largest first; :meth:`Database.traces` says more."""
    if sort not in SORTS:
        raise FilterError(f"sort: {sort!r} is none of {', '.join(SORTS)}")
    if sort != "time" and before is not None:
        raise FilterError("before: only traces by time go on from one; ask for more of them with limit")
    if sort != "time":
        filters, note = windowed(connection, filters, most=SPANS_OF_SUMMED_TRACES)
        return _largest(connection, filters, sort, limit, note)
    filters, note = windowed(connection, filters) if filters.values() else (filters, None)
    if filters.text is not None:
        ids, note = _with_text(connection, filters, limit)
    else:
        ids = _newest(connection, filters, limit, before)
    return Rows(Trace, [trace for trace_id in ids if (trace := trace_row(connection, trace_id)) is not None], note)


def _largest(connection: ReadConnection, filters: Filters, sort: str, limit: int, note: str | None) -> Rows[Trace]:
    """Return the traces with a step that is wanted whose sums, of all their steps in the period, are the largest.

    Those of which nobody knows the sum come after the others, the newest first.
    """
    base, measure = _SUMS[sort]
    with_text, note = only_with_text(connection, filters, note, base="1")
    period = Filters(since=filters.since, until=filters.until)
    conditions, values = where(period, base)
    if filters != period:
        wanted, more = where(filters, "1")
        conditions.append(
            f"{_SHOWN_IN} IN (SELECT {_SHOWN_IN} FROM spans s WHERE {' AND '.join([*wanted, *with_text])})"
        )
        values += more
    rows = connection.rows(
        f"SELECT {_SHOWN_IN} AS shown_in, {measure} AS measure FROM spans s WHERE {' AND '.join(conditions)} "
        "GROUP BY shown_in HAVING measure IS NOT NULL ORDER BY measure DESC, shown_in DESC LIMIT ?",
        [*values, limit],
    )
    ids = [as_text(row[0]) or "" for row in rows]
    if len(ids) < limit:
        newest = _newest(connection, filters, limit, None, with_text)
        ids = list(dict.fromkeys([*ids, *newest]))[:limit]
    found = [trace for trace_id in ids if (trace := trace_row(connection, trace_id)) is not None]
    # A trace that began before the period is larger than its part of it.
    measures = {trace.trace_id: getattr(trace, _FIELDS[sort]) for trace in found}
    found.sort(key=lambda trace: (measures[trace.trace_id] is not None, measures[trace.trace_id] or 0), reverse=True)
    return Rows(Trace, found, note)


def _newest(
    connection: ReadConnection, filters: Filters, limit: int, before: str | None, more: Sequence[str] = ()
) -> list[str]:
    conditions, values = where(filters, "1")
    conditions += more
    start, last = (1 << 63) - 1, (1 << 63) - 1
    seen: dict[str, None] = {}
    if before is not None:
        row = connection.row(
            "SELECT start_time_unix_nano, id FROM spans WHERE trace_id = ? OR shown_in_trace_id = ? "
            "ORDER BY start_time_unix_nano DESC, id DESC LIMIT 1",
            [before, before],
        )
        if row is None:
            raise NotFoundError(f"before: there is no trace {before} any more")
        start, last = as_int(row[0]) or 0, as_int(row[1]) or 0
    newest = start, last
    while len(seen) < limit:
        rows = connection.rows(
            f"SELECT {_SHOWN_IN}, s.start_time_unix_nano, s.id FROM spans s WHERE {' AND '.join(conditions)} "
            "AND s.start_time_unix_nano <= ? AND (s.start_time_unix_nano < ? OR s.id < ?) "
            "ORDER BY s.start_time_unix_nano DESC, s.id DESC LIMIT ?",
            [*values, start, start, last, _SPANS_PER_STEP],
        )
        for trace_id, _, _ in rows:
            if len(seen) < limit and isinstance(trace_id, str) and trace_id not in seen:
                if before is not None and _is_newer(connection, trace_id, *newest):
                    continue
                seen[trace_id] = None
        if len(rows) < _SPANS_PER_STEP:
            break
        start, last = as_int(rows[-1][1]) or 0, as_int(rows[-1][2]) or 0
    return list(seen)


def _is_newer(connection: ReadConnection, trace_id: str, start: int, last: int) -> bool:
    """Tell whether a trace has a step at or after a point of the walk: then it was on an earlier page."""
    row = connection.row(
        "SELECT 1 FROM spans WHERE trace_id = ? AND (start_time_unix_nano > ? OR start_time_unix_nano = ? AND id >= ?)",
        [trace_id, start, start, last],
    )
    return row is not None


def _with_text(connection: ReadConnection, filters: Filters, limit: int) -> tuple[list[str], str | None]:
    ids, note = span_ids_with_text(connection, filters)
    found: dict[str, None] = {}
    for span_id in ids:
        row = connection.row(f"SELECT {_SHOWN_IN} FROM spans s WHERE s.id = ?", [span_id])
        if row is not None and isinstance(row[0], str):
            found[row[0]] = None
            if len(found) == limit:
                return list(found), None
    return list(found), note


def trace_row(connection: ReadConnection, trace_id: str) -> Trace | None:
    """Return the sums of one trace, None where everything in it is shown elsewhere."""
    names, rows = connection.table("SELECT * FROM traces WHERE trace_id = ?", [trace_id])
    return build(Trace, names, rows[0]) if rows else None


def find_trace_id(connection: ReadConnection, wanted: int | str) -> str:
    """Return the trace id that somebody means.

    Args:
        connection: The file.
        wanted: A trace id or its beginning, with dashes or without; the id of a call, for its trace; -1 or ``last``
            for the last trace, -2 for the one before.

    Raises:
        NotFoundError: There is no such trace, or there are several.
        FilterError: This is no id.
    """
    text = str(wanted).strip().lower()
    if text == "last" or (text.startswith("-") and text[1:].isdigit()):
        back = 1 if text == "last" else int(text[1:])
        ids = [trace.trace_id for trace in _rows_of(connection, back)]
        if not 0 < back <= len(ids):
            raise NotFoundError(f"there are fewer than {back} traces in {connection.path}")
        return ids[back - 1]
    if text.isdigit() and len(text) < _LONGEST_NUMBER:
        row = connection.row(f"SELECT {_SHOWN_IN} FROM spans s WHERE s.id = ?", [int(text)])
        if row is not None:
            return as_text(row[0]) or ""
    first, end = trace_range(text)
    if end == "":
        raise FilterError(f"{wanted!r} is no trace id: give hex digits, the id of a call, or -1 for the last trace")
    found = _beginning_with(connection, first, end)
    if not found:
        raise NotFoundError(f"there is no trace {wanted} in {connection.path}; traces() lists them")
    if len(found) > 1:
        raise NotFoundError(f"several traces begin with {wanted}: {', '.join(found[:3])}; give more digits")
    return found[0]


def _rows_of(connection: ReadConnection, limit: int) -> Rows[Trace]:
    return list_traces(connection, Filters(), limit=limit)


def _beginning_with(connection: ReadConnection, first: str, end: str) -> list[str]:
    """Return up to four trace ids in a range, by hopping from one to the next."""
    found: list[str] = []
    value: Value = first
    operator = ">="
    while len(found) < 4:  # noqa: PLR2004 - one, or enough to show that there are several
        row = connection.row(
            f"SELECT trace_id FROM spans WHERE trace_id {operator} ? AND trace_id < ? ORDER BY trace_id LIMIT 1",
            [value, end],
        )
        if row is None or not isinstance(row[0], str):
            break
        value, operator = row[0], ">"
        found.append(row[0])
    return found
