"""Which spans report the same model call: a window of recent reports, kept by the single writer thread."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.calls.candidates import Candidates
from otel_sqlite_exporter.calls.descent import Descent
from otel_sqlite_exporter.calls.report import LAZY_START, MATCH, NO_RANK, CallReport, Rank, SpanKey, is_twin
from otel_sqlite_exporter.calls.report_node import MOST_REPORTS, STRUCTURE, TAIL, Node, nested_call, rivals
from otel_sqlite_exporter.calls.stream_tails import StreamTails

if TYPE_CHECKING:
    from otel_sqlite_exporter.calls.descent import News, Relative

_WITH_TEXTS: Final = 1024
"""How many reports are remembered with their texts."""

_MOST_MOVES: Final = 8
"""How many reports of others may be moved for the sake of one that arrives."""

_MOST_JUDGED: Final = 24
"""How many reports choose again when one arrives late."""

_MOST_CHOICES: Final = 8
"""How often a span around several calls is linked anew because another one ends."""


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

    Every report looks at a few others, however many there are: those that it has the most telling facts in common with
    and that started next to it. In the order of their ends, inner before outer, each takes the best that is free, which
    pairs equal calls completely. One that arrives late moves a few others at most.

    Args:
        descent: Who descends from whom.
        capacity: How many reports are remembered; the oldest is forgotten first.
    """

    def __init__(self, descent: Descent | None = None, capacity: int = 4096) -> None:
        self.descent = Descent() if descent is None else descent
        self._capacity = capacity
        self._by_key: OrderedDict[SpanKey, Node] = OrderedDict()
        self._with_texts: OrderedDict[SpanKey, Node] = OrderedDict()
        self._twins: dict[tuple[str, str], Node] = {}
        self._candidates = Candidates(self._by_key)
        self._tails = StreamTails()
        self._ends: list[tuple[tuple[int, int, SpanKey], Node]] = []
        self._changed: dict[Node, None] = {}
        self._shown: list[tuple[SpanKey, int | None]] = []
        self._moves = 0
        self._count = 0

    def root_key(self, key: SpanKey) -> SpanKey | None:
        """Return which span stands for the call that a span reports, None where it does so itself."""
        node = self._by_key.get(key)
        return None if node is None or node.inner is None else node.root.own.key

    def call_without_counts(self, key: SpanKey) -> SpanKey | None:
        """Return which span stands for the call that a span reports, None where one of its reports has token counts."""
        node = self._by_key.get(key)
        if node is None or any(member.report.has_counts for member in node.root.group()):
            return None
        return node.root.own.key

    def take_shown(self) -> list[tuple[SpanKey, int | None]]:
        """Return what changed since the last time about calls that are reported in several traces.

        Returns:
            Spans that stand for calls, and the trace of the outermost report, None where that is the span's own.
        """
        shown, self._shown = self._shown, []
        return shown

    def observe_span(self, news: News | None) -> list[Duplicate]:
        """Take note of what a span that is no model call means to calls, which may descend from others through it.

        Args:
            news: What :meth:`Descent.add` returned for the span.
        """
        for outer in self._nest(news):
            self._choose(outer)
        return self._news() if self._changed else []

    def observe(
        self, report: CallReport, relative: Relative | None = None, news: News | None = None
    ) -> list[Duplicate]:
        """Remember a call's report and return what it changes, for most reports nothing.

        Args:
            report: The report.
            relative: The span, as :meth:`Descent.add` returned it; added here where it is None.
            news: What that returned as well.
        """
        if report.key in self._by_key:
            return []
        if relative is None:
            relative, news = self.descent.add(report.key, report.parent_span_id, report.kind, is_call=True)
        self._count += 1
        node = Node(report, self._count)
        self._remember(node)
        self._nest(news)
        ancestor = None
        if relative.above is not None:
            above, is_own_work = relative.above
            ancestor = self._by_key.get(above.key)
            if ancestor is not None:
                ancestor.put_inside(node, is_own_work=is_own_work)
        self._moves = _MOST_MOVES
        if ancestor is not None:
            self._choose(ancestor)
        self._place(node)
        if len(self._by_key) > self._capacity:
            self._forget(self._by_key.popitem(last=False)[1])
        return self._news() if self._changed else []

    def _nest(self, news: News | None) -> list[Node]:
        """Put calls inside the calls that they turn out to descend from, and return these."""
        outers: dict[Node, None] = {}
        for below, above, is_own_work in news.calls_below if news is not None else ():
            inner, outer = self._by_key.get(below.key), self._by_key.get(above.key)
            if inner is not None and outer is not None:
                outer.put_inside(inner, is_own_work=is_own_work)
                outers[outer] = None
        return list(outers)

    def _place(self, node: Node) -> None:
        """Find the call that a new report is about, and the reports that wait for it."""
        if node.own.start == node.own.end:
            request = self._tails.request_of(node)
            if request is not None:
                self._join_tail(request, node)
                return
        self._find_twin(node)
        is_concurrent = self._candidates.is_concurrent(node)
        later = self._later(node) if is_concurrent and not node.outers else ()
        if later:
            self._judge_again(node, later)
        else:
            if node.inner is None and (node.inside or is_concurrent):
                self._choose(node)
            if is_concurrent and (node.rank > STRUCTURE or self._candidates.is_late(node)):
                self._offer(node)
            if is_concurrent and node.inner is None and not node.outers:
                self._make_room(node, set())
        tail = self._tails.tail_of(node)
        if tail is not None:
            self._unlink(tail)
            self._join_tail(node, tail)

    def _later(self, node: Node) -> list[Node]:
        """Return the few reports that ended later and that a late one may concern, in the order of their ends."""
        first = bisect_left(self._ends, ((node.own.end + 1,),))
        if not 0 < len(self._ends) - first <= _MOST_JUDGED:
            return []
        until = node.own.end + LAZY_START
        return [other for _, other in self._ends[first:] if other.own.start <= until and other.rank != TAIL]

    def _judge_again(self, node: Node, later: list[Node]) -> None:
        """Have a late report and those that ended after it choose in the order of their ends."""
        nodes = [node, *(other for other in later if other is not node)]
        for other in nodes:
            if other.rank > STRUCTURE:
                self._unlink(other)
        for other in nodes:
            self._choose(other)
            self._offer(other, only_before=True)
        for other in nodes:
            if other.inner is None and not other.outers:
                self._offer(other)
            if other.inner is None and not other.outers:
                self._make_room(other, set())

    def _find_twin(self, node: Node) -> None:
        """Link a report to that of the same layer at the same time with the same response id."""
        response_id = node.own.response_id
        if not response_id:
            return
        key = (node.own.scope_name, response_id)
        twin = self._twins.get(key)
        self._twins[key] = node
        if twin is None:
            return
        root = twin.root
        if root is node or not is_twin(twin.own, node.own):
            return
        if node < root:
            self._link(root, node, STRUCTURE)
        else:
            self._link(node, root, STRUCTURE)

    def _choose(self, node: Node) -> None:
        """Link a node to the call that it is the outer report of, if any."""
        if node.moves >= _MOST_CHOICES:
            return
        nested = nested_call(node) if node.inside else None
        if nested is not None:
            self._enclose(node, *nested)
        elif node.rank > STRUCTURE:  # neither the tail of a stream nor a twin
            self._unlink(node)
            self._pair(node)

    def _enclose(self, node: Node, inner: Node, is_complete: bool) -> None:  # noqa: FBT001 - of nested_call
        """Link a node to a call that descends from it."""
        if node.rank == STRUCTURE and node.inner is not None:
            if node.inner is inner and node.is_complete == is_complete:
                return
            node.moves += 1
        self._unlink(node)
        if len(node.group()) == MOST_REPORTS:  # all of them would have to be linked anew
            if inner.inner is None and node.root is not inner:
                self._link(inner, node.root, STRUCTURE)
            return
        displaced = [*rivals(node, inner), *rivals(inner, node)]
        for other in displaced:
            self._unlink(other)
        if inner.root is not node:
            self._link(node, inner.root, STRUCTURE, is_complete=is_complete)
        for other in displaced:
            self._choose(other)

    def _pair(self, node: Node) -> bool:
        """Link a node to the best fitting call that its layer has not reported yet, and return whether there is one.

        A call that fits much better is taken from the report that has it.
        """
        free = self._candidates.best_free_inner(node)
        if free is None or free[0][:2] > (1, MATCH):
            taken = self._candidates.best_taken_inner(node, NO_RANK if free is None else free[0])
            if taken is not None and self._moves > 0:
                self._moves -= 1
                rank, root, rival = taken
                self._unlink(rival)
                self._link(node, root, rank)
                self._pair(rival)
                return True
        if free is not None:
            self._link(node, free[1], free[0])
            return True
        return False

    def _make_room(self, node: Node, seen: set[Node]) -> bool:
        """Take a call from a report that can have another one, and return whether there is one.

        So no report stays alone only because of the order in which they came.
        """
        for rank, root, rival in self._candidates.taken_inners(node):
            if self._moves <= 0:
                return False
            if root in seen:
                continue
            seen.add(root)
            self._moves -= 1
            other = self._candidates.best_free_inner(rival)
            if other is not None or self._make_room(rival, seen):
                if other is not None:
                    self._unlink(rival)
                    self._link(rival, other[1], other[0])
                self._link(node, root, rank)
                return True
        return False

    def _offer(self, node: Node, *, only_before: bool = False) -> None:
        """Let reports that came before choose again where the node may be what they wait for.

        Args:
            node: What is offered.
            only_before: Offer it to reports that ended before only; the others are going to choose anyway.
        """
        while self._moves > 0:
            found = self._candidates.best_free_outer(node, only_before=only_before)
            if found is None:
                break
            self._moves -= 1
            rank, outer = found
            self._link(outer, node.root, rank)
        if only_before or not self._candidates.is_late(node):
            return
        for rank, outer in self._candidates.outers_that_prefer(node):
            if self._moves <= 0 or outer.inner is None or outer.root is node.root:
                break
            self._moves -= 1
            left = outer.root
            self._unlink(outer)
            self._link(outer, node.root, rank)
            self._offer(left)
        if node.inner is None and not node.outers:
            self._win_outer(node, set())

    def _win_outer(self, node: Node, seen: set[Node]) -> bool:
        """Take an outer report from a call that another one can report as well."""
        for rank, outer in self._candidates.taken_outers(node):
            if self._moves <= 0:
                return False
            left = outer.root
            if left in seen or left is node.root:
                continue
            seen.add(left)
            self._moves -= 1
            other = self._candidates.best_free_outer(left)
            if other is not None or self._win_outer(left, seen):
                self._unlink(outer)
                self._link(outer, node.root, rank)
                if other is not None:
                    self._link(other[1], left.root, other[0])
                return True
        return False

    def _join_tail(self, request: Node, tail: Node) -> None:
        """Link a zero-length report to the request whose stream it concludes."""
        self._tails.join(request, tail)
        self._candidates.file_again(request)
        if request.root is not tail:
            self._link(tail, request.root, TAIL)
        if request.inner is None:
            self._choose(request)
        self._offer(request)

    def _link(self, node: Node, inner: Node, rank: Rank, *, is_complete: bool = True) -> None:
        node.inner = inner
        node.rank = rank
        node.is_complete = is_complete
        inner.outers[node] = None
        self._candidates.note_link(node, 1)
        self._changed.update(dict.fromkeys(node.group()))
        self._changed[inner] = None
        self._candidates.refile(inner.root.group())

    def _unlink(self, node: Node) -> None:
        inner = node.inner
        if inner is not None:
            inner.outers.pop(node, None)
            if node.own.key in self._by_key:
                self._candidates.note_link(node, -1)
            node.inner = None
            node.rank = NO_RANK
            self._changed.update(dict.fromkeys(node.group()))
            self._changed[inner] = None
            self._candidates.refile(node.group())
            self._candidates.refile(inner.root.group())

    def _remember(self, node: Node) -> None:
        key = node.own.key
        self._by_key[key] = node
        self._candidates.note(node)
        self._tails.note(node)
        place = (node.order, node)
        if not self._ends or self._ends[-1][0] < node.order:
            self._ends.append(place)
        else:
            insort(self._ends, place)
        self._with_texts[key] = node
        if len(self._with_texts) > _WITH_TEXTS:
            old = self._with_texts.popitem(last=False)[1]
            old.own.age()
            old.report.age()

    def _forget(self, node: Node) -> None:
        for inner, _ in node.inside:
            inner.ancestor = None
        node.inside.clear()
        del self._ends[bisect_left(self._ends, (node.order,))]
        self._candidates.forget(node)
        self._tails.forget(node)
        self._with_texts.pop(node.own.key, None)
        twin = (node.own.scope_name, node.own.response_id or "")
        if self._twins.get(twin) is node:
            del self._twins[twin]

    def _news(self) -> list[Duplicate]:
        """Return what changed since the caller was told last."""
        news = []
        for node in sorted(self._changed):
            root = node.root
            inner = root.own.key if root is not node else None
            if inner != node.told:
                node.told = inner
                news.append(Duplicate(node.own.key, inner, is_complete=node.is_complete))
        for node in self._changed:
            trace_id = node.trace_of_outermost() if node.inner is None else None
            if trace_id != node.shown_in:
                node.shown_in = trace_id
                self._shown.append((node.own.key, trace_id))
        self._changed.clear()
        return news
