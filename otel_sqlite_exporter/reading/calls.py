"""The list of calls: ids first, by an index, then the columns of those few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from otel_sqlite_exporter.reading.building import build
from otel_sqlite_exporter.reading.conditions import where
from otel_sqlite_exporter.reading.rows import Call
from otel_sqlite_exporter.reading.sequence import Rows

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters

Sort: TypeAlias = Literal["time", "cost", "duration", "tokens"]

SORTS: Final[dict[str, str]] = {
    "time": "s.start_time_unix_nano",
    "cost": "s.cost_usd",
    "duration": "s.end_time_unix_nano - s.start_time_unix_nano",
    "tokens": "coalesce(s.input_tokens + s.output_tokens, s.total_tokens, s.input_tokens, s.output_tokens)",
}
"""What calls can be sorted by, largest first."""


def list_calls(
    connection: ReadConnection, filters: Filters, *, limit: int | None, sort: str, before: int | None
) -> Rows[Call]:
    """Return calls, newest or largest first."""
    conditions, values = where(filters)
    order = SORTS[sort]
    if sort == "cost":
        conditions.append("s.cost_usd IS NOT NULL")
    if before is not None:
        conditions.append("s.id < ?")
        values.append(before)
    ids = connection.rows(
        f"SELECT s.id FROM spans s WHERE {' AND '.join(conditions)} ORDER BY {order} DESC, s.id DESC LIMIT ?",
        [*values, -1 if limit is None else limit],
    )
    return Rows(Call, calls_of_ids(connection, [row[0] for row in ids]))


def calls_of_ids(connection: ReadConnection, ids: list[Value]) -> list[Call]:
    """Return calls in the order of their ids' list; ids of no call are left out."""
    found: dict[Value, Call] = {}
    for start in range(0, len(ids), _IDS_PER_QUERY):
        some = ids[start : start + _IDS_PER_QUERY]
        names, rows = connection.table(f"SELECT * FROM llm_calls WHERE id IN ({', '.join('?' * len(some))})", some)
        for row in rows:
            call = build(Call, names, row)
            found[call.id] = call
    return [found[number] for number in ids if number in found]


_IDS_PER_QUERY: Final = 500
