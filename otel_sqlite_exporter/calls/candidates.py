"""The few reports that one report is compared with, found by what they have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.calls.report import END_TOLERANCE, LAZY_START, MATCH, Rank, SpanKey, likeness
from otel_sqlite_exporter.calls.report_keys import keys_of
from otel_sqlite_exporter.calls.report_node import MOST_REPORTS, STRUCTURE, Node
from otel_sqlite_exporter.calls.shelf import Shelf

if TYPE_CHECKING:
    from collections import OrderedDict
    from collections.abc import Iterable, Iterator, Sequence

    from otel_sqlite_exporter.calls.report import CallReport
    from otel_sqlite_exporter.calls.report_keys import Key, Questions

_MOST_LAYERS: Final = 8
"""How many scopes look for calls that others report: an application has two or three that report at all."""

_LONG_AGO: Final = -(1 << 63)
_NOTHING_BETTER: Final = (1, MATCH)
"""The beginning of the rank of a link that a prompt in common can't outdo."""

_STRONG: Final = frozenset({"id", "prompt"})


class Candidates:
    """The reports of a window by what they can be found by.

    Nothing is put in order before two layers report at one time: applications with one layer pay nothing.

    Args:
        window: The reports, in the order of their arrival.
    """

    def __init__(self, window: OrderedDict[SpanKey, Node]) -> None:
        self._window = window
        self._everyone = Shelf()
        self._free: dict[str, Shelf] = {}
        """For a layer: the reports of calls that it has not reported."""
        self._noted = self._filed = 0
        self._sizes: dict[str, int] = {}
        self._last_end = _LONG_AGO
        self._last_layer = ""
        self._last_end_of_others = _LONG_AGO
        self._last_opener_end = _LONG_AGO
        self._links: dict[str, int] = {}
        """For a layer: how many of its reports are linked to calls by likeness."""
        self._vague_links = 0

    def note(self, node: Node) -> None:
        """Take note of a new report."""
        self._noted = node.number
        report = node.own
        layer = report.scope_name
        self._sizes[layer] = self._sizes.get(layer, 0) + 1
        self._note_end(report)

    def _note_end(self, report: CallReport) -> None:
        layer, end = report.scope_name, report.end
        if layer == self._last_layer:
            self._last_end = max(self._last_end, end)
        elif end >= self._last_end:
            self._last_end_of_others, self._last_end, self._last_layer = self._last_end, end, layer
        else:
            self._last_end_of_others = max(self._last_end_of_others, end)
        if end > self._last_opener_end and report.is_opener:
            self._last_opener_end = end

    def note_link(self, node: Node, change: int) -> None:
        """Take note of a link by likeness that is made (1) or undone (-1)."""
        if node.rank > STRUCTURE:
            layer = node.own.scope_name
            self._links[layer] = self._links.get(layer, 0) + change
            if node.rank[:2] > _NOTHING_BETTER:
                self._vague_links += change

    def forget(self, node: Node) -> None:
        """Forget a report."""
        layer = node.own.scope_name
        if node.inner is not None:
            self.note_link(node, -1)
        if node.number <= self._filed:
            self._take_off(node)
        self._sizes[layer] -= 1
        if not self._sizes[layer]:
            del self._sizes[layer]
            self._free.pop(layer, None)
            self._links.pop(layer, None)

    def file_again(self, node: Node) -> None:
        """Put a report, of which more has become known, where it belongs."""
        node.keys = None
        if node in self._everyone:
            self._take_off(node)
            self._file(node)

    def refile(self, group: Sequence[Node]) -> None:
        """Put the reports of a call where the layers look that have not reported it."""
        if not self._free:
            return
        layers = {member.own.scope_name for member in group}
        is_full = len(group) >= MOST_REPORTS
        for layer, shelf in self._free.items():
            if is_full or layer in layers:
                for member in group:
                    shelf.remove(member)
            else:
                for member in group:
                    if member not in shelf and member in self._everyone:
                        shelf.add(member, self._everyone.keys_of(member))

    def is_concurrent(self, node: Node) -> bool:
        """Return whether another layer reports a call at the time of this one, or shortly before."""
        if len(self._sizes) == 1:
            return False
        start = node.own.start
        return self._end_of_others(node) >= start or self._last_opener_end >= start - LAZY_START

    def is_settled(self, node: Node) -> bool:
        """Return whether every layer is known, by descent, to report the call of this report."""
        group = node.root.group()
        layers = {member.own.scope_name for member in group}
        return len(layers) == len(self._sizes) and all(n.rank <= STRUCTURE or n.inner is None for n in group)

    def take_back(self, nodes: Iterable[Node], since: int) -> None:
        """Let nobody find the reports that ended at a time or later, until they are put back one after the other.

        Args:
            nodes: Those of them that matter.
            since: The time.
        """
        self._file_all()
        for node in nodes:
            self._take_off(node)
        self._last_end = self._last_end_of_others = min(self._last_end_of_others, since)
        self._last_opener_end = min(self._last_opener_end, since)

    def put_back(self, node: Node) -> None:
        """Let others find a report again."""
        self._note_end(node.own)
        if node not in self._everyone:
            self._file(node)

    def best_free_inner(self, node: Node) -> tuple[Rank, Node] | None:
        """Return the best call that a report may be the outer report of, of those that its layer has not reported."""
        shelf = self._shelf(node.own.scope_name)
        best: tuple[Rank, Node] | None = None
        layers = node.layers() if node.outers else None
        for keys in self._questions(node):
            for other in _inside(shelf, keys, node):
                rank = likeness(node.report, other.report)
                if rank is None or (best is not None and rank >= best[0]) or _are_apart(node, other):
                    continue
                root = other.root
                if root is not node.root and (layers is None or layers.isdisjoint(root.layers())):
                    best = (rank, root)
            if best is not None and best[0][:2] <= _NOTHING_BETTER:
                break
        return best

    def best_taken_inner(self, node: Node, than: Rank) -> tuple[Rank, Node, Node] | None:
        """Return the best call that fits much better than ``than``, and better than to the report that has it."""
        if not self._may_be_better(node):
            return None
        found = self._taken_inners(node, only_strong=True)
        better = [f for f in found if f[0][:3] < than[:3] and f[0][:3] < f[2].rank[:3]]
        return min(better, key=_rank_and_order, default=None)

    def taken_inners(self, node: Node) -> list[tuple[Rank, Node, Node]]:
        """Return calls that a report may be the outer report of, best first, each with the report that has it."""
        return sorted(self._taken_inners(node), key=_rank_and_order)

    def best_free_outer(self, node: Node) -> tuple[Rank, Node] | None:
        """Return the report that stands alone and best fits a call as its outer report."""
        best: tuple[Rank, Node] | None = None
        layers: set[str] | None = None
        for keys in self._questions_of_late(node):
            for other in _around(self._shelf(node.own.scope_name), keys, node):
                if other.inner is not None or other is node.root:
                    continue
                rank = likeness(other.report, node.report)
                if rank is None or _are_apart(other, node):
                    continue
                if best is not None and (rank, other.order) >= (best[0], best[1].order):
                    continue
                layers = node.root.layers() if layers is None else layers
                if layers.isdisjoint(other.layers()):
                    best = (rank, other)
            if best is not None and best[0][:2] <= _NOTHING_BETTER:
                break
        return best

    def _may_be_better(self, node: Node) -> bool:
        """Return whether a report may fit a call better than those that are linked already."""
        return bool(node.report.response_id) or (node.report.prompt is not None and self._vague_links > 0)

    def _taken_inners(self, node: Node, *, only_strong: bool = False) -> Iterator[tuple[Rank, Node, Node]]:
        layers = node.layers()
        if not any(self._links.get(layer) for layer in layers):
            return
        for other in self._all(node, only_strong=only_strong):
            root = other.root
            rivals = [member for member in root.group() if member.own.scope_name in layers]
            if len(rivals) == 1 and rivals[0].inner is not None and rivals[0].rank > STRUCTURE:
                rank = likeness(node.report, other.report)
                if rank is not None and root is not node.root and not _are_apart(node, other):
                    yield rank, root, rivals[0]

    def _all(self, node: Node, *, only_strong: bool) -> list[Node]:
        self._file_all()
        found: dict[Node, None] = {}
        for keys in self._questions(node):
            if only_strong:
                keys = tuple([key for key in keys if key[0] in _STRONG])  # noqa: PLW2901 - the rest is not asked for
            found.update(dict.fromkeys(_inside(self._everyone, keys, node)))
        return list(found)

    def _questions(self, node: Node) -> Questions:
        return _keys_of(node)[1]

    def _questions_of_late(self, node: Node) -> Questions:
        """Return what to ask for an outer report, which nearly always ends later and is not there yet."""
        start, end = node.own.start, node.own.end
        if self._end_of_others(node) >= end - END_TOLERANCE or self._last_opener_end >= start - LAZY_START:
            return self._questions(node)
        return self._questions(node)[:1] if node.report.response_id else ()

    def _end_of_others(self, node: Node) -> int:
        return self._last_end_of_others if node.own.scope_name == self._last_layer else self._last_end

    def _shelf(self, layer: str) -> Shelf:
        """Return the reports of calls that a layer has not reported."""
        self._file_all()
        shelf = self._free.get(layer)
        if shelf is None:
            shelf = Shelf()
            if len(self._free) < _MOST_LAYERS:
                self._free[layer] = shelf
                for node in self._everyone:
                    if layer not in node.root.layers():
                        shelf.add(node, self._everyone.keys_of(node))
        return shelf

    def _file_all(self) -> None:
        """Put in order what has arrived since this was last done."""
        if self._filed == self._noted:
            return
        new: list[Node] = []
        for node in reversed(self._window.values()):
            if node.number <= self._filed:
                break
            new.append(node)
        self._filed = self._noted
        for node in reversed(new):
            self._file(node)

    def _take_off(self, node: Node) -> None:
        """Let nobody find a report."""
        self._everyone.remove(node)
        for shelf in self._free.values():
            shelf.remove(node)

    def _file(self, node: Node) -> None:
        keys = _keys_of(node)[0]
        self._everyone.add(node, keys)
        if self._free:
            layers = node.root.layers()
            for layer, shelf in self._free.items():
                if layer not in layers:
                    shelf.add(node, keys)


def _keys_of(node: Node) -> tuple[tuple[Key, ...], Questions]:
    if node.keys is None:
        node.keys = keys_of(node.report)
    return node.keys


def _inside(shelf: Shelf, keys: Sequence[Key], node: Node) -> Iterator[Node]:
    """Yield reports that began in the time of a report, or that it may have opened."""
    report = node.report
    until = report.end + LAZY_START if report.is_opener else report.end
    for key in keys:
        for other in shelf.since(key, report.start):
            if other.own.start > until:
                break
            if other is not node:
                yield other


def _around(shelf: Shelf, keys: Sequence[Key], node: Node) -> Iterator[Node]:
    """Yield reports that began before a report."""
    for key in keys:
        for other in shelf.until(key, node.own.start):
            if other is not node:
                yield other


def _are_apart(outer: Node, inner: Node) -> bool:
    """Return whether descent says that one report is not the outer report of another's call."""
    if outer.ancestor is None and not outer.inside:
        return False
    return inner in outer.ancestors() or (inner, True) in outer.inside


def _rank_and_order(fit: tuple[Rank, Node] | tuple[Rank, Node, Node]) -> tuple[Rank, tuple[int, int, SpanKey]]:
    return fit[0], fit[1].order
