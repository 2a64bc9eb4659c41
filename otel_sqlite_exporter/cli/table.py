"""Tables that fit: columns that matter less give way on a narrow terminal, texts take what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from otel_sqlite_exporter.cli import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with a piece that stands out, and stays to be seen where there is no room for all of it."""

    before: str
    found: str
    after: str


Cell: TypeAlias = "str | tuple[str, str] | Marked | Text"
"""A text, a text and the style that means something about it, one with a mark, or one with a style for each piece."""

_Row = TypeVar("_Row")

_GAP: Final = 2
_PIPED_TEXT: Final = 80
_SHORTEST_TEXT: Final = 8
_MARK: Final = "bold yellow"


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
    cells = [[shown_as(column.cell(row)) for column in columns] for row in rows]
    is_piped = width is None and not screen.is_terminal()
    natural = [
        max([cell_len(column.title), *(line[index].cell_len for line in cells)]) for index, column in enumerate(columns)
    ]
    # A column in which nothing is said gives its place to others.
    said = [index for index in range(len(columns)) if not cells or any(line[index] for line in cells)]
    if is_piped:
        widths = {
            index: min(natural[index], _PIPED_TEXT) if columns[index].least is not None else natural[index]
            for index in said
        }
    else:
        widths = _fit(columns, natural, said, width if width is not None else screen.width())
    found = []
    if has_head:
        found.append(_line(columns, widths, [Text(column.title, "bold") for column in columns]))
    found += [_line(columns, widths, line) for line in cells]
    return found


def shown_as(cell: Cell) -> Text:
    """Return a cell as it is shown."""
    if isinstance(cell, Marked):
        # Where nothing can stand out by its style, it does by signs.
        opened, closed = ("", "") if screen.console().color_system else ("»", "«")
        return Text.assemble(cell.before, (f"{opened}{cell.found}{closed}", _MARK), cell.after)
    return cell.copy() if isinstance(cell, Text) else Text(*cell) if isinstance(cell, tuple) else Text(cell)


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
    # Where not even what always stays has room, texts are cut shorter: a row that is broken is read by nobody.
    for index in sorted(shown, key=lambda index: -widths[index]):
        if left < 0 and columns[index].least is not None:
            less = min(-left, max(widths[index] - _SHORTEST_TEXT, 0))
            widths[index] -= less
            left += less
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


def _line(columns: Sequence[Column[_Row]], widths: dict[int, int], cells: Sequence[Text]) -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    for number, (index, width) in enumerate(widths.items()):
        fitted = _fitted(cells[index], width)
        padding = " " * (width - fitted.cell_len)
        line.append(" " * _GAP if number else "")
        line.append(padding if columns[index].side == "right" else "")
        line.append_text(fitted)
        line.append("" if columns[index].side == "right" else padding)
    line.rstrip()
    return line


def _fitted(cell: Text, width: int) -> Text:
    """Return a cell that takes no more than some cells: cut at its end, and before a mark that would not be seen."""
    if cell.cell_len <= width:
        return cell
    mark = next((span for span in cell.spans if span.style == _MARK), None)
    if mark is None:
        kept = cell[: len(cut(cell.plain, width)) - 1]
        return kept.append("…")
    before, found, after = cell.plain[: mark.start], cell.plain[mark.start : mark.end], cell.plain[mark.end :]
    room = width - cell_len(found)
    left = min(cell_len(before), max(room - cell_len(after), room // 3, 0))
    begun = _cut_before(before, left)
    marked = cut(found, width - cell_len(begun))
    return Text.assemble(begun, (marked, _MARK), cut(after, width - cell_len(begun) - cell_len(marked)))


def _cut_before(text: str, width: int) -> str:
    """Return the end of a line that takes no more than some cells."""
    return cut(text[::-1], width)[::-1]


def cut(text: str, width: int) -> str:
    """Return a line that takes no more than some cells; what is cut ends in an ellipsis."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else "…"[:width]
