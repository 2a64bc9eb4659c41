"""A report's place among the other reports of its call, and what follows from spans that lie inside one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.calls.report import (
    MATCH,
    NO_RANK,
    CallReport,
    Rank,
    SpanKey,
    counts_agreement,
    is_compatible,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

STRUCTURE: Final[Rank] = (-1, 0, 0, 0, 0)
"""The rank of a link that follows from descent: no likeness is better."""

TAIL: Final[Rank] = (-2, 0, 0, 0, 0)
"""The rank of a link from a stream's tail to its request, which is never undone."""


class Node:
    """A report and its place among the others."""

    __slots__ = ("ancestor", "inner", "inside", "is_complete", "order", "outers", "own", "rank", "report", "told")

    def __init__(self, report: CallReport) -> None:
        self.own = report
        self.report = report
        """As reported, or joined with the tail of its stream."""
        self.order = (report.end, -report.start, report.key)
        self.ancestor: Node | None = None
        """The nearest call that this span descends from."""
        self.inside: list[tuple[Node, bool]] = []
        """The nearest calls that descend from this span, and whether through a tool or an agent."""
        self.inner: Node | None = None
        self.outers: list[Node] = []
        self.rank: Rank = NO_RANK
        self.is_complete = True
        self.told: SpanKey | None = None
        """The inner span that the caller was told last."""

    def __lt__(self, other: Node) -> bool:
        return self.order < other.order

    @property
    def root(self) -> Node:
        """The report that stands for the call."""
        node = self
        while node.inner is not None:
            node = node.inner
        return node

    def ancestors(self) -> Iterator[Node]:
        """Yield the calls that this span descends from, nearest first."""
        seen: list[Node] = []
        node = self.ancestor
        while node is not None and node not in seen:
            yield node
            seen.append(node)
            node = node.ancestor

    def group(self) -> Iterator[Node]:
        """Yield this node and all that report what it reports."""
        yield self
        for outer in self.outers:
            yield from outer.group()


def nested_call(node: Node) -> tuple[Node, bool] | None:
    """Return the call that a node is an ancestor's report of, and whether it reports that one alone.

    Of several calls inside (retries, or a framework's span around two calls) the one with the same counts is meant.
    Else the node speaks for them all, must not count beside them, and is linked to the last that succeeded.
    """
    report = node.report
    found = sorted({inner.root for inner, is_own_work in node.inside if _is_nested(report, inner.report, is_own_work)})
    found = [inner for inner in found if inner is not node]
    if not found:
        return None
    equal = [inner for inner in found if counts_agreement(report, inner.report) == MATCH]
    succeeded = [inner for inner in found if not inner.report.is_failed or report.is_failed]
    best = equal or succeeded or found
    is_alone = len(best) == 1 or bool(equal) or report.is_failed or not any(n.report.has_counts for n in found)
    return best[-1], is_alone


def _is_nested(outer: CallReport, inner: CallReport, is_own_work: bool) -> bool:  # noqa: FBT001 - a private fact
    if not is_compatible(outer, inner):
        return False
    if outer.scope_name == inner.scope_name:
        # One layer reports a call twice only where a convenience method wraps the method that does the work.
        is_wrapper = not (outer.has_counts or outer.response_id) or _has_same_counts(outer, inner)
        return is_wrapper and not is_own_work and inner.start < inner.end
    return not is_own_work or counts_agreement(outer, inner) == MATCH


def _has_same_counts(outer: CallReport, inner: CallReport) -> bool:
    counts = (outer.input_tokens, outer.output_tokens)
    return all(counts) and counts == (inner.input_tokens, inner.output_tokens)


def rivals(node: Node, other: Node) -> list[Node]:
    """Return what only by likeness reports the call of ``node``, though its layer reports that of ``other``."""
    layers = {member.report.scope_name for member in other.group()}
    return [n for n in node.group() if n.inner is not None and n.rank > STRUCTURE and n.report.scope_name in layers]
