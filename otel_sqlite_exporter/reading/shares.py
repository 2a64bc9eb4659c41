"""Where the time and the money of one trace went: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.steps import Span, Step
    from otel_sqlite_exporter.reading.tree import TraceTree

Activity: TypeAlias = Literal["model", "tool", "other", "own", "idle"]

ACTIVITIES: Final[tuple[Activity, ...]] = ("model", "tool", "other", "own", "idle")
"""What time can have gone into: model calls, tools, further leaves such as retrievals, the code between them in a
recorded step, and what no step was running in."""

_LEAF_ACTIVITIES: Final[dict[str, Activity]] = {"llm": "model", "embedding": "model", "tool": "tool"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeShare:
    """How much of a trace's time went into one activity.

    Args:
        activity: What.
        milliseconds: How long. At a moment with several activities the first of :data:`ACTIVITIES` counts.
        share: Of the whole trace, 0 to 1.
    """

    activity: Activity
    milliseconds: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CostShare:
    """How much of a trace's cost went to one model of one agent.

    Args:
        model: The model.
        agent_name: The agent.
        calls: How many calls.
        cost_usd: US dollars.
        share: Of the whole trace, 0 to 1.
    """

    model: str | None
    agent_name: str | None
    calls: int
    cost_usd: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSums:
    """What some steps add up to, with what is inside of them; None where nothing is known.

    Args:
        tokens: Their tokens.
        cost_usd: Their cost.
        duration_ms: Their durations, though they may have run at the same time.
    """

    tokens: int | None
    cost_usd: float | None
    duration_ms: float


def sums_of(steps: Sequence[Step]) -> StepSums:
    """Return what some steps add up to."""
    tokens = [step.tokens for step in steps if step.tokens is not None]
    costs = [step.cost_usd for step in steps if step.cost_usd is not None]
    return StepSums(
        tokens=sum(tokens) if tokens else None,
        cost_usd=sum(costs) if costs else None,
        duration_ms=sum(step.span.duration_ms or 0.0 for step in steps),
    )


def time_shares(tree: TraceTree) -> list[TimeShare]:
    """Return what a trace's time went into, in the order of :data:`ACTIVITIES`; what took none is left out."""
    nanoseconds = dict.fromkeys(ACTIVITIES, 0)
    running = dict.fromkeys(ACTIVITIES, 0)
    before = tree.start
    for moment, activity, change in sorted(_edges(tree)):
        current: Activity = next((name for name in ACTIVITIES if running[name]), "idle")
        nanoseconds[current] += moment - before
        running[activity] += change
        before = moment
    whole = sum(nanoseconds.values())
    return [
        TimeShare(activity=name, milliseconds=nanoseconds[name] / 1e6, share=nanoseconds[name] / whole)
        for name in ACTIVITIES
        if nanoseconds[name]
    ]


def _edges(tree: TraceTree) -> Sequence[tuple[int, Activity, int]]:
    found: list[tuple[int, Activity, int]] = []
    for step in tree.steps():
        span = step.span
        if span.end_time_unix_nano <= span.start_time_unix_nano:
            continue
        rest: Activity = "own" if step.children or span.kind == "agent" else "other"
        activity = _LEAF_ACTIVITIES.get(span.kind or "", rest)
        found += [(span.start_time_unix_nano, activity, 1), (span.end_time_unix_nano, activity, -1)]
    return found


def cost_shares(tree: TraceTree) -> list[CostShare]:
    """Return what a trace's cost went to, the dearest first."""
    groups: dict[tuple[str | None, str | None], list[Span]] = {}
    for span in _paid(tree):
        groups.setdefault((span.model, span.agent_name), []).append(span)
    sums = {key: sum(span.cost_usd or 0.0 for span in spans) for key, spans in groups.items()}
    whole = sum(sums.values())
    found = [
        CostShare(
            model=model,
            agent_name=agent,
            calls=len(groups[model, agent]),
            cost_usd=cost,
            share=cost / whole if whole else 0.0,
        )
        for (model, agent), cost in sums.items()
    ]
    return sorted(found, key=lambda share: share.cost_usd, reverse=True)


def running_cost(tree: TraceTree) -> list[tuple[int, float]]:
    """Return what a trace had cost by then: at the end of each call, in Unix nanoseconds, the US dollars so far."""
    found = []
    total = 0.0
    for span in sorted(_paid(tree), key=lambda span: span.end_time_unix_nano):
        total += span.cost_usd or 0.0
        found.append((span.end_time_unix_nano, total))
    return found


def _paid(tree: TraceTree) -> list[Span]:
    return [step.span for step in tree.steps() if step.span.is_call and step.span.cost_usd is not None]
