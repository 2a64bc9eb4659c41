"""How long calls take: percentiles by whatever usage is summed by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_float
from otel_sqlite_exporter.reading.conditions import where, windowed
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
from otel_sqlite_exporter.reading.percentiles import DURATIONS, milliseconds, numbers, percentile
from otel_sqlite_exporter.reading.rows.sums import Latency
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.text_filter import only_with_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters
    from otel_sqlite_exporter.reading.grouping import Key

_HAS_ANSWERED: Final = "s.status <> 'error'"
_MEASURES: Final = (
    "calls",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "max_ms",
    "first_token_calls",
    "first_token_p50_ms",
    "first_token_p95_ms",
    "tokens_per_second",
)
_COLUMNS: Final = f"""{DURATIONS}, group_concat(s.time_to_first_token_ms), sum(s.output_tokens),
  sum(CASE WHEN s.output_tokens IS NOT NULL THEN s.end_time_unix_nano - s.start_time_unix_nano END)"""


def latency_by(
    connection: ReadConnection, filters: Filters, by: Sequence[str], *, limit: int | None = None
) -> Rows[Latency]:
    """Return percentiles by group; :meth:`Database.latency` says more."""
    names = check_groups(by, GROUPS)
    fields = fields_of(names)
    filters, note = windowed(connection, filters, most=most_spans(names))
    with_text, note = only_with_text(connection, filters, note)
    columns = columns_of(names)
    best = best_of(names, "count(*) DESC", limit)
    rows: list[tuple[Value, ...]] = []
    for part in parts_of(filters, names):
        conditions, values = where(part)
        rows += connection.rows(
            f"SELECT {columns}, {_COLUMNS} FROM spans s "
            f"WHERE {' AND '.join([*conditions, *with_text, _HAS_ANSWERED])} GROUP BY {columns} {best}",
            values,
        )
    groups: dict[Key, list[Sequence[Value]]] = {}
    for key, measures in keys(connection, names, rows):
        groups.setdefault(key, []).append(measures)
    found = [_latency(dict(zip(fields, key, strict=True)), measures) for key, measures in groups.items()]
    found.sort(key=lambda latency: (latency.day or "", latency.calls), reverse=True)
    return Rows(Latency, found[:limit], note, [*fields, *_MEASURES])


def _latency(key: dict[str, str | None], rows: Sequence[Sequence[Value]]) -> Latency:
    """Return the percentiles of a group that came in one row or several."""
    durations = numbers(row[0] for row in rows)
    firsts = numbers(row[1] for row in rows)
    tokens, nanoseconds = (sum(as_float(row[place]) or 0.0 for row in rows) for place in (2, 3))
    return Latency(
        **key,
        calls=len(durations),
        p50_ms=milliseconds(percentile(durations, 0.5)),
        p95_ms=milliseconds(percentile(durations, 0.95)),
        p99_ms=milliseconds(percentile(durations, 0.99)),
        max_ms=milliseconds(percentile(durations, 1.0)),
        first_token_calls=len(firsts),
        first_token_p50_ms=percentile(firsts, 0.5),
        first_token_p95_ms=percentile(firsts, 0.95),
        tokens_per_second=tokens * 1e9 / nanoseconds if nanoseconds > 0 else None,
    )
