"""One pass over a span's attributes: every value lands where its key says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from otel_sqlite_exporter.conventions.parse import NOT_JSON, Plain, parse_text, plain
from otel_sqlite_exporter.conventions.slots import UNKNOWN, KnownSlots, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from otel_sqlite_exporter.conventions.step_words import Step

_LAST: Final = 1 << 30
_LEAVES: Final = (str, int, float, bool, type(None))
_VECTORS: Final = frozenset({"vector", "embedding.vector"})


class Sheet:
    """What a span's attributes said, sorted by what they are about.

    Args:
        known: What is done with each key.
    """

    __slots__ = ("_known", "_trees", "bodies", "columns", "contents", "has_gaps", "mask", "ranks")

    def __init__(self, known: KnownSlots) -> None:
        self._known = known
        self.columns: dict[str, Any] = {}
        self.ranks: dict[str, int] = {}
        self.contents: dict[str, list[tuple[int, object]]] = {}
        self.bodies: dict[str, list[tuple[int, object]]] = {}
        self.mask = 0
        self.has_gaps = False
        """Whether a flattened list lacks its first items."""
        self._trees: dict[str, tuple[Slot, int, dict[str | int, Any]]] = {}

    @property
    def steps(self) -> Mapping[str, Step]:
        """What the names of spans and events stand for under the span's scope."""
        return self._known.steps

    def add(self, attributes: Mapping[str, object], offset: int = 0) -> dict[str, object]:
        """Sort attributes in; return those that are not message content.

        Args:
            attributes: Of the span, or of an event that completes it.
            offset: Added to their place in the reading order.
        """
        kept = dict(attributes)
        slots, learn = self._known.slots, self._known.learn
        columns, ranks = self.columns, self.ranks
        mask = self.mask
        for key, value in attributes.items():
            slot = slots.get(key) or learn(key)
            if slot is UNKNOWN:
                continue
            mask |= slot.mask
            if slot.plain:
                rank = slot.rank + offset
                if rank < ranks.get(slot.column, _LAST):
                    read = slot.convert(value)
                    if read is not None:
                        columns[slot.column] = read
                        ranks[slot.column] = rank
            elif self._sort(slot, slot.rank + offset, value):
                del kept[key]
        self.mask = mask
        if self._trees:
            self._put_trees_away()
        return kept

    def _put_trees_away(self) -> None:
        for slot, rank, tree in self._trees.values():
            if 0 not in tree and any(type(key) is int for key in tree):
                self.has_gaps = True
            whole = listed(tree)
            if slot.content is not None:
                self.offer(slot.content, rank, whole)
            if slot.body is not None:
                self.bodies.setdefault(slot.body, []).append((rank, whole))
        self._trees = {}

    def _sort(self, slot: Slot, rank: int, value: object) -> bool:
        """Put away a value that is more than one column; tell whether it is message content."""
        if slot.tree:
            self._grow(slot, rank, value)
            return slot.content is not None
        for column, convert in slot.columns:
            if rank < self.ranks.get(column, _LAST):
                read = convert(value)
                if read is not None:
                    self.columns[column] = read
                    self.ranks[column] = rank
        if slot.body is not None:
            self.bodies.setdefault(slot.body, []).append((rank, value))
        if slot.content is not None:
            self.contents.setdefault(slot.content, []).append((rank, value))
            return True
        return slot.hidden

    def offer(self, content: str, rank: int, value: object) -> None:
        """Add content that is not an attribute's value.

        Args:
            content: The place it belongs to.
            rank: Its place in the reading order.
            value: What the reader of that place understands.
        """
        self.contents.setdefault(content, []).append((rank, value))

    def candidates(self, *contents: str) -> list[tuple[int, object]]:
        """Return the content offered for some places, in reading order."""
        if len(contents) == 1:
            found = self.contents.get(contents[0]) or []
        else:
            found = [candidate for content in contents for candidate in self.contents.get(content, ())]
        if len(found) > 1:
            found.sort(key=_rank)
        return found

    def objects(self, body: str) -> Iterator[object]:
        """Yield the objects of one kind, in reading order, decoded one by one."""
        for _, value in sorted(self.bodies.get(body, ()), key=_rank):
            decoded = parse_text(value) if isinstance(value, str) else plain(value)
            if decoded is not NOT_JSON:
                yield decoded

    def _grow(self, slot: Slot, rank: int, value: object) -> None:
        path = slot.path
        if path[-1] in _VECTORS:
            return
        known = self._trees.get(slot.tree)
        if known is None:
            known = self._trees[slot.tree] = (slot, rank, {})
        node = known[2]
        for word in path[:-1]:
            inner = node.get(word)
            if not isinstance(inner, dict):
                inner = node[word] = {}
            node = inner
        if type(value) not in _LEAVES:
            value = plain(value)
        node.setdefault(path[-1], value)


def _rank(candidate: tuple[int, object]) -> int:
    return candidate[0]


def listed(tree: Any) -> Any:  # noqa: ANN401 - a tree's leaves are an emitter's values
    """Return a tree whose positions were keys with lists in their place, gaps closed."""
    if type(tree) is not dict:
        return tree
    numbers = [key for key in tree if type(key) is int]
    if numbers and len(numbers) == len(tree):
        numbers.sort()
        return Plain(listed(tree[key]) for key in numbers)
    return {str(key): listed(value) for key, value in tree.items()}
