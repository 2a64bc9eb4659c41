"""Rows as aligned text, for a prompt of Python: the first ones, and the columns that one looks at first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.units import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_sqlite_exporter.reading.building import Plain

ROWS_SHOWN: Final = 10
"""How many rows are worth a look."""

_WIDEST: Final = 40

SHOWN_COLUMNS: Final = {
    "Call": (
        "id",
        "start_time",
        "model",
        "agent_name",
        "user_id",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "duration_ms",
        "error_type",
        "excerpt",
        "input_text",
        "output_text",
        "tool_calls",
    ),
    "Trace": (
        "trace_id",
        "start_time",
        "name",
        "llm_calls",
        "spans",
        "total_tokens",
        "cost_usd",
        "duration_ms",
        "errors",
        "conversation_id",
        "user_id",
    ),
    "Failure": (
        "id",
        "start_time",
        "kind",
        "name",
        "tool_name",
        "agent_name",
        "model",
        "error_type",
        "message",
        "trace_id",
    ),
    "ToolCall": (
        "id",
        "start_time",
        "tool_name",
        "arguments",
        "result",
        "duration_ms",
        "error_type",
        "agent_name",
        "call_id",
    ),
    "Hit": (
        "id",
        "start_time",
        "kind",
        "model",
        "agent_name",
        "direction",
        "role",
        "before",
        "found",
        "after",
    ),
    "Conversation": (
        "conversation_id",
        "user_id",
        "end_time",
        "llm_calls",
        "traces",
        "total_tokens",
        "cost_usd",
        "errors",
    ),
}
"""The columns that a table of these rows shows; all of them are in ``.df()`` and ``.json()``."""


def shown_columns(kind: str, columns: Sequence[str]) -> list[str]:
    """Return those columns of an answer that one looks at first.

    Args:
        kind: The name of the rows' dataclass.
        columns: What there is.
    """
    return [name for name in SHOWN_COLUMNS.get(kind, columns) if name in columns]


def text_table(head: str, columns: Sequence[str], rows: Sequence[Mapping[str, Plain]]) -> str:
    """Return a line about the answer, and its rows below it.

    Args:
        head: The line.
        columns: Which columns, in order.
        rows: The first rows.
    """
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    used = [place for place in range(len(columns)) if any(line[place] for line in cells)]
    lines = [[columns[place] for place in used], *([line[place] for place in used] for line in cells)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines] if rows and used else []
    return "\n".join([head, *shown])


def _cell(value: Plain) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else one_line(str(value), _WIDEST)
