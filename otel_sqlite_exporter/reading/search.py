"""Find texts: newest first, in slices that grow, until there is enough or the time is over."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_int, as_text
from otel_sqlite_exporter.reading.conditions import IS_CALL, of_tool, pattern, where
from otel_sqlite_exporter.reading.failures import FilterError, NotFoundError
from otel_sqlite_exporter.reading.rows import Hit
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.units import full_time, iso_time, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters

DEFAULT_SECONDS: Final = 0.2
"""How long a search looks by default, in CPU time: the newest 50,000 spans or so, on a slow machine as well."""

_FIRST_SLICE: Final = 500
_LARGEST_SLICE: Final = 10_000
_AROUND: Final = 60
_NANOSECONDS: Final = 1_000_000_000

# Of the parts only those that say more than the text are stored; in JSON a text is written with escapes.
_HAS_TEXT: Final = r"(m.text LIKE :plain ESCAPE '\' OR m.parts LIKE :json ESCAPE '\')"
_SLICE: Final = """
  SELECT s.id, s.start_time_unix_nano FROM spans s WHERE {conditions}
    AND (s.start_time_unix_nano, s.id) < (:before_start, :before_id) AND s.start_time_unix_nano <= :before_start
  ORDER BY s.start_time_unix_nano DESC, s.id DESC LIMIT :slice"""


def search(
    connection: ReadConnection,
    text: str,
    filters: Filters,
    *,
    limit: int = 50,
    before: int | None = None,
    seconds: float = DEFAULT_SECONDS,
) -> Rows[Hit]:
    """Return where a text stands; :meth:`Database.search` says more."""
    if not text.strip():
        raise FilterError("search: give a text to look for")
    hits: dict[object, Hit] = {}
    note: str | None = None
    slices = _slices(connection, filters, _HITS, _likes(text), base="1", before=before, seconds=seconds)
    for rows, reached in slices:
        note = reached
        for row in rows:
            hit = _hit(row, text)
            key = row[-1] if row[-1] is not None else ("error", hit.id)
            hits.setdefault(key, hit)
        if len(hits) >= limit:
            note = None
            break
    return Rows(Hit, list(hits.values())[:limit], note)


def ids_with_text(
    connection: ReadConnection, filters: Filters, *, limit: int, before: int | None
) -> tuple[list[Value], str | None]:
    """Return the newest calls with a text, and the note to show where the search did not come to the end."""
    return _ids_with_text(connection, filters, IS_CALL, limit, before)


def span_ids_with_text(connection: ReadConnection, filters: Filters, *, limit: int) -> tuple[list[Value], str | None]:
    """Return the newest spans of any kind with a text, as :func:`ids_with_text` does."""
    return _ids_with_text(connection, filters, "1", limit, None)


def _ids_with_text(
    connection: ReadConnection, filters: Filters, base: str, limit: int, before: int | None
) -> tuple[list[Value], str | None]:
    conditions = []
    named: dict[str, Value] = {}
    if filters.text is not None:
        conditions.append(_WITH_TEXT)
        named |= _likes(filters.text)
    if filters.tool is not None:
        # In the slice itself it would look at all spans until the slice is full.
        operator, named["tool"] = pattern(filters.tool)
        conditions.append(of_tool(operator, ":tool"))
    sql = _IDS.format(conditions=" AND ".join(conditions))
    ids: list[Value] = []
    note: str | None = None
    slices = _slices(
        connection, replace(filters, tool=None), sql, named, base=base, before=before, seconds=DEFAULT_SECONDS
    )
    for rows, reached in slices:
        note = reached
        ids += [row[0] for row in rows]
        if len(ids) >= limit:
            note = None
            break
    return ids[:limit], note


_HITS: Final = f"""
SELECT s.id, s.start_time_unix_nano, s.kind, coalesce(s.request_model, s.response_model), s.agent_name,
  coalesce(s.shown_in_trace_id, s.trace_id), found.direction, found.role, found.position, found.text, found.parts,
  found.message_id
