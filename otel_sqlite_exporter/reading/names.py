"""The names that occur in a file, for those who want to choose one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_text
from otel_sqlite_exporter.reading.failures import FilterError
from otel_sqlite_exporter.reading.limits import MOST_NAMES

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection, Value

# Each is found by hopping through an index from one name to the next, however many rows have it.
_INDEXED: Final = {
    "agent": ("agent_name", "agent_name IS NOT NULL"),
    "user": ("user_id", "user_id IS NOT NULL"),
    "tool": ("tool_name", "kind = 'tool' AND duplicate_of IS NULL"),
}
_SUMMED: Final = {"model": "model", "provider": "provider"}


def names_of(connection: ReadConnection, what: str, *, limit: int = MOST_NAMES) -> list[str]:
    """Return names in alphabetical order; :meth:`Database.names` says more."""
    if what in _SUMMED:
        column = _SUMMED[what]
        rows = connection.rows(
            f"SELECT DISTINCT {column} FROM usage WHERE {column} <> '' ORDER BY {column} LIMIT ?", [limit]
        )
        return [as_text(row[0]) or "" for row in rows]
    if what == "service":
        rows = connection.rows(
            "SELECT DISTINCT service_name FROM resources WHERE service_name <> '' ORDER BY service_name LIMIT ?",
            [limit],
        )
        return [as_text(row[0]) or "" for row in rows]
    if what not in _INDEXED:
        raise FilterError(f"names: {what!r} is none of {', '.join((*_INDEXED, *_SUMMED, 'service'))}")
    column, condition = _INDEXED[what]
    found: list[str] = []
    last: Value = ""
    while len(found) < limit:
        row = connection.row(
            f"SELECT {column} FROM spans WHERE {condition} AND {column} > ? ORDER BY {column} LIMIT 1", [last]
        )
        if row is None or not isinstance(row[0], str):
            break
        last = row[0]
        found.append(row[0])
    return found
