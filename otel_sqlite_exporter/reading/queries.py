"""Queries of one's own: one SELECT, read-only, within a time and a number of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_sqlite_exporter.reading.building import as_text
from otel_sqlite_exporter.reading.sequence import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value


def rows_of(
    connection: ReadConnection, sql: str, values: Sequence[Value] | dict[str, Value], *, limit: int | None
) -> Table:
    """Return the rows of a query; :meth:`Database.sql` says more."""
    with connection.only_selects():
        names, rows = connection.table(sql, values, limit=None if limit is None else limit + 1)
    cut = rows if limit is None else rows[:limit]
    return Table(
        names,
        [tuple(as_text(value) if isinstance(value, bytes) else value for value in row) for row in cut],
        is_cut=len(cut) < len(rows),
    )
