"""Whether anything in a file has changed: one short text that tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection


def mark_of(connection: ReadConnection) -> str:
    """Return a text that is another one after spans were added, amended or deleted, or the file was replaced."""
    row = connection.row(
        "SELECT (SELECT file_id FROM file), (SELECT max(id) FROM spans), (SELECT min(id) FROM spans), "
        "(SELECT max(seq) FROM span_changes)"
    )
    return "-".join("0" if value is None else str(value) for value in row or ())
