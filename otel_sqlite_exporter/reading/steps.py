"""The steps of a trace and the tree that they make: pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import Json, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

_CALLS: Final = frozenset({"llm", "embedding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One step of a trace, as it was recorded. Times are Unix nanoseconds, the duration is milliseconds."""

    id: int
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: str | None = None
    operation: str | None = None
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    duration_ms: float | None = None
    status: str | None = None
    error_type: str | None = None
    status_message: str | None = None
    provider: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cost_usd: float | None = None
    agent_name: str | None = None
    tool_name: str | None = None
    duplicate_of: int | None = None

    @property
    def is_call(self) -> bool:
        """Whether the step is a call that counts."""
        return self.kind in _CALLS and self.duplicate_of is None

    @property
    def label(self) -> str:
        """What the step is, in two words."""
        if self.kind in _CALLS:
            return self.model or self.name or ""
        if self.kind == "tool":
            return self.tool_name or self.name or ""
        if self.kind == "agent":
            return self.agent_name or self.name or ""
        return self.name or ""


@dataclass(slots=True, kw_only=True)
class Step:
    """A step in the tree, with the sums of itself and everything inside of it.

    Args:
        span: The step.
        depth: How deep it is, from 0.
        children: The steps inside of it, in order of their start.
        calls: How many calls.
        tokens: Their tokens, None where none are known.
        cost_usd: Their cost, None where none is known.
        errors: How many steps failed.
    """

    span: Span
    depth: int = 0
    children: list[Step] = field(default_factory=list)
    calls: int = 0
    tokens: int | None = None
    cost_usd: float | None = None
    errors: int = 0

    def dict(self) -> dict[str, Json]:
        """Return the step and those inside of it as JSON can hold them."""
        row = plain(self.span)
        sums: dict[str, Json] = {
            "sum_calls": self.calls,
            "sum_tokens": self.tokens,
            "sum_cost_usd": self.cost_usd,
            "sum_errors": self.errors,
        }
        return {**(row if isinstance(row, dict) else {}), **sums}


def grow(spans: Sequence[Span]) -> list[Step]:
    """Return the roots of a tree of spans, which may lack parents or go in circles: what nothing holds is a root.

    Args:
        spans: The spans, in order of their start.
    """
    steps = {span.id: Step(span=span) for span in spans}
    ids = {(span.trace_id, span.span_id): span.id for span in spans}
    reports = {span.duplicate_of: span.id for span in spans if span.duplicate_of is not None}
    inner: dict[int | None, list[int]] = {}
    for span in spans:
        # A call of another trace that is shown in this one is inside of this trace's report of it.
        parent = ids.get((span.trace_id, span.parent_span_id), reports.get(span.id))
        inner.setdefault(parent, []).append(span.id)
    placed: set[int] = set()
    roots = [_place(steps, inner, placed, span_id) for span_id in inner.get(None, [])]
    # What no root leads to goes in circles: the earliest of each circle is its root.
    circles = (span.id for span in spans if span.id not in placed)
    roots += [_place(steps, inner, placed, span_id) for span_id in circles]
    roots.sort(key=lambda step: (step.span.start_time_unix_nano, step.span.id))
    _sum(roots)
    return roots


def _place(steps: dict[int, Step], inner: dict[int | None, list[int]], placed: set[int], span_id: int) -> Step:
    """Give a root the steps inside of it, each once; return it."""
    placed.add(span_id)
    waiting = [span_id]
    for outer in waiting:
        new = [child for child in inner.get(outer, []) if child not in placed]
        placed.update(new)
        steps[outer].children = [steps[child] for child in new]
        waiting += new
    return steps[span_id]


def _sum(roots: list[Step]) -> None:
    """Add up every step's own and inner numbers, from the leaves to the roots; a tree may be deeper than the stack."""
    order = list(roots)
    for step in order:
        for child in step.children:
            child.depth = step.depth + 1
        order += step.children
    for step in reversed(order):
        span = step.span
        step.calls += span.is_call
        step.errors += span.status == "error" and span.duplicate_of is None
        tokens = [span.total_tokens if span.is_call else None, *(child.tokens for child in step.children)]
        costs = [span.cost_usd if span.is_call else None, *(child.cost_usd for child in step.children)]
        step.calls += sum(child.calls for child in step.children)
        step.errors += sum(child.errors for child in step.children)
        step.tokens = sum(filter(None, tokens)) if any(number is not None for number in tokens) else None
        step.cost_usd = sum(filter(None, costs)) if any(number is not None for number in costs) else None
