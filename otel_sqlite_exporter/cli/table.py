"""Tables that fit: columns that matter less give way on a narrow terminal, texts take what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from otel_sqlite_exporter.cli import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Cell: TypeAlias = "str | tuple[str, str]"
"""A text, or a text and the style that means something about it."""

_Row = TypeVar("_Row")

_GAP: Final = 2
_PIPED_TEXT: Final = 80


@dataclass(frozen=True, slots=True)
class Column(Generic[_Row]):
    """One column.

    Args:
        title: Its head.
        cell: What it says of a row: one line.
        side: On which side its texts stand.
        keep: How much it matters: on a narrow terminal columns with the smallest number go first; 9 never goes.
        least: Where given, the column takes what is left, at least so many cells.
    """

    title: str
    cell: Callable[[_Row], Cell]
    side: Literal["left", "right"] = "left"
    keep: int = 9
    least: int | None = None


def lines(
    columns: Sequence[Column[_Row]], rows: Sequence[_Row], *, width: int | None = None, has_head: bool = True
) -> list[Text]:
    """Return a table as lines.

    Args:
        columns: The columns.
        rows: The rows.
        width: How many cells a line has; by default the terminal's, or as many as needed in a pipe.
        has_head: Whether the first line has the titles.
    """
    cells = [[_split(column.cell(row)) for column in columns] for row in rows]
    is_piped = width is None and not screen.is_terminal()
    natural = [
        max([cell_len(column.title), *(cell_len(line[index][0]) for line in cells)])
        for index, column in enumerate(columns)
    ]
    # A column in which nothing is said gives its place to others.
    said = [index for index in range(len(columns)) if not cells or any(line[index][0] for line in cells)]
    if is_piped:
        widths = {
            index: min(natural[index], _PIPED_TEXT) if columns[index].least is not None else natural[index]
            for index in said
        }
    else:
        widths = _fit(columns, natural, said, width if width is not None else screen.width())
    found = []
    if has_head:
        found.append(_line(columns, widths, [(column.title, "bold") for column in columns]))
    found += [_line(columns, widths, line) for line in cells]
    return found


def _split(cell: Cell) -> tuple[str, str]:
    return cell if isinstance(cell, tuple) else (cell, "")


def _fit(columns: Sequence[Column[_Row]], natural: Sequence[int], said: Sequence[int], width: int) -> dict[int, int]:
    """Return the widths of the columns that have a place."""
    shown = sorted(said, key=lambda index: (-columns[index].keep, index))
    while True:
        needed = sum(_least(columns[index], natural[index]) for index in shown) + _GAP * (len(shown) - 1)
        if needed <= width or len(shown) == 1 or columns[shown[-1]].keep == _ALWAYS:
            break
        shown.pop()
    widths = {index: _least(columns[index], natural[index]) for index in shown}
    left = width - sum(widths.values()) - _GAP * (len(shown) - 1)
    growing = [index for index in sorted(shown) if widths[index] < natural[index]]
    while left > 0 and growing:
        share = max(left // len(growing), 1)
        for index in list(growing):
            more = min(share, natural[index] - widths[index], left)
            widths[index] += more
            left -= more
            if widths[index] >= natural[index]:
                growing.remove(index)
    return dict(sorted(widths.items()))


_ALWAYS: Final = 9


def _least(column: Column[_Row], natural: int) -> int:
    return natural if column.least is None else min(column.least, natural)


def _line(columns: Sequence[Column[_Row]], widths: dict[int, int], cells: Sequence[tuple[str, str]]) -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    for number, (index, width) in enumerate(widths.items()):
        text, style = cells[index]
        fitted = cut(text, width)
        padding = " " * (width - cell_len(fitted))
        line.append(" " * _GAP if number else "")
        line.append(padding if columns[index].side == "right" else "")
        line.append(fitted, style or None)
        line.append("" if columns[index].side == "right" else padding)
    line.rstrip()
    return line


def cut(text: str, width: int) -> str:
    """Return a line that takes no more than some cells; what is cut ends in an ellipsis."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else "…"[:width]
