"""Charts as shapes with places, for templates to draw as SVG: pure.

Across, places are percent, so that any width fits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HEIGHT: Final = 180.0
COLUMN_HEIGHT: Final = 110.0
MOST_SERIES: Final = 6
OTHERS: Final = "others"
_MOST_DAYS: Final = 92
_MOST_LINES: Final = 5
_ROUND: Final = (0.2, 0.25, 0.5, 1.0, 2.0, 2.5)
_LEAST_SHOWN: Final = 0.6

_PATTERNS: Final = (
    "",
    '<path d="M0 6L6 0" class="hatch"/>',
    '<circle cx="3" cy="3" r="1.1" class="dot"/>',
    '<path d="M0 3H6" class="hatch"/>',
    '<path d="M3 0V6" class="hatch"/>',
    '<path d="M0 6L6 0M0 0L6 6" class="hatch"/>',
    "",
)


def pattern_defs() -> Markup:
    """Return the fills of the series: each has a pattern of its own, for those who see no colours."""
    return Markup("").join(
        # The texts are this module's own.
        Markup(  # noqa: S704
            f'<pattern id="s{index}" width="6" height="6" patternUnits="userSpaceOnUse">'
            f'<rect width="6" height="6" class="series s{index}"/>{marks}</pattern>'
        )
        for index, marks in enumerate(_PATTERNS)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A piece of a bar: which series, where, and what it says."""

    series: int
    y: float
    height: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BarStack:
    """A bar of several series.

    Args:
        x: Its left side, in percent.
        width: In percent.
        label: What stands below it; empty for nothing.
        key: What it stands for.
        segments: From below.
    """

    x: float
    width: float
    label: str
    key: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedChart:
    """Bars side by side.

    Args:
        bars: From left to right.
        series: The series' names, those with most first.
        lines: Heights of the axis' lines and what they stand for.
    """

    bars: tuple[BarStack, ...]
    series: tuple[str, ...]
    lines: tuple[tuple[float, str], ...]


