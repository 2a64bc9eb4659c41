"""How long calls take: percentiles by model, provider or agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_int, as_text
from otel_sqlite_exporter.reading.conditions import where, windowed
from otel_sqlite_exporter.reading.percentiles import DURATIONS, milliseconds, numbers, percentile
from otel_sqlite_exporter.reading.rows import Latency
from otel_sqlite_exporter.reading.search import ids_with_text
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.usage import GROUPS, check_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.connection import ReadConnection
    from otel_sqlite_exporter.reading.filters import Filters

LATENCY_GROUPS: Final = {name: GROUPS[name] for name in ("model", "provider", "agent")}
_MEASURES: Final = (
    "calls",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "max_ms",
    "first_token_p50_ms",
    "first_token_p95_ms",
    "tokens_per_second",
)
_COLUMNS: Final = f"""count(*), {DURATIONS}, group_concat(s.time_to_first_token_ms),
  sum(s.output_tokens) * 1e9 / nullif(sum(CASE WHEN s.output_tokens IS NOT NULL
    THEN s.end_time_unix_nano - s.start_time_unix_nano END), 0)"""


def latency_by(connection: ReadConnection, filters: Filters, by: Sequence[str]) -> Rows[Latency]:
    """Return percentiles by group; :meth:`Database.latency` says more."""
    names = check_groups(by, LATENCY_GROUPS)
    fields = [LATENCY_GROUPS[name][0] for name in names]
    filters, note = windowed(connection, filters)
    conditions, values = where(filters)
    conditions.append("s.status <> 'error'")
    if filters.text is not None:
        ids, note = ids_with_text(connection, filters, limit=1 << 40, before=None)
        conditions.append(f"s.id IN ({', '.join(str(as_int(number)) for number in ids)})")
    columns = ", ".join(LATENCY_GROUPS[name][1] for name in names)
    rows = connection.rows(
        f"SELECT {columns}, {_COLUMNS} FROM spans s WHERE {' AND '.join(conditions)} GROUP BY {columns}", values
    )
    found = []
    for row in rows:
        calls, durations, first_tokens, speed = row[len(fields) :]
        ordered, firsts = numbers(durations), numbers(first_tokens)
        found.append(
            Latency(
                **{field: as_text(value) for field, value in zip(fields, row, strict=False)},
                calls=as_int(calls) or 0,
                p50_ms=milliseconds(percentile(ordered, 0.5)),
                p95_ms=milliseconds(percentile(ordered, 0.95)),
                p99_ms=milliseconds(percentile(ordered, 0.99)),
                max_ms=milliseconds(percentile(ordered, 1.0)),
                first_token_p50_ms=percentile(firsts, 0.5),
                first_token_p95_ms=percentile(firsts, 0.95),
                tokens_per_second=float(speed) if isinstance(speed, (int, float)) else None,
            )
        )
    found.sort(key=lambda latency: latency.calls, reverse=True)
    return Rows(Latency, found, note, [*fields, *_MEASURES])
