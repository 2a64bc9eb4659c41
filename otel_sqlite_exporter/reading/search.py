"""Find texts: where each stands, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.essentials import MESSAGE_DIRECTIONS
from otel_sqlite_exporter.reading.building import as_int, as_text
from otel_sqlite_exporter.reading.failures import FilterError
from otel_sqlite_exporter.reading.passages import Wanted
from otel_sqlite_exporter.reading.rows.hits import Hit
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.slices import HAS_TEXT, likes, slices
from otel_sqlite_exporter.reading.units import iso_time

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection
    from otel_sqlite_exporter.reading.filters import Filters

DIRECTIONS: Final = (*MESSAGE_DIRECTIONS, "error")
"""Where a text can stand: in a prompt, an answer, or the message of an error."""

_HITS: Final = f"""
SELECT s.id, s.start_time_unix_nano, s.kind, coalesce(s.request_model, s.response_model), s.agent_name,
  coalesce(s.shown_in_trace_id, s.trace_id), found.direction, found.role, found.position, found.text, found.parts,
  found.message_id
FROM (
  SELECT part.id AS span_id, sm.direction, m.role, sm.position, m.text, m.parts, m.id AS message_id
  FROM part CROSS JOIN span_messages sm ON sm.span_id = part.id CROSS JOIN messages m ON m.id = sm.message_id
  WHERE {HAS_TEXT} AND (:direction IS NULL OR sm.direction = :direction)
  UNION ALL
  SELECT part.id, 'error', NULL, NULL, e.status_message, NULL, NULL
  FROM part CROSS JOIN spans e ON e.id = part.id
  WHERE e.status = 'error' AND e.duplicate_of IS NULL AND e.status_message LIKE :plain ESCAPE '\\'
    AND (:direction IS NULL OR :direction = 'error')
) found CROSS JOIN spans s ON s.id = found.span_id
WHERE s.duplicate_of IS NULL
ORDER BY s.start_time_unix_nano DESC, s.id DESC"""


def search(
    connection: ReadConnection,
    text: str,
    filters: Filters,
    *,
    limit: int = 50,
    direction: str | None = None,
    before: int | None = None,
    seconds: float | None = None,
) -> Rows[Hit]:
    """Return where a text stands; :meth:`Database.search` says more."""
    if not text.strip():
        raise FilterError("search: give a text to look for")
    if direction is not None and direction not in DIRECTIONS:
        raise FilterError(f"direction: {direction!r} is none of {', '.join(DIRECTIONS)}")
    wanted = Wanted(text)
    named = {**likes(connection, text), "direction": direction}
    hits: dict[object, Hit] = {}
    note: str | None = None
    parts = slices(connection, filters, _HITS, named, base="1", before=before, seconds=seconds)
    for rows, reached in parts:
        note = reached
        for row in rows:
            hit = _hit(row, wanted)
            key = row[-1] if row[-1] is not None else ("error", hit.id)
            hits.setdefault(key, hit)
        if len(hits) >= limit:
            note = None
            break
    return Rows(Hit, list(hits.values())[:limit], note)


def _hit(row: tuple[object, ...], wanted: Wanted) -> Hit:
    start = as_int(row[1]) or 0
    before, found, after = wanted.excerpt(as_text(row[9]), row[10]) or ("", "", "")
    return Hit(
        id=as_int(row[0]) or 0,
        start_time=iso_time(start),
        kind=as_text(row[2]),
        model=as_text(row[3]),
        agent_name=as_text(row[4]),
        trace_id=as_text(row[5]),
        direction=as_text(row[6]) or "",
        role=as_text(row[7]),
        position=as_int(row[8]),
        before=before,
        found=found,
        after=after,
        start_time_unix_nano=start,
    )
