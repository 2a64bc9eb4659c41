"""What failed: by place and type, or one failure after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import build
from otel_sqlite_exporter.reading.conditions import where, windowed
from otel_sqlite_exporter.reading.limits import IDS_PER_QUERY
from otel_sqlite_exporter.reading.rows.errors import Failure, FailureSummary
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.text_filter import only_with_text

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection
    from otel_sqlite_exporter.reading.filters import Filters

_HAS_FAILED: Final = "s.status = 'error' AND s.duplicate_of IS NULL"


def list_failures(connection: ReadConnection, filters: Filters, *, limit: int | None = 100) -> Rows[Failure]:
    """Return failures, newest first."""
    filters, note = windowed(connection, filters)
    conditions, values = where(filters, _HAS_FAILED)
    with_text, note = only_with_text(connection, filters, note, base="1")
    found: list[Failure] = []
    # The view leaves out what a failure passed through: there may be fewer rows than ids.
    ids = [
        row[0]
        for row in connection.rows(
            f"SELECT s.id FROM spans s WHERE {' AND '.join([*conditions, *with_text])} "
            "ORDER BY s.start_time_unix_nano DESC, s.id DESC",
            values,
        )
    ]
    for start in range(0, len(ids), IDS_PER_QUERY):
        some = ids[start : start + IDS_PER_QUERY]
        names, rows = connection.table(
            f"SELECT * FROM errors WHERE id IN ({', '.join('?' * len(some))}) "
            "ORDER BY start_time_unix_nano DESC, id DESC",
            some,
        )
        found += [build(Failure, names, row) for row in rows]
        if limit is not None and len(found) >= limit:
            break
    return Rows(Failure, found[:limit], note)


def failure_summaries(connection: ReadConnection, filters: Filters) -> Rows[FailureSummary]:
    """Return failures by place and type, the commonest first."""
    failures = list_failures(connection, filters, limit=None)
    groups: dict[tuple[object, ...], list[Failure]] = {}
    for failure in failures:
        groups.setdefault((failure.kind, _place(failure), failure.error_type, failure.agent_name), []).append(failure)
    found = [
        FailureSummary(
            kind=group[0].kind,
            place=_place(group[0]),
            error_type=group[0].error_type,
            agent_name=group[0].agent_name,
            failures=len(group),
            first_time=group[-1].start_time,
            last_time=group[0].start_time,
            last_id=group[0].id,
            last_message=group[0].message,
        )
        for group in groups.values()
    ]
    found.sort(key=lambda summary: (summary.failures, summary.last_time or ""), reverse=True)
    return Rows(FailureSummary, found, failures.note)


def _place(failure: Failure) -> str | None:
    return failure.tool_name or failure.model or failure.name