FROM (
  SELECT part.id AS span_id, sm.direction, m.role, sm.position, m.text, m.parts, m.id AS message_id
  FROM part CROSS JOIN span_messages sm ON sm.span_id = part.id CROSS JOIN messages m ON m.id = sm.message_id
  WHERE {_HAS_TEXT}
  UNION ALL
  SELECT part.id, 'error', NULL, NULL, e.status_message, NULL, NULL
  FROM part CROSS JOIN spans e ON e.id = part.id
  WHERE e.status = 'error' AND e.duplicate_of IS NULL AND e.status_message LIKE :plain ESCAPE '\\'
) found CROSS JOIN spans s ON s.id = found.span_id
WHERE s.duplicate_of IS NULL
ORDER BY s.start_time_unix_nano DESC, s.id DESC"""

_WITH_TEXT: Final = f"""EXISTS (
  SELECT 1 FROM span_messages sm CROSS JOIN messages m ON m.id = sm.message_id
  WHERE sm.span_id = s.id AND {_HAS_TEXT}
)"""
_IDS: Final = """
SELECT s.id FROM part CROSS JOIN spans s ON s.id = part.id WHERE {conditions}
ORDER BY part.start_time_unix_nano DESC, part.id DESC"""


def _slices(
    connection: ReadConnection,
    filters: Filters,
    sql: str,
    named: dict[str, Value],
    *,
    base: str,
    before: int | None,
    seconds: float,
) -> Iterator[tuple[list[tuple[Value, ...]], str | None]]:
    """Ask one slice of the newest spans after the other.

    Returns:
        The rows of each slice, and the note that holds if it is the last one that is looked at.
    """
    conditions, values = where(filters, base)
    numbered: dict[str, Value] = {f"v{index}": value for index, value in enumerate(values)}
    condition = " AND ".join(conditions)
    for name in numbered:
        condition = condition.replace("?", f":{name}", 1)
    start, last = _start(connection, before)
    deadline = time.thread_time() + seconds
    size = _FIRST_SLICE
    while True:
        place: dict[str, Value] = {"before_start": start, "before_id": last, "slice": size}
        part = _SLICE.format(conditions=condition)
        end = connection.row(_LAST_OF_SLICE.format(part=part), numbered | place)
        if end is None:
            return
        rows = connection.rows(f"WITH part AS ({part}) {sql}", numbered | place | named)
        start, last, found = (as_int(value) or 0 for value in end)
        is_end = found < size
        is_late = time.thread_time() > deadline
        yield rows, None if is_end else _note(start)
        if is_end or is_late:
            return
        size = min(size * 4, _LARGEST_SLICE)


_LAST_OF_SLICE: Final = """WITH part AS ({part})
SELECT start_time_unix_nano, id, (SELECT count(*) FROM part) FROM part ORDER BY start_time_unix_nano, id LIMIT 1"""


def _note(start: int) -> str:
    """Return how far the search came, and how to go on: from the next full second, so that nothing is left out."""
    moment = full_time(start + _NANOSECONDS).replace(" ", "T")
    return f"searched back to {full_time(start)}; further back with until={moment}"


def _start(connection: ReadConnection, before: int | None) -> tuple[int, int]:
    if before is None:
        return (1 << 63) - 1, (1 << 63) - 1
    row = connection.row("SELECT start_time_unix_nano FROM spans WHERE id = ?", [before])
    if row is None:
        raise NotFoundError(f"before: there is no span {before} any more")
    return as_int(row[0]) or 0, before


def _likes(text: str) -> dict[str, Value]:
    return {"plain": _like(text), "json": _like(json.dumps(text, ensure_ascii=False)[1:-1])}


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _hit(row: tuple[Value, ...], text: str) -> Hit:
    start = as_int(row[1]) or 0
    before, found, after = _around(as_text(row[9]), as_text(row[10]), text)
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


def _around(plain: str | None, parts: str | None, text: str) -> tuple[str, str, str]:
    """Return what stands before the searched text, the text as it stands there, and what follows."""
    for whole, wanted in ((plain, text), (parts, json.dumps(text, ensure_ascii=False)[1:-1])):
        place = whole.lower().find(wanted.lower()) if whole else -1
        if whole and place >= 0:
            end = place + len(wanted)
            begin = max(place - _AROUND, 0)
            return (
                ("…" if begin else "") + _piece(whole[begin:place]).lstrip(),
                _piece(whole[place:end]),
                _piece(whole[end : end + _AROUND * 2]) + ("…" if len(whole) > end + _AROUND * 2 else ""),
            )
    return "", _piece(text), ""


def _piece(text: str) -> str:
    return re.sub(r"\s+", " ", visible(text))
