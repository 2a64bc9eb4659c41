"""Complete the row that stands for a call by what another report of it knows, and take that back.

Reports that end later may show that two of them are not about one call after all. What was filled in is therefore
remembered for a while.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from otel_sqlite_exporter.database.essentials import MESSAGE_DIRECTIONS
from otel_sqlite_exporter.database.rows import DIRECTION
from otel_sqlite_exporter.database.schema import SPAN_COLUMNS

if TYPE_CHECKING:
    import sqlite3

    from otel_sqlite_exporter.database.rows import RowKey, SpanRecord

FACT_COLUMNS: Final = SPAN_COLUMNS[SPAN_COLUMNS.index("provider") : SPAN_COLUMNS.index("tool_call_id") + 1]
"""What one report may know and another not."""

_REMEMBERED: Final = 4096

_READ_FACTS: Final = f"SELECT id, {', '.join(FACT_COLUMNS)} FROM spans WHERE id IN (?, ?)"
_READ_DIRECTIONS: Final = "SELECT DISTINCT span_id, direction FROM span_messages WHERE span_id IN (?, ?)"
_COPY_MESSAGES: Final = (
    "INSERT INTO span_messages (span_id, direction, position, message_id, finish_reason) "
    "SELECT :inner, direction, position, message_id, finish_reason FROM span_messages "
    "WHERE span_id = :outer AND direction IN (SELECT value FROM json_each(:directions))"
)
_TAKE_MESSAGES_BACK: Final = (
    "DELETE FROM span_messages WHERE span_id = :inner AND direction IN (SELECT value FROM json_each(:directions)) "
    "AND message_id IN (SELECT message_id FROM span_messages WHERE span_id = :outer)"
)


class Row(NamedTuple):
    """A row of ``spans`` that is in the file."""

    key: RowKey
    id: int


class Gaps(NamedTuple):
    """What a row did not know before another one completed it.

    Args:
        columns: Names of columns.
        directions: Directions in which it had no messages.
    """

    columns: tuple[str, ...]
    directions: tuple[str, ...]


class Completions:
    """Which rows were completed by which others, and what they did not know before."""

    def __init__(self) -> None:
        self._gaps: OrderedDict[RowKey, dict[RowKey, Gaps]] = OrderedDict()

    def complete_record(self, outer: SpanRecord, inner: SpanRecord) -> None:
        """Fill what a record that is not written yet does not know by what another one knows."""
        present = {link[DIRECTION] for link in inner.messages}
        columns = tuple([column for column, fact in zip(FACT_COLUMNS, inner.facts, strict=True) if fact is None])
        directions = tuple([direction for direction in MESSAGE_DIRECTIONS if direction not in present])
        if columns:
            inner.facts = tuple([o if i is None else i for i, o in zip(inner.facts, outer.facts, strict=True)])
        if directions:
            inner.messages = [*inner.messages, *(link for link in outer.messages if link[DIRECTION] in directions)]
        self._remember(outer.key, inner.key, Gaps(columns, directions))

    def take_back_record(self, outer: SpanRecord, inner: SpanRecord) -> None:
        """Undo the completion of a record that is not written yet."""
        gaps = self._gaps.get(inner.key, {}).pop(outer.key, None)
        if gaps is not None:
            inner.facts = tuple(
                [
                    None if column in gaps.columns and mine == other else mine
                    for column, mine, other in zip(FACT_COLUMNS, inner.facts, outer.facts, strict=True)
                ]
            )
            copied = [link for link in outer.messages if link[DIRECTION] in gaps.directions]
            inner.messages = [link for link in inner.messages if link not in copied]

    def complete(self, connection: sqlite3.Connection, outer: Row, inner: Row) -> None:
        """Fill what the row of ``inner`` does not know by what that of ``outer`` knows."""
        both = (outer.id, inner.id)
        facts = {row_id: facts for row_id, *facts in connection.execute(_READ_FACTS, both)}
        present = connection.execute(_READ_DIRECTIONS, both).fetchall()
        columns = tuple([column for column, fact in zip(FACT_COLUMNS, facts[inner.id], strict=True) if fact is None])
        directions = tuple([direction for direction in MESSAGE_DIRECTIONS if (inner.id, direction) not in present])
        self._remember(outer.key, inner.key, Gaps(columns, directions))
        news = {
            column: fact
            for column, fact in zip(FACT_COLUMNS, facts[outer.id], strict=True)
            if fact is not None and column in columns
        }
        if news:
            changes = ", ".join(f"{column} = ?" for column in news)
            connection.execute(f"UPDATE spans SET {changes} WHERE id = ?", (*news.values(), inner.id))
        if any((outer.id, direction) in present for direction in directions):
            values = {"outer": outer.id, "inner": inner.id, "directions": json.dumps(directions)}
            connection.execute(_COPY_MESSAGES, values)

    def take_back(self, connection: sqlite3.Connection, outer: Row, inner: Row) -> None:
        """Undo a completion, but for what has changed since, and let the call's other reports fill the gaps."""
        others = self._gaps.get(inner.key, {})
        gaps = others.pop(outer.key, None)
        if gaps is None:
            return
        if gaps.columns:
            connection.execute(
                f"UPDATE spans SET ({', '.join(gaps.columns)}) = "
                f"(SELECT {', '.join(f'nullif(spans.{column}, o.{column})' for column in gaps.columns)} "
                "FROM spans o WHERE o.id = :outer) WHERE id = :inner",
                {"outer": outer.id, "inner": inner.id},
            )
        if gaps.directions:
            values = {"outer": outer.id, "inner": inner.id, "directions": json.dumps(gaps.directions)}
            connection.execute(_TAKE_MESSAGES_BACK, values)
        for key in list(others):
            other = row_of(connection, key)
            if other is not None:
                self.complete(connection, other, inner)

    def _remember(self, outer: RowKey, inner: RowKey, gaps: Gaps) -> None:
        self._gaps.setdefault(inner, {}).setdefault(outer, gaps)
        if len(self._gaps) > _REMEMBERED:
            self._gaps.popitem(last=False)


def row_of(connection: sqlite3.Connection, key: RowKey) -> Row | None:
    """Return a span's row, None where it has none."""
    found = connection.execute("SELECT id FROM spans WHERE trace_id = ? AND span_id = ?", key).fetchone()
    return None if found is None else Row(key, int(found[0]))
