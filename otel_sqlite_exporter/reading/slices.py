"""The newest spans first, in slices that grow, until there is enough or the time is over: what looks into texts."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_int
from otel_sqlite_exporter.reading.conditions import where
from otel_sqlite_exporter.reading.failures import NotFoundError
from otel_sqlite_exporter.reading.limits import SEARCH_SECONDS
from otel_sqlite_exporter.reading.notes import SearchedTo
from otel_sqlite_exporter.reading.passages import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters

_FIRST_SLICE: Final = 500
_LARGEST_SLICE: Final = 5_000

# Of the parts only those that say more than the text are stored; in JSON a text is written with escapes. SQLite looks
# at the bytes first, which is quick; whether it is the text that has them, or the JSON around it, is asked of the few.
HAS_TEXT: Final = r"(m.text LIKE :plain ESCAPE '\' OR m.parts LIKE :json ESCAPE '\' AND parts_say(m.parts))"
"""That the message ``m`` has the text of :func:`likes`."""

WITH_TEXT: Final = f"""EXISTS (
  SELECT 1 FROM span_messages sm CROSS JOIN messages m ON m.id = sm.message_id
  WHERE sm.span_id = s.id AND {HAS_TEXT}
)"""
"""That the span ``s`` has it."""

_SLICE: Final = """
  SELECT s.id, s.start_time_unix_nano FROM spans s WHERE {conditions}
    AND (s.start_time_unix_nano, s.id) < (:before_start, :before_id) AND s.start_time_unix_nano <= :before_start
  ORDER BY s.start_time_unix_nano DESC, s.id DESC LIMIT :slice"""


def slices(
    connection: ReadConnection,
    filters: Filters,
    sql: str,
    named: dict[str, Value],
    *,
    base: str,
    before: int | None,
    seconds: float | None = None,
) -> Iterator[tuple[list[tuple[Value, ...]], SearchedTo | None]]:
    """Ask one slice of the newest spans after the other.

    Args:
        connection: The file.
        filters: What is wanted; the text is asked for by ``sql``.
        sql: What is asked of a slice, which it calls ``part``.
        named: Its parameters.
        base: What the spans are, as of ``where``.
        before: Go on after the span of this id.
        seconds: How long to look, in CPU time; None for as long as the connection says.

    Returns:
        The rows of each slice, and the note that holds if it is the last one that is looked at.
    """
    conditions, values = where(filters, base)
    numbered: dict[str, Value] = {f"v{index}": value for index, value in enumerate(values)}
    condition = " AND ".join(conditions)
    for name in numbered:
        condition = condition.replace("?", f":{name}", 1)
    start, last = _start(connection, before)
    seconds = _seconds(connection, filters) if seconds is None else seconds
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
        yield rows, None if is_end else SearchedTo(start, seconds)
        if is_end or is_late:
            return
        size = min(size * 4, _LARGEST_SLICE)


_LAST_OF_SLICE: Final = """WITH part AS ({part})
SELECT start_time_unix_nano, id, (SELECT count(*) FROM part) FROM part ORDER BY start_time_unix_nano, id LIMIT 1"""


def _seconds(connection: ReadConnection, filters: Filters) -> float:
    """Return how long to look where the question does not say: who asks for everything wants it looked at."""
    if connection.search_seconds is not None:
        return connection.search_seconds
    is_for_all = filters.since is not None and filters.since.unix_nano is None
    return (connection.seconds or math.inf) if is_for_all else SEARCH_SECONDS


def _start(connection: ReadConnection, before: int | None) -> tuple[int, int]:
    if before is None:
        return (1 << 63) - 1, (1 << 63) - 1
    row = connection.row("SELECT start_time_unix_nano FROM spans WHERE id = ?", [before])
    if row is None:
        raise NotFoundError(f"before: there is no span {before} any more")
    return as_int(row[0]) or 0, before


def has_text(connection: ReadConnection, text: str) -> tuple[str, list[Value]]:
    """Return the condition on ``spans s`` that it has a text, with its parameters: for questions that may take long."""
    named = likes(connection, text)
    return WITH_TEXT.replace(":plain", "?").replace(":json", "?"), [named["plain"], named["json"]]


def likes(connection: ReadConnection, text: str) -> dict[str, Value]:
    """Return the parameters of :data:`HAS_TEXT`, and make the connection know what it asks for."""
    connection.define("parts_say", Wanted(text).is_in)
    return {"plain": _like(text), "json": _like(json.dumps(text, ensure_ascii=False)[1:-1])}


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
