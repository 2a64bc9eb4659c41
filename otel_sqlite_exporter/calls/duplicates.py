"""Which spans report the same model call: a window of recent reports, kept by the single writer thread."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from otel_sqlite_exporter.calls.candidates import Candidates
from otel_sqlite_exporter.calls.descent import Descent
from otel_sqlite_exporter.calls.end_order import EndOrder
from otel_sqlite_exporter.calls.kept_texts import KeptTexts
from otel_sqlite_exporter.calls.report import MATCH, NO_RANK, CallReport, Rank, SpanKey, is_part, is_twin
from otel_sqlite_exporter.calls.report_node import MOST_REPORTS, PART, STRUCTURE, TAIL, Node, nested_call, rivals
from otel_sqlite_exporter.calls.stream_tails import StreamTails

if TYPE_CHECKING:
    from otel_sqlite_exporter.calls.descent import News, Relative

_MOST_MOVES: Final = 8
"""How many reports of others may be moved for the sake of one that arrives."""

_MOST_AGAIN: Final = 32
"""How many reports may choose again at any time; more only once four times as many have arrived."""

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


class _Move(NamedTuple):
    """For the sake of report ``mover``, ``rival`` lost the call ``root`` that it was linked to with ``rank``."""

    mover: Node
    rival: Node
    root: Node
    rank: Rank


class RecentCalls:
    """Find the spans that report one model call, in whatever order they arrive.

    Every report looks at a few others, however many there are: those that it has the most telling facts in common with
    and that started next to it. In the order of their ends, inner before outer, each takes the best that is free, which
    pairs equal calls completely. One that arrives late, when others that ended after it have chosen, waits for
    :meth:`settle`: all of them choose again then, as though they had come in order.

    Args:
        descent: Who descends from whom.
        capacity: How many reports are remembered; the oldest is forgotten first.
    """

    def __init__(self, descent: Descent | None = None, capacity: int = 4096) -> None:
        self.descent = Descent() if descent is None else descent
        self._capacity = capacity
        self._by_key: OrderedDict[SpanKey, Node] = OrderedDict()
        self._texts = KeptTexts()
        self._twins: dict[tuple[str, str], Node] = {}
        self._candidates = Candidates(self._by_key)
        self._tails = StreamTails()
        self._ends = EndOrder()
        self._late: dict[Node, None] = {}
        """Reports that have not chosen yet."""
        self._changed: dict[Node, None] = {}
        self._shown: list[tuple[SpanKey, int | None]] = []
        self._moves = 0
        self._mover: Node | None = None
        """The report for whose sake others are moved."""
        self._taken: deque[_Move] = deque(maxlen=capacity)
        self._count = 0
        self._settled_count = 0
        """How many reports there were when the late ones were looked at last."""

    def root_key(self, key: SpanKey) -> SpanKey | None:
        """Return which span stands for the call that a span reports, None where it does so itself."""
        node = self._by_key.get(key)
        return None if node is None or node.inner is None else node.root.own.key

    def reports_of(self, key: SpanKey) -> tuple[SpanKey, list[CallReport]] | None:
        """Return which span stands for the call that a span reports, and all reports of that call.

        Args:
            key: The span.
        """
        node = self._by_key.get(key)
        if node is None:
            return None
        return node.root.own.key, [member.report for member in node.root.group()]

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
            if ancestor is not None and not self._is_part(node, ancestor, is_own_work=is_own_work):
                ancestor.put_inside(node, is_own_work=is_own_work)
        self._moves = _MOST_MOVES
        self._mover = node
        if ancestor is not None:
            self._choose(ancestor)
        self._place(node)
        if len(self._by_key) > self._capacity:
            oldest = next(iter(self._by_key.values()))
            if oldest in self._late:
                self._choose_again()
            self._forget(oldest)
        return self._news() if self._changed else []

    def settle(self, *, is_last: bool = False) -> list[Duplicate]:
        """Have late reports find their calls, and return what that changes.

        Args:
            is_last: Whether there is time, or no other time. Else late ones that concern many others wait: what they
                are part of may be on its way.
        """
        if self._late:
            behind = self._ends.count_since_first_of(self._late)
            arrived = self._count - self._settled_count
            if is_last or behind <= _MOST_AGAIN + arrived // 4:
                self._choose_again()
        return self._news() if self._changed else []

    def _choose_again(self) -> None:
        """Have the late reports, and all that ended after them, choose in the order of their ends."""
        behind = self._ends.since_first_of(self._late)
        again = dict.fromkeys(node for node in behind if not self._candidates.is_settled(node))
        self._late.clear()
        self._settled_count = self._count
        for node in again:
            for linked in (node, *list(node.outers)):
                if linked.rank > STRUCTURE:
                    self._unlink(linked)
        self._undo_moves(behind[0])
        self._candidates.take_back(again, since=behind[0].own.end)
        for node in behind:
            self._candidates.put_back(node)
            if node in again:
                self._find_call(node)

    def _undo_moves(self, first: Node) -> None:
        """Give reports that ended before one the calls that others took from them which ended after it."""
        kept = []
        for move in reversed(self._taken):
            mover, rival, root, rank = move
            if mover < first:
                kept.append(move)
            elif rival < first and rival.rank > STRUCTURE and self._are_known(rival, root):
                self._unlink(rival)
                if root.inner is None and rival.layers().isdisjoint(root.layers()):
                    self._link(rival, root, rank)
        self._taken = deque(reversed(kept), maxlen=self._capacity)

    def _are_known(self, *nodes: Node) -> bool:
        return all(node.own.key in self._by_key for node in nodes)

    def _nest(self, news: News | None) -> list[Node]:
        """Put calls inside the calls that they turn out to descend from, and return these."""
        outers: dict[Node, None] = {}
        for below, above, is_own_work in news.calls_below if news is not None else ():
            inner, outer = self._by_key.get(below.key), self._by_key.get(above.key)
            if inner is not None and outer is not None and not self._is_part(inner, outer, is_own_work=is_own_work):
                outer.put_inside(inner, is_own_work=is_own_work)
                outers[outer] = None
        return list(outers)

    def _is_part(self, node: Node, call: Node, *, is_own_work: bool) -> bool:
        """Link a span to the call that it descends from where it is a step of that, and return whether it is."""
        if is_own_work or not is_part(call.own, node.own):
            return False
        if node.inner is None and not node.outers:
            self._link(node, call, PART, is_complete=False)
        return True

    def _place(self, node: Node) -> None:
        """Find the call that a new report is about, and the reports that wait for it."""
        if node.own.start == node.own.end:
            request = self._tails.request_of(node)
            if request is not None:
                self._join_tail(request, node)
                return
        self._find_twin(node)
        if self._candidates.is_concurrent(node):
            if self._ends.last is not node:
                self._late[node] = None
                self._choose(node)
            else:
                self._find_call(node)
        elif node.inner is None and node.inside:
            self._choose(node)
        tail = self._tails.tail_of(node)
        if tail is not None:
            self._unlink(tail)
            self._join_tail(node, tail)

    def _find_call(self, node: Node) -> None:
        """Link a report, the last one to end so far, to the call that it is about, and those that wait for it."""
        self._moves = _MOST_MOVES
        self._mover = node
        if node.inner is None:
            self._choose(node)
        if node.rank > STRUCTURE:
            self._offer(node)
            if node.inner is None and not node.outers:
                self._make_room(node, set())

    def _find_twin(self, node: Node) -> None:
        """Link a report to that of the same layer at the same time with the same response id."""
        response_id = node.own.response_id
        if not response_id:
            return
        key = (node.own.scope_name, response_id)
        twin = self._twins.get(key)
        self._twins[key] = node
        while twin is not None and twin.inner is not None and twin.rank == STRUCTURE:
            twin = twin.inner
        if twin is None or twin.root is node or not is_twin(twin.own, node.own):
            return
        if node < twin and twin.inner is None:
            self._link(twin, node, STRUCTURE)
        else:
            self._link(node, twin, STRUCTURE)

    def _choose(self, node: Node) -> None:
        """Link a node to the call that it is the outer report of, if any."""
        if node.moves >= _MOST_CHOICES:
            return
        nested = nested_call(node) if node.inside else None
        if nested is not None:
            self._enclose(node, *nested)
        elif node.rank > STRUCTURE and node not in self._late:  # neither the tail of a stream nor a twin
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
        displaced = [*rivals(node, inner.root), *rivals(inner.root, node)]
        for other in displaced:
            self._unlink(other)
        if inner.root is not node:
            self._link(node, inner, STRUCTURE, is_complete=is_complete)  # wherever that one goes
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
                self._take_from(rival, root)
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
                    self._take_from(rival, root)
                    self._link(rival, other[1], other[0])
                if node.inner is not None:  # it is the rival of another one
                    self._take_from(node, node.inner)
                self._link(node, root, rank)
                return True
        return False

    def _take_from(self, rival: Node, root: Node) -> None:
        self._taken.append(_Move(self._mover or rival, rival, root, rival.rank))
        self._unlink(rival)

    def _offer(self, node: Node) -> None:
        """Let reports that ended before choose again where the node may be what they wait for."""
        while self._moves > 0:
            found = self._candidates.best_free_outer(node)
            if found is None:
                break
            self._moves -= 1
            rank, outer = found
            self._link(outer, node.root, rank)

    def _join_tail(self, request: Node, tail: Node) -> None:
        """Link a zero-length report to the request whose stream it concludes."""
        self._tails.join(request, tail)
        self._candidates.file_again(request)
        if request.root is not tail:
            self._link(tail, request, TAIL)
        if request.inner is None:
            self._choose(request)
        self._offer(request)

    def _link(self, node: Node, inner: Node, rank: Rank, *, is_complete: bool = True) -> None:
        node.inner = inner
        node.rank = rank
        node.is_complete = is_complete
        inner.add_outer(node)
        self._candidates.note_link(node, 1)
        self._changed.update(dict.fromkeys(node.group()))
        self._changed[inner] = None
        self._candidates.refile(inner.root.group())

    def _unlink(self, node: Node) -> None:
        inner = node.inner
        if inner is not None:
            inner.remove_outer(node)
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
        self._ends.add(node)
        self._texts.add(node)

    def _forget(self, node: Node) -> None:
        self._texts.forget(node)
        if node.inner is not None and len(node.inner.outers) > MOST_REPORTS:  # more than are ever looked at
            node.inner.remove_outer(node)
        for inner, _ in node.inside:
            inner.ancestor = None
        node.inside = ()
        self._late.pop(node, None)
        del self._by_key[node.own.key]
        self._ends.remove(node)
        self._candidates.forget(node)
        self._tails.forget(node)
        if node.own.response_id:
            twin = (node.own.scope_name, node.own.response_id)
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
