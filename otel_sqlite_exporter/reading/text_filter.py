"""Which spans have a text: the filters that no condition on ``spans`` can tell, looked for from the newest on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_int, as_text
from otel_sqlite_exporter.reading.conditions import IS_CALL, of_tool, pattern
from otel_sqlite_exporter.reading.passages import Wanted, excerpt_of
from otel_sqlite_exporter.reading.slices import HAS_TEXT, WITH_TEXT, likes, slices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters
    from otel_sqlite_exporter.reading.rows.hits import Excerpt

_ALL: Final = 1 << 40

_IDS: Final = """
SELECT s.id FROM part CROSS JOIN spans s ON s.id = part.id WHERE {conditions}
ORDER BY part.start_time_unix_nano DESC, part.id DESC"""


def ids_with_text(
    connection: ReadConnection, filters: Filters, *, limit: int, before: int | None
) -> tuple[list[Value], str | None]:
    """Return the newest calls with a text, and the note to show where the search did not come to the end."""
    return _ids_with_text(connection, filters, IS_CALL, limit, before)


def span_ids_with_text(connection: ReadConnection, filters: Filters) -> tuple[list[Value], str | None]:
    """Return spans of any kind with a text, as :func:`ids_with_text` does: as many as the search comes to."""
    return _ids_with_text(connection, filters, "1", _ALL, None)


def _ids_with_text(
    connection: ReadConnection, filters: Filters, base: str, limit: int, before: int | None
) -> tuple[list[Value], str | None]:
    conditions = []
    named: dict[str, Value] = {}
    if filters.text is not None:
        conditions.append(WITH_TEXT)
        named |= likes(connection, filters.text)
    if filters.tool is not None:
        # In the slice itself it would look at all spans until the slice is full.
        operator, named["tool"] = pattern(filters.tool)
        conditions.append(of_tool(operator, ":tool"))
    sql = _IDS.format(conditions=" AND ".join(conditions))
    ids: list[Value] = []
    note: str | None = None
    for rows, reached in slices(connection, replace(filters, tool=None), sql, named, base=base, before=before):
        note = reached
        ids += [row[0] for row in rows]
        if len(ids) >= limit:
            note = None
            break
    return ids[:limit], note


_PLACES: Final = f"""
SELECT sm.direction, m.role, m.text, m.parts
FROM span_messages sm CROSS JOIN messages m ON m.id = sm.message_id WHERE sm.span_id = :span_id AND {HAS_TEXT}
ORDER BY sm.direction <> 'output', sm.direction <> 'input', m.role = 'tool_definitions', sm.position DESC LIMIT 1"""


def excerpts(connection: ReadConnection, ids: Iterable[Value], text: str) -> dict[Value, Excerpt]:
    """Return where spans have a text: in the answer, else in the newest message. What has it nowhere is left out.

    Args:
        connection: The file.
        ids: ``spans.id``.
        text: What is looked for.
    """
    wanted = Wanted(text)
    named = likes(connection, text)
    found: dict[Value, Excerpt] = {}
    for span_id in ids:
        row = connection.row(_PLACES, named | {"span_id": span_id})
        excerpt = row and excerpt_of(wanted, as_text(row[0]) or "", as_text(row[1]), as_text(row[2]), row[3])
        if excerpt:
            found[span_id] = excerpt
    return found


def only_with_text(
    connection: ReadConnection, filters: Filters, note: str | None, *, base: str = IS_CALL
) -> tuple[list[str], str | None]:
    """Return the condition on ``spans s`` that it has the text that is wanted, none where none is wanted.

    Args:
        connection: The file.
        filters: What is wanted.
        note: What to show with the answer so far.
        base: What the spans are, as of ``where``.

    Returns:
        No condition or one, and the note to show: where the search did not come to the end, how far it came.
    """
    if filters.text is None:
        return [], note
    ids, reached = _ids_with_text(connection, filters, base, _ALL, None)
    return [f"s.id IN ({', '.join(str(as_int(number)) for number in ids)})"], reached
