"""The list of calls: ids first, by an index, then the columns of those few."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from otel_sqlite_exporter.reading.building import as_int, build
from otel_sqlite_exporter.reading.conditions import IS_CALL, TOTAL_TOKENS, from_spans, where, windowed
from otel_sqlite_exporter.reading.failures import FilterError, NotFoundError
from otel_sqlite_exporter.reading.limits import IDS_PER_QUERY
from otel_sqlite_exporter.reading.rows.calls import Call
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.slices import has_text
from otel_sqlite_exporter.reading.text_filter import excerpts, ids_with_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters

Sort: TypeAlias = Literal["time", "cost", "duration", "tokens"]

SORTS: Final[dict[str, str]] = {
    "time": "s.start_time_unix_nano",
    "cost": "s.cost_usd",
    "duration": "(s.end_time_unix_nano - s.start_time_unix_nano)",
    "tokens": TOTAL_TOKENS,
}
"""What calls can be sorted by, largest first."""


def list_calls(
    connection: ReadConnection,
    filters: Filters,
    *,
    limit: int | None = 100,
    sort: str = "time",
    before: int | None = None,
) -> Rows[Call]:
    """Return calls, newest or largest first; :meth:`Database.calls` says more."""
    if sort not in SORTS:
        raise FilterError(f"sort: {sort!r} is none of {', '.join(SORTS)}")
    note = None
    if sort != "time" or _is_selective(filters):
        filters, note = windowed(connection, filters)
    if filters.text is not None or filters.tool is not None:
        ids, more = ids_with_text(connection, filters, limit=limit or IDS_PER_QUERY, before=before)
        return Rows(Call, _with_excerpts(connection, calls_of_ids(connection, ids), filters), more or note)
    ids = _ids(connection, filters, limit=limit, sort=sort, before=before)
    return Rows(Call, calls_of_ids(connection, ids), note)


def _with_excerpts(connection: ReadConnection, calls: list[Call], filters: Filters) -> list[Call]:
    """Return calls with the place of the text that is wanted, as they are where none is."""
    if filters.text is None:
        return calls
    found = excerpts(connection, [call.id for call in calls], filters.text)
    return [replace(call, excerpt=found.get(call.id)) for call in calls]


def _is_selective(filters: Filters) -> bool:
    """Tell whether the newest calls may have to be looked for."""
    return any(
        getattr(filters, name) is not None
        for name in ("model", "provider", "kind", "agent", "user", "service", "status")
    )


def _ids(
    connection: ReadConnection, filters: Filters, *, limit: int | None, sort: str, before: int | None
) -> list[Value]:
    """Return the largest first; what has no such number comes after what has one, the newest first."""
    if sort == "time":
        return _in_order(connection, filters, [], order=SORTS[sort], limit=limit, before=before)
    measure = SORTS[sort]
    found: list[Value] = []
    if before is None or _number_of(connection, measure, before) is not None:
        # Only with that condition SQLite takes an index, and one that has no number is no place to go on after.
        found = _in_order(connection, filters, [f"{measure} IS NOT NULL"], order=measure, limit=limit, before=before)
        before = None
    if limit is not None and len(found) >= limit:
        return found
    rest = None if limit is None else limit - len(found)
    return found + _in_order(
        connection, filters, [f"{measure} IS NULL"], order=SORTS["time"], limit=rest, before=before
    )


def _in_order(
    connection: ReadConnection,
    filters: Filters,
    more: Sequence[str],
    *,
    order: str,
    limit: int | None,
    before: int | None,
) -> list[Value]:
    conditions, values = where(filters)
    conditions += more
    if before is not None:
        place = _number_of(connection, order, before)
        conditions += [f"({order} < ? OR {order} = ? AND s.id < ?)", f"{order} <= ?"]
        values += [place, place, before, place]
    rows = connection.rows(
        f"SELECT s.id FROM {from_spans(filters)} WHERE {' AND '.join(conditions)} "
        f"ORDER BY {order} DESC, s.id DESC LIMIT ?",
        [*values, -1 if limit is None else limit],
    )
    return [row[0] for row in rows]


def _number_of(connection: ReadConnection, expression: str, span_id: int) -> Value:
    row = connection.row(f"SELECT {expression} FROM spans s WHERE s.id = ?", [span_id])
    if row is None:
        raise NotFoundError(f"before: there is no call {span_id} any more")
    return row[0]


def calls_of_ids(connection: ReadConnection, ids: Sequence[Value]) -> list[Call]:
    """Return calls in the order of their ids' list; ids of no call are left out."""
    found: dict[Value, Call] = {}
    for start in range(0, len(ids), IDS_PER_QUERY):
        some = ids[start : start + IDS_PER_QUERY]
        names, rows = connection.table(f"SELECT * FROM llm_calls WHERE id IN ({', '.join('?' * len(some))})", some)
        for row in rows:
            call = build(Call, names, row)
            found[call.id] = call
    return [found[number] for number in ids if number in found]