def stack_days(
    values: Mapping[tuple[str, str], float],
    name_value: Callable[[float], str],
    *,
    first: str | None = None,
    is_whole: bool = False,
) -> StackedChart | None:
    """Return a chart of days, each a stack of series.

    Args:
        values: A number for each day (ISO) and series.
        name_value: Says a number in words.
        first: The first day to show, though nothing was on it.
        is_whole: Whether the numbers are counts, so that the axis has no fractions.

    Returns:
        The chart; None where there is nothing to show.
    """
    values = {key: value for key, value in values.items() if value > 0}
    days = _days(sorted({day for day, _ in values} | ({first} if first else set())))
    if not values or not days:
        return None
    series = _series(values)
    rank = {name: index for index, name in enumerate(series)}
    stacks: dict[str, list[float]] = {day: [0.0] * len(series) for day in days}
    for (day, name), value in values.items():
        if day in stacks:
            stacks[day][rank.get(name, len(series) - 1)] += value
    top, lines = _axis(max(map(sum, stacks.values())), name_value, HEIGHT, is_whole=is_whole)
    slot = 100 / len(days)
    every = -(-len(days) // 12)
    bars = []
    for index, (day, amounts) in enumerate(stacks.items()):
        is_labelled = (len(days) - 1 - index) % every == 0
        bars.append(
            BarStack(
                x=round(index * slot + slot * 0.14, 3),
                width=round(slot * 0.72, 3),
                label=day[5:] if is_labelled else "",
                key=day,
                segments=tuple(_segments(day, amounts, series, top, name_value)),
            )
        )
    return StackedChart(bars=tuple(bars), series=tuple(series), lines=lines)


def _series(values: Mapping[tuple[str, str], float]) -> list[str]:
    sums: dict[str, float] = {}
    for (_, name), value in values.items():
        sums[name] = sums.get(name, 0.0) + value
    ordered = sorted(sums, key=lambda name: (-sums[name], name))
    # The fill of the others serves one more series as well: a single one has a name.
    return [*ordered[:MOST_SERIES], OTHERS] if len(ordered) > MOST_SERIES + 1 else ordered


def _segments(
    day: str, amounts: Sequence[float], series: Sequence[str], top: float, name_value: Callable[[float], str]
) -> list[Segment]:
    found = []
    y = HEIGHT
    for index, amount in enumerate(amounts):
        if not amount:
            continue
        height = max(amount * HEIGHT / top, _LEAST_SHOWN)
        y -= height
        title = f"{day}, {series[index]}: {name_value(amount)}"
        found.append(Segment(series=index, y=round(y, 2), height=round(height, 2), title=title))
    return found


def _days(known: Sequence[str]) -> list[str]:
    """Return all days from the first to the last one, those without a number too; of many the last ones."""
    try:
        first, last = date.fromisoformat(known[0]), date.fromisoformat(known[-1])
    except (IndexError, ValueError):
        return list(known)[-_MOST_DAYS:]
    number = min((last - first).days, _MOST_DAYS - 1)
    return [(last - timedelta(days=back)).isoformat() for back in range(number, -1, -1)]


def _axis(
    highest: float, name_value: Callable[[float], str], height: float, *, is_whole: bool
) -> tuple[float, tuple[tuple[float, str], ...]]:
    """Return the value at the top, and lines at round values."""
    unit = 10.0 ** math.floor(math.log10(highest))
    steps = [unit * factor for factor in _ROUND if not is_whole or (unit * factor).is_integer()]
    step = next(step for step in steps if highest <= step * _MOST_LINES)
    number = math.ceil(highest / step)
    lines = [(round(height - index * height / number, 2), name_value(step * index)) for index in range(1, number + 1)]
    return step * number, tuple(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a histogram; across in percent."""

    x: float
    width: float
    y: float
    height: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Columns side by side that count what lies between the two edges at their foot.

    Args:
        columns: From left to right.
        edges: Where one column ends and the next begins, in percent, and what it stands for.
        lines: Heights of the axis' lines and what they stand for.
    """

    columns: tuple[Column, ...]
    edges: tuple[tuple[float, str], ...]
    lines: tuple[tuple[float, str], ...]


def histogram(
    buckets: Sequence[tuple[float, float, int]],
    name_edge: Callable[[float], str],
    name_value: Callable[[int], str],
) -> Histogram | None:
    """Return columns for counts.

    Args:
        buckets: From where, to where, how many; each begins where the previous one ends.
        name_edge: Says an edge in words.
        name_value: Says a count in words.

    Returns:
        The chart; None where there is nothing to show.
    """
    highest = max((number for _, _, number in buckets), default=0)
    if not highest:
        return None
    top, lines = _axis(highest, lambda value: f"{value:,.0f}", COLUMN_HEIGHT, is_whole=True)
    slot = 100 / len(buckets)
    columns = []
    for index, (start, end, number) in enumerate(buckets):
        height = round(max(number * COLUMN_HEIGHT / top, _LEAST_SHOWN if number else 0.0), 2)
        columns.append(
            Column(
                x=round(index * slot + slot * 0.02, 3),
                width=round(slot * 0.96, 3),
                y=round(COLUMN_HEIGHT - height, 2),
                height=height,
                title=f"{name_edge(start)} to {name_edge(end)}: {name_value(number)}",
            )
        )
    ends = [start for start, _, _ in buckets] + [buckets[-1][1]]
    edges = tuple((round(index * slot, 3), name_edge(end)) for index, end in enumerate(ends))
    return Histogram(columns=tuple(columns), edges=edges, lines=lines)


def staircase(points: Sequence[tuple[float, float]]) -> str:
    """Return the path of a sum that grows in steps, in a box of 1000 by 100.

    Args:
        points: Where it grows, and to how much, both as a share of the whole.
    """
    pieces = ["M0 100"]
    for share, value in points:
        pieces.append(f"H{min(max(share, 0.0), 1.0) * 1000:.1f}V{100 - min(max(value, 0.0), 1.0) * 100:.1f}")
    return " ".join([*pieces, "H1000"])
