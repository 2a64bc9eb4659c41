"""Which spans report the same model call: a window of recent reports, kept by the single writer thread."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.calls.report import (
    LAZY_START,
    NO_RANK,
    CallReport,
    Rank,
    SpanKey,
    is_tail,
    joined_with_tail,
    likeness,
)
from otel_sqlite_exporter.calls.report_node import STRUCTURE, TAIL, Node, nested_call, rivals

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST_NESTING: Final = 64
_SPANS_PER_CALL: Final = 8
_CALLS_PER_SPAN: Final = 64
_MAX_MOVES: Final = 64

# A call that a tool or an agent makes inside another call is a call of its own.
_OWN_WORK: Final = frozenset({"tool", "agent"})


@dataclass(frozen=True, slots=True)
class Duplicate:
    """What is now known of span ``outer``: it reports the call that span ``inner`` stands for.

    Args:
        outer: The span whose ``duplicate_of`` is to be set.
        inner: The span that stands for the call, never a duplicate itself; None when ``outer`` stands for itself again.
        is_complete: Whether both report one and the same call, so that ``inner`` may be completed with what only
            ``outer`` knows. False where ``outer`` speaks for several calls.
    """

    outer: SpanKey
    inner: SpanKey | None
    is_complete: bool = True


class RecentCalls:
    """Find the spans that report one model call, in whatever order they arrive.

    Reports are judged in the order of their ends, inner before outer. One that arrives late is put in its place, and
    those that it may concern are judged again.

    Args:
        capacity: How many reports are remembered; the oldest is forgotten first.
    """

    def __init__(self, capacity: int = 1024) -> None:
        self._capacity = capacity
        self._by_key: OrderedDict[SpanKey, Node] = OrderedDict()
        self._layers: dict[str, list[Node]] = {}
        self._parents: OrderedDict[SpanKey, tuple[int | None, bool]] = OrderedDict()
        self._waiting: OrderedDict[SpanKey, list[tuple[Node, bool]]] = OrderedDict()
        self._changed: set[Node] = set()

    def observe_span(self, key: SpanKey, parent_span_id: int | None, kind: str) -> list[Duplicate]:
        """Remember a span that is no model call, because calls may descend from others through it.

        Args:
            key: Trace id and span id.
            parent_span_id: The parent's span id, None for a root.
            kind: The span's kind.
        """
        is_own_work = kind in _OWN_WORK
        self._parents[key] = (parent_span_id, is_own_work)
        if len(self._parents) > self._capacity * _SPANS_PER_CALL:
            self._parents.popitem(last=False)
        for node, through in self._waiting.pop(key, ()):
            ancestor = self._ascend(node, key[0], parent_span_id, is_own_work=through or is_own_work)
            if ancestor is not None:
                self._choose(ancestor)
        return self._news() if self._changed else []

    def observe(self, report: CallReport) -> list[Duplicate]:
        """Remember a call's report and return what it changes, for most reports nothing."""
        if report.key in self._by_key:
            return []
        node = Node(report)
        self._by_key[report.key] = node
        node.inside = self._waiting.pop(report.key, node.inside)
        for inner, _ in node.inside:
            inner.ancestor = node
        ancestor = None
        if report.parent_span_id is not None:
            ancestor = self._ascend(node, report.key[0], report.parent_span_id, is_own_work=False)
        self._judge(self._insert(node))
        if ancestor is not None:
            self._choose(ancestor)
        if len(self._by_key) > self._capacity:
            self._forget(self._by_key.popitem(last=False)[1])
        return self._news() if self._changed else []

    def _insert(self, node: Node) -> list[Node]:
        """Put a node in its place and return it with the later ones that it may concern, in the order of their ends."""
        layer = self._layers.setdefault(node.report.scope_name, [])
        if not layer or layer[-1].order < node.order:
            layer.append(node)
        else:
            insort(layer, node)
        until = node.report.end + LAZY_START
        concerned = [node]
        for nodes in self._layers.values():
            if nodes[-1].order > node.order:
                later = nodes[bisect_right(nodes, node) :]
                concerned += [other for other in later if other.own.start <= until and other.rank != TAIL]
        if len(concerned) > 1:
            concerned.sort()
        return concerned

    def _judge(self, nodes: list[Node]) -> None:
        """Decide anew what these report, in the order of their ends."""
        for node in nodes:
            if node.rank > STRUCTURE:
                self._unlink(node)
        for node in nodes:
            if node.report.start == node.report.end and self._join_tail(node):
                continue
            if node.inside or len(self._layers) > 1:
                self._choose(node)
                self._offer(node)

    def _ascend(self, node: Node, trace_id: int, parent_span_id: int | None, *, is_own_work: bool) -> Node | None:
        """Return the nearest ancestor that is a call, or let the node wait for the next ancestor that is unknown."""
        for _ in range(_DEEPEST_NESTING):
            if parent_span_id is None:
                return None
            key = (trace_id, parent_span_id)
            ancestor = self._by_key.get(key)
            if ancestor is not None:
                node.ancestor = ancestor
                _append(ancestor.inside, (node, is_own_work))
                return ancestor
            if key not in self._parents:
                _append(self._waiting.setdefault(key, []), (node, is_own_work))
                if len(self._waiting) > self._capacity:
                    self._waiting.popitem(last=False)
                return None
            parent_span_id, is_tool = self._parents[key]
            is_own_work = is_own_work or is_tool
        return None

    def _choose(self, node: Node) -> None:
        """Link a node to the call that it is the outer report of, if any."""
        self._unlink(node)
        nested = nested_call(node) if node.inside else None
        if nested is not None:
            inner, is_complete = nested
            displaced = [*rivals(node, inner), *rivals(inner, node)]
            for other in displaced:
                self._unlink(other)
            self._link(node, inner, STRUCTURE, is_complete=is_complete)
            for other in displaced:
                self._choose(other)
        else:
            self._pair(node, set())

    def _offer(self, node: Node) -> None:
        """Let reports that ended before and stand alone choose again: the node may be what they wait for."""
        for other in [n for n in self._near(node) if n < node]:
            if other.inner is None and other is not node.root and likeness(other.report, node.report) is not None:
                self._choose(other)

    def _pair(self, node: Node, seen: set[Node]) -> bool:
        """Link a node to the best fitting call that its layer has not reported yet, and return whether there is one.

        Where all that fit are taken, whoever took one is moved to another if that is possible (an augmenting path), so
        that no report stays alone only because of the order in which they came.
        """
        fits = self._fits(node, seen)
        layers = {member.report.scope_name for member in node.group()}
        taken: list[tuple[Rank, Node, Node]] = []
        for rank, root in fits:
            same_layer = [member for member in root.group() if member.report.scope_name in layers]
            if not same_layer:
                self._link(node, root, rank)
                return True
            rival = same_layer[0]
            if len(same_layer) == 1 and rival.inner is not None and rival.rank > STRUCTURE:
                if rank[:3] < rival.rank[:3]:
                    self._unlink(rival)
                    self._link(node, root, rank)
                    self._pair(rival, set())
                    return True
                taken.append((rank, root, rival))
        for rank, root, rival in taken:
            if root in seen or len(seen) >= _MAX_MOVES:
                continue
            seen.add(root)
            link, fit = rival.inner, rival.rank
            self._unlink(rival)
            if self._pair(rival, seen):
                self._link(node, root, rank)
                return True
            if link is not None:
                self._link(rival, link, fit)
        return False

    def _fits(self, node: Node, seen: set[Node]) -> list[tuple[Rank, Node]]:
        """Return the calls that a node may be the outer report of, best first."""
        fits: list[tuple[Rank, Node]] = []
        apart = [*node.ancestors(), *(inner for inner, is_own_work in node.inside if is_own_work)]
        for other in self._near(node):
            rank = likeness(node.report, other.report)
            if rank is not None and (root := other.root) is not node and root not in seen and other not in apart:
                fits.append((rank, root))
        fits.sort(key=_rank_and_order)
        return fits

    def _join_tail(self, node: Node) -> bool:
        """Link a zero-length report to the request whose stream it concludes, and return whether there is one."""
        requests = [
            other
            for other in self._layers[node.report.scope_name]
            if is_tail(other.report, node.report) and other.root is not node
        ]
        if not requests:
            return False
        request = max(requests, key=lambda n: (n.report.prompt == node.report.prompt, n.order))
        request.report = joined_with_tail(request.report, node.report)
        self._link(node, request, TAIL)
        self._choose(request)
        self._offer(request)
        return True

    def _near(self, node: Node) -> Iterator[Node]:
        """Yield the other layers' reports that ended since this one started, or shortly before that."""
        since = node.report.start - LAZY_START
        for layer, nodes in self._layers.items():
            if layer != node.report.scope_name:
                for other in reversed(nodes):
                    if other.report.end < since:
                        break
                    yield other

    def _link(self, node: Node, inner: Node, rank: Rank, *, is_complete: bool = True) -> None:
        node.inner = inner
        node.rank = rank
        node.is_complete = is_complete
        inner.outers.append(node)
        self._changed.update(node.group())

    def _unlink(self, node: Node) -> None:
        if node.inner is not None:
            node.inner.outers.remove(node)
            node.inner = None
            node.rank = NO_RANK
            self._changed.update(node.group())

    def _forget(self, node: Node) -> None:
        for inner, _ in node.inside:
            inner.ancestor = None
        node.inside.clear()
        layer = self._layers[node.report.scope_name]
        layer.remove(node)
        if not layer:
            del self._layers[node.report.scope_name]

    def _news(self) -> list[Duplicate]:
        """Return what changed since the caller was told last."""
        news = []
        for node in sorted(self._changed):
            root = node.root
            inner = root.report.key if root is not node else None
            if inner != node.told:
                node.told = inner
                news.append(Duplicate(node.report.key, inner, is_complete=node.is_complete))
        self._changed.clear()
        return news


def _append(calls: list[tuple[Node, bool]], call: tuple[Node, bool]) -> None:
    """Add a call to those below one span, and forget the oldest of very many."""
    calls.append(call)
    if len(calls) > 2 * _CALLS_PER_SPAN:
        del calls[:_CALLS_PER_SPAN]


def _rank_and_order(fit: tuple[Rank, Node]) -> tuple[Rank, tuple[int, int, SpanKey]]:
    return fit[0], fit[1].order