def _all_of(connection: ReadConnection, filters: Filters) -> tuple[list[str], list[Value]]:
    """Return the conditions of all filters, for what goes through everything however long it takes."""
    conditions, values = where(filters)
    if filters.text is not None:
        condition, texts = has_text(connection, filters.text)
        conditions.append(condition)
        values += texts
    return conditions, values


def calls_in_pages(connection: ReadConnection, filters: Filters, size: int) -> Iterator[list[Call]]:
    """Return all calls that are wanted, oldest first, in pages; the file is not held between two of them."""
    conditions, values = _all_of(connection, filters)
    start, last = -(1 << 63), 0
    while True:
        rows = connection.rows(
            f"SELECT s.id, s.start_time_unix_nano FROM spans s WHERE {' AND '.join(conditions)} "
            "AND s.start_time_unix_nano >= ? AND (s.start_time_unix_nano > ? OR s.id > ?) "
            "ORDER BY s.start_time_unix_nano, s.id LIMIT ?",
            [*values, start, start, last, size],
        )
        if not rows:
            return
        yield calls_of_ids(connection, [row[0] for row in rows])
        last, start = as_int(rows[-1][0]) or 0, as_int(rows[-1][1]) or 0


def count_calls(connection: ReadConnection, filters: Filters) -> int:
    """Return how many calls are wanted."""
    conditions, values = _all_of(connection, filters)
    row = connection.row(f"SELECT count(*) FROM spans s WHERE {' AND '.join(conditions)}", values)
    return as_int(row[0]) or 0 if row is not None else 0


def last_id(connection: ReadConnection) -> int:
    """Return the id of the span that was written last, 0 in an empty file."""
    row = connection.row("SELECT max(id) FROM spans")
    return as_int(row[0]) or 0 if row is not None else 0


def calls_after(connection: ReadConnection, filters: Filters, after: int) -> Rows[Call]:
    """Return the calls that were written after a span, in the order in which they were written."""
    conditions, values = where(filters)
    rows = connection.rows(
        f"SELECT s.id FROM spans s WHERE s.id > ? AND {' AND '.join(conditions)} ORDER BY s.id", [after, *values]
    )
    calls = _with_excerpts(connection, calls_of_ids(connection, [row[0] for row in rows]), filters)
    return Rows(Call, [call for call in calls if filters.text is None or call.excerpt is not None])


def find_call_id(connection: ReadConnection, wanted: int | str) -> int:
    """Return the id of the span that somebody means.

    Args:
        connection: The file.
        wanted: ``spans.id``, or -1 for the last call, -2 for the one before, or ``last``. A further report of a call
            means the call.

    Raises:
        NotFoundError: There is no such span.
        FilterError: This is no id.
    """
    number = _number(wanted)
    if number < 0:
        row = connection.row(
            f"SELECT s.id FROM spans s WHERE {IS_CALL} "
            "ORDER BY s.start_time_unix_nano DESC, s.id DESC LIMIT 1 OFFSET ?",
            [-number - 1],
        )
        if row is None:
            raise NotFoundError(f"there are fewer than {-number} calls in {connection.path}")
        return as_int(row[0]) or 0
    row = connection.row("SELECT coalesce(duplicate_of, id) FROM spans WHERE id = ?", [number])
    if row is None:
        raise NotFoundError(f"there is no span {number} in {connection.path}; calls() lists the calls")
    return as_int(row[0]) or 0


def _number(wanted: int | str) -> int:
    if wanted == "last":
        return -1
    try:
        number = int(wanted)
    except (TypeError, ValueError):
        raise FilterError(f"{wanted!r} is no id of a call: give a number of the list, or -1 for the last one") from None
    if not number or abs(number) >= 1 << 63:
        raise FilterError(f"{wanted!r} is no id of a call: ids start at 1, and -1 is the last call")
    return number
