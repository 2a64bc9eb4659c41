"""Complete the row that stands for a call by what another report of it knows, and take that back.

Reports that end later may show that two of them are not about one call after all. What was filled in is therefore
remembered for a while, in a temporary table of the connection.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.schema import SPAN_COLUMNS

if TYPE_CHECKING:
    import sqlite3

FACT_COLUMNS: Final = SPAN_COLUMNS[SPAN_COLUMNS.index("provider") : SPAN_COLUMNS.index("tool_call_id") + 1]
"""What one report may know and another not."""

_DIRECTIONS: Final = ("system", "input", "output")
_REMEMBERED_SPANS: Final = 4096

_MAKE_TABLE: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS completions "
    "(outer_id INT, inner_id INT, columns TEXT, directions TEXT, PRIMARY KEY (outer_id, inner_id))"
)
_FORGET_OLD: Final = f"DELETE FROM temp.completions WHERE inner_id <= (SELECT max(id) FROM spans) - {_REMEMBERED_SPANS}"
_REMEMBER: Final = (
    "INSERT OR IGNORE INTO temp.completions (outer_id, inner_id, columns, directions) VALUES (?, ?, ?, ?)"
)
_FIND: Final = "SELECT columns, directions FROM temp.completions WHERE outer_id = ? AND inner_id = ?"
_FORGET: Final = "DELETE FROM temp.completions WHERE outer_id = ? AND inner_id = ?"
_FIND_OTHERS: Final = "SELECT outer_id FROM temp.completions WHERE inner_id = ? ORDER BY outer_id"
_READ_FACTS: Final = f"SELECT {', '.join(FACT_COLUMNS)} FROM spans WHERE id = ?"
_READ_DIRECTIONS: Final = "SELECT DISTINCT direction FROM span_messages WHERE span_id = ?"
_FILL_FACTS: Final = (
    f"UPDATE spans SET ({', '.join(FACT_COLUMNS)}) = "
    f"(SELECT {', '.join(f'coalesce(spans.{column}, o.{column})' for column in FACT_COLUMNS)} "
    "FROM spans o WHERE o.id = :outer) WHERE id = :inner"
)
_COPY_MISSING_MESSAGES: Final = (
    "INSERT INTO span_messages (span_id, direction, position, message_id, finish_reason) "
    "SELECT :inner, direction, position, message_id, finish_reason FROM span_messages "
    "WHERE span_id = :outer AND direction NOT IN (SELECT direction FROM span_messages WHERE span_id = :inner)"
)
_TAKE_MESSAGES_BACK: Final = (
    "DELETE FROM span_messages WHERE span_id = :inner AND direction IN (SELECT value FROM json_each(:directions)) "
    "AND message_id IN (SELECT message_id FROM span_messages WHERE span_id = :outer)"
)


def complete(connection: sqlite3.Connection, outer: int, inner: int) -> None:
    """Fill what the row of ``inner`` does not know by what ``outer`` knows; both are ids of ``spans``."""
    connection.execute(_MAKE_TABLE)
    connection.execute(_FORGET_OLD)
    facts = connection.execute(_READ_FACTS, (inner,)).fetchone()
    columns = [column for column, fact in zip(FACT_COLUMNS, facts, strict=True) if fact is None]
    present = {direction for (direction,) in connection.execute(_READ_DIRECTIONS, (inner,))}
    directions = [direction for direction in _DIRECTIONS if direction not in present]
    connection.execute(_REMEMBER, (outer, inner, json.dumps(columns), json.dumps(directions)))
    connection.execute(_FILL_FACTS, {"outer": outer, "inner": inner})
    connection.execute(_COPY_MISSING_MESSAGES, {"outer": outer, "inner": inner})


def take_back(connection: sqlite3.Connection, outer: int, inner: int) -> None:
    """Undo :func:`complete`, but for what has changed since, and let the other reports of the call fill the gaps."""
    connection.execute(_MAKE_TABLE)
    found = connection.execute(_FIND, (outer, inner)).fetchone()
    if found is None:
        return
    columns, directions = json.loads(found[0]), found[1]
    if columns:
        connection.execute(
            f"UPDATE spans SET ({', '.join(columns)}) = "
            f"(SELECT {', '.join(f'nullif(spans.{column}, o.{column})' for column in columns)} "
            "FROM spans o WHERE o.id = :outer) WHERE id = :inner",
            {"outer": outer, "inner": inner},
        )
    connection.execute(_TAKE_MESSAGES_BACK, {"outer": outer, "inner": inner, "directions": directions})
    connection.execute(_FORGET, (outer, inner))
    for (other,) in connection.execute(_FIND_OTHERS, (inner,)).fetchall():
        complete(connection, other, inner)
