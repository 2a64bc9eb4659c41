"""How often the first piece of an answer came how late: counts in buckets that grow by a constant factor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_int
from otel_sqlite_exporter.reading.conditions import where, windowed
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.text_filter import only_with_text

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection
    from otel_sqlite_exporter.reading.filters import Filters

_PER_TENFOLD: Final = 5
"""Buckets from 100 ms to 1 s, and so on."""

_EDGES_MS: Final = tuple(round(10 ** (1 + step / _PER_TENFOLD), 3) for step in range(_PER_TENFOLD * 4 + 1))
"""From 10 ms to 100 s; what is beyond counts to the first and the last bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Calls whose first piece came within a time.

    Args:
        from_ms: Not earlier than this.
        to_ms: Earlier than this.
        calls: How many calls.
    """

    from_ms: float
    to_ms: float
    calls: int


def first_token_buckets(connection: ReadConnection, filters: Filters) -> Rows[Bucket]:
    """Return how late the first piece of an answer came; :meth:`Database.first_tokens` says more."""
    filters, note = windowed(connection, filters)
    with_text, note = only_with_text(connection, filters, note)
    conditions, values = where(filters)
    conditions += with_text
    conditions.append("s.time_to_first_token_ms IS NOT NULL")
    # Whole milliseconds: so few different values that a group for each costs less than a CASE for each row.
    rows = connection.rows(
        f"SELECT CAST(s.time_to_first_token_ms AS INTEGER), count(*) FROM spans s WHERE {' AND '.join(conditions)} "
        "GROUP BY 1",
        values,
    )
    counts = [0] * (len(_EDGES_MS) - 1)
    for value, number in rows:
        place = math.floor((math.log10(max(as_int(value) or 0, 1)) - 1) * _PER_TENFOLD)
        counts[min(max(place, 0), len(counts) - 1)] += as_int(number) or 0
    used = [index for index, number in enumerate(counts) if number]
    shown = range(used[0], used[-1] + 1) if used else range(0)
    buckets = [Bucket(from_ms=_EDGES_MS[at], to_ms=_EDGES_MS[at + 1], calls=counts[at]) for at in shown]
    return Rows(Bucket, buckets, note)
