"""A report's place among the other reports of its call, and what follows from spans that lie inside one another."""

from __future__ import annotations

from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.calls.report import (
    MATCH,
    MISMATCH,
    NO_RANK,
    CallReport,
    Rank,
    SpanKey,
    counts_agreement,
    is_compatible,
    models_agreement,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from otel_sqlite_exporter.calls.report_keys import Key, Questions

STRUCTURE: Final[Rank] = (-1, 0, 0, 0, 0)
"""The rank of a link that follows from descent: no likeness is better."""

TAIL: Final[Rank] = (-2, 0, 0, 0, 0)
"""The rank of a link from a stream's tail to its request, which is never undone."""

PART: Final[Rank] = (-3, 0, 0, 0, 0)
"""The rank of a link from a step of a call to the call, which is never undone."""

MOST_REPORTS: Final = 16
"""How many reports of one call are told apart; a call with more is hardly one."""

_NOBODY: Final[Mapping[Node, None]] = MappingProxyType({})
"""Shared by the many that have no other report: the garbage collector visits what each of thousands has of its own."""

_CALLS_INSIDE: Final = 32
_DEEPEST_NESTING: Final = 16


class Node:
    """A report and its place among the others."""

    __slots__ = (
        "ancestor",
        "inner",
        "inside",
        "is_complete",
        "keys",
        "moves",
        "number",
        "order",
        "outers",
        "own",
        "rank",
        "report",
        "shown_in",
        "told",
    )

    def __init__(self, report: CallReport, number: int) -> None:
        self.own = report
        self.report = report
        """As reported, or joined with the tail of its stream."""
        self.number = number
        """In the order of arrival."""
        self.order = (report.end, -report.start, report.key)
        self.ancestor: Node | None = None
        """The nearest call that this span descends from."""
        self.inside: Sequence[tuple[Node, bool]] = ()
        """The nearest calls that descend from this span, the last ones to arrive, and whether through own work."""
        self.inner: Node | None = None
        self.outers: Mapping[Node, None] = _NOBODY
        """The reports that are linked to this one."""
        self.rank: Rank = NO_RANK
        self.is_complete = True
        self.moves = 0
        """How often its call was taken for another one of those inside."""
        self.told: SpanKey | None = None
        """The inner span that the caller was told last."""
        self.keys: tuple[tuple[Key, ...], Questions] | None = None
        """What it is found by and what it looks under, once that is wanted."""
        self.shown_in: int | None = None
        """The other trace in which the call is shown, as the caller was told last."""

    def __lt__(self, other: Node) -> bool:
        return self.order < other.order

    @property
    def root(self) -> Node:
        """The report that stands for the call."""
        node = self
        while node.inner is not None:
            node = node.inner
        return node

    def ancestors(self) -> list[Node]:
        """Return the calls that this span descends from, nearest first."""
        found: list[Node] = []
        node = self.ancestor
        while node is not None and node not in found and len(found) < _DEEPEST_NESTING:
            found.append(node)
            node = node.ancestor
        return found

    def group(self) -> list[Node]:
        """Return this node and those that report what it reports, few enough to look at."""
        return list(islice(self._reports(), MOST_REPORTS))

    def layers(self) -> set[str]:
        """Return the scopes of the group."""
        if not self.outers:
            return {self.own.scope_name}
        return {member.own.scope_name for member in self.group()}

    def trace_of_outermost(self) -> int | None:
        """Return the trace of the group's outermost report, None where it is this one's."""
        if not self.outers:
            return None
        trace_id = max(self.group()).own.key[0]
        return None if trace_id == self.own.key[0] else trace_id

    def put_inside(self, inner: Node, *, is_own_work: bool) -> None:
        """Remember a call that descends from this one, and forget the oldest of many."""
        inner.ancestor = self
        self.inside = (*self.inside[1 - _CALLS_INSIDE :], (inner, is_own_work))

    def add_outer(self, outer: Node) -> None:
        """Let a report be linked to this one."""
        if isinstance(self.outers, dict):
            self.outers[outer] = None
        else:
            self.outers = {outer: None}

    def remove_outer(self, outer: Node) -> None:
        """Let a report be linked to this one no more."""
        if isinstance(self.outers, dict):
            self.outers.pop(outer, None)

    def _reports(self) -> Iterator[Node]:
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack += node.outers


def nested_call(node: Node) -> tuple[Node, bool] | None:
    """Return the report inside a node of the call that the node reports, and whether it reports that one alone.

    Of several calls inside (retries, or a framework's span around two calls) the one with the same counts is meant.
    Else the node speaks for them all, must not count beside them, and is linked to the last that succeeded.
    """
    report = node.report
    inside = {inner.root: inner for inner, is_own_work in node.inside if _is_nested(report, inner.report, is_own_work)}
    inside.pop(node, None)
    if not inside and len(node.inside) > 1:
        inside = _summed(node)
    if not inside:
        return None
    found = sorted(inside)
    equal = [inner for inner in found if counts_agreement(report, inner.report) == MATCH]
    succeeded = [inner for inner in found if not inner.report.is_failed or report.is_failed]
    best = equal or succeeded or found
    is_alone = len(best) == 1 or bool(equal) or report.is_failed or not any(n.report.has_counts for n in found)
    return inside[best[-1]], is_alone


def _is_nested(outer: CallReport, inner: CallReport, is_own_work: bool) -> bool:  # noqa: FBT001 - a private fact
    if not is_compatible(outer, inner):
        return False
    if outer.scope_name == inner.scope_name:
        # One layer reports a call twice only where a convenience method wraps the method that does the work. Either of
        # the two may know the counts.
        is_wrapper = (
            not (outer.has_counts or outer.response_id)
            or _has_same_counts(outer, inner)
            or not (inner.has_counts or inner.response_id or inner.is_failed)
            or _complete_each_other(outer, inner)
        )
        return is_wrapper and not is_own_work and inner.start < inner.end
    return not is_own_work or counts_agreement(outer, inner) == MATCH


def _summed(node: Node) -> dict[Node, Node]:
    """Return the calls inside a node whose counts are the sum of theirs: it is no call beside them."""
    inside = {inner.root: inner for inner, _ in node.inside if inner.root is not node}
    reports = [inner.report for inner in inside.values()]
    counts = [(report.input_tokens or 0, report.output_tokens or 0) for report in reports if not _is_lost(report)]
    sums = (sum(given for given, _ in counts), sum(made for _, made in counts))
    is_sum = len(counts) > 1 and all(map(all, counts))
    return inside if is_sum and sums == (node.report.input_tokens, node.report.output_tokens) else {}


def _is_lost(report: CallReport) -> bool:
    """Tell a call that failed before anything was counted, as one that was tried again."""
    return report.is_failed and not report.has_counts


def _complete_each_other(outer: CallReport, inner: CallReport) -> bool:
    """Tell two reports of which one knows the counts, and the other one which response it was."""
    return (
        not inner.is_failed
        and models_agreement(outer, inner) != MISMATCH
        and not (outer.has_counts and inner.has_counts)
        and not (outer.response_id and inner.response_id)
    )


def _has_same_counts(outer: CallReport, inner: CallReport) -> bool:
    counts = (outer.input_tokens, outer.output_tokens)
    return all(counts) and counts == (inner.input_tokens, inner.output_tokens)


def rivals(node: Node, other: Node) -> list[Node]:
    """Return what only by likeness reports the call of ``node``, though its layer reports that of ``other``."""
    layers = other.layers()
    return [n for n in node.group() if n.inner is not None and n.rank > STRUCTURE and n.report.scope_name in layers]
