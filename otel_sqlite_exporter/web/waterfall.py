"""A trace's tree as rows with bars on one axis of time. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.shares import sums_of
from otel_sqlite_exporter.reading.units import duration

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from otel_sqlite_exporter.reading.shares import StepSums
    from otel_sqlite_exporter.reading.steps import Step
    from otel_sqlite_exporter.reading.tree import TraceTree

FOLD_FROM: Final = 4
"""So many like siblings in a row are folded into one line."""

_FEWEST_PERCENT: Final = 0.35
_TICKS: Final = 5
_STEPS: Final = (1, 2, 5, 10)
MOST_DEPTH: Final = 16
"""Steps that are deeper are not indented further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stretch of the axis, in percent of its length."""

    left: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the tree: a step, or a run of like siblings.

    Args:
        step: The step; of a run the first one.
        depth: How far it is indented.
        bars: Where it lies in time; of a run one for each step.
        run: The steps of a run, None for a single one.
        sums: What the steps of a run add up to.
        is_slowest: Whether no call or tool took longer.
        is_dearest: Whether no call cost more.
    """

    step: Step
    depth: int
    bars: tuple[Bar, ...]
    run: tuple[Step, ...] | None = None
    sums: StepSums | None = None
    is_slowest: bool = False
    is_dearest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """All lines of a trace, and its axis.

    Args:
        rows: In the order of the tree.
        ticks: Where the axis is marked, in percent, and with what.
    """

    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]


def waterfall(tree: TraceTree, opened: Collection[int] = ()) -> Waterfall:
    """Return a trace's lines.

    Args:
        tree: The trace.
        opened: Ids of the first steps of runs that are shown step by step.
    """
    start, end = tree.start, tree.end
    axis = _Axis(start, max(end - start, 1))
    steps = list(tree.steps())
    leaves = [step for step in steps if not step.children and step.span.duration_ms]
    slowest = max(leaves, key=lambda step: step.span.duration_ms or 0, default=None)
    dear = [step for step in steps if step.span.is_call and step.span.cost_usd]
    dearest = max(dear, key=lambda step: step.span.cost_usd or 0, default=None)
    rows: list[Row] = []
    waiting: list[tuple[Step, ...]] = list(reversed(_runs(tree.roots, opened)))
    while waiting:
        run = waiting.pop()
        step = run[0]
        rows.append(
            Row(
                step=step,
                depth=min(step.depth, MOST_DEPTH),
                bars=tuple(axis.bar(one) for one in run),
                run=run if len(run) > 1 else None,
                sums=sums_of(run) if len(run) > 1 else None,
                is_slowest=len(run) == 1 and step is slowest and len(leaves) > 1,
                is_dearest=len(run) == 1 and step is dearest and len(dear) > 1,
            )
        )
        if len(run) == 1:
            waiting += reversed(_runs(step.children, opened))
    return Waterfall(rows=tuple(rows), ticks=tuple(_ticks(axis.length_ms)))


@dataclass(frozen=True, slots=True)
class _Axis:
    start: int
    length: int

    @property
    def length_ms(self) -> float:
        return self.length / 1e6

    def bar(self, step: Step) -> Bar:
        left = (step.span.start_time_unix_nano - self.start) * 100 / self.length
        width = (step.span.end_time_unix_nano - step.span.start_time_unix_nano) * 100 / self.length
        width = min(max(width, _FEWEST_PERCENT), 100)
        return Bar(left=round(min(max(left, 0), 100 - width), 3), width=round(width, 3))


def _likeness(step: Step) -> tuple[object, ...] | None:
    """Return what makes siblings alike; None for what is never folded: what holds others, or has failed."""
    if step.children or step.errors:
        return None
    return (step.span.kind, step.span.label, step.span.duplicate_of is None)


def _runs(steps: Sequence[Step], opened: Collection[int]) -> list[tuple[Step, ...]]:
    found: list[tuple[Step, ...]] = []
    run: list[Step] = []
    for step in steps:
        likeness = _likeness(step)
        if run and likeness is not None and likeness == _likeness(run[-1]):
            run.append(step)
            continue
        found += _folded(run, opened)
        run = [step]
    return found + _folded(run, opened)


def _folded(run: list[Step], opened: Collection[int]) -> list[tuple[Step, ...]]:
    if len(run) >= FOLD_FROM and run[0].span.id not in opened:
        return [tuple(run)]
    return [(step,) for step in run]


def _ticks(length_ms: float) -> list[tuple[float, str]]:
    """Return round times along the axis, without the first and the last."""
    unit = 10 ** len(str(int(length_ms / _TICKS))) / 10 if length_ms >= _TICKS else 1
    step = next((unit * factor for factor in _STEPS if unit * factor * _TICKS >= length_ms), unit * 10)
    found = []
    moment = step
    while moment < length_ms * 0.97:
        found.append((round(moment * 100 / length_ms, 2), duration(moment)))
        moment += step
    return found
