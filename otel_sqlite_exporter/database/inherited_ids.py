"""Ids that spans above report, handed down to rows that are written already."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

INHERITED_COLUMNS: Final = ("conversation_id", "user_id", "agent_name")
"""What is handed down, in the order of ``spans``."""

_FILL: Final = {
    column: f"UPDATE spans SET {column} = :value WHERE trace_id = :trace_id AND {column} IS NULL "
    "AND span_id IN (SELECT value FROM json_each(:span_ids))"
    for column in INHERITED_COLUMNS
}


@dataclass(slots=True)
class InheritedIds:
    """Ids for spans of one trace that have none, because a span above them has ended.

    Args:
        trace_id: The trace.
        heirs: By column and value, the ids of the spans.
    """

    trace_id: str
    heirs: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def apply(self, connection: sqlite3.Connection) -> None:
        """Fill the columns where they are NULL."""
        for (column, value), span_ids in self.heirs.items():
            connection.execute(
                _FILL[column], {"trace_id": self.trace_id, "value": value, "span_ids": json.dumps(span_ids)}
            )
