"""One pass over a span's attributes: every value lands where its key says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otel_sqlite_exporter.conventions.parse import NOT_JSON, parse_text, plain
from otel_sqlite_exporter.conventions.vocabulary import Dictionary

_LAST: Final = 1 << 30
_VECTORS: Final = frozenset({"vector", "embedding.vector"})


class Sheet:
    """What a span's attributes said, sorted by what they are about.

    Args:
        dictionary: The words of all families.
    """

    __slots__ = ("bodies", "columns", "contents", "dictionary", "families", "kept", "ranks", "trees")

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self.columns: dict[str, Any] = {}
        self.ranks: dict[str, int] = {}
        self.contents: dict[str, list[tuple[int, object]]] = {}
        self.bodies: dict[str, list[tuple[int, object]]] = {}
        self.trees: dict[str, tuple[str, int, dict[str | int, Any]]] = {}
        self.kept: dict[str, object] = {}
        self.families: set[int] = set()

    def add(self, attributes: Mapping[str, object], offset: int = 0) -> dict[str, object]:
        """Sort attributes in; return those that are not message content.

        Args:
            attributes: Of the span, or of an event that completes it.
            offset: Added to their place in the reading order.
        """
        kept: dict[str, object] = {}
        slot_of = self.dictionary.slot
        ranks = self.ranks
        for key, value in attributes.items():
            slot = slot_of(key)
            if slot.family >= 0:
                self.families.add(slot.family)
            rank = slot.rank + offset
            for column, convert in slot.columns:
                if rank < ranks.get(column, _LAST):
                    read = convert(value)
                    if read is not None:
                        self.columns[column] = read
                        ranks[column] = rank
            if slot.path:
                self._grow(slot.tree, slot.content or "", rank, slot.path, value)
                continue
            if slot.body is not None:
                self.bodies.setdefault(slot.body, []).append((rank, value))
            if slot.content is not None:
                self.contents.setdefault(slot.content, []).append((rank, value))
            elif not slot.hidden:
                kept[key] = value
        return kept

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
        found: list[tuple[int, object]] = []
        for content in contents:
            found.extend(self.contents.get(content, ()))
        for content, rank, tree in self.trees.values():
            if content in contents:
                found.append((rank, listed(tree)))
        if len(found) > 1:
            found.sort(key=lambda item: item[0])
        return found

    def objects(self, body: str) -> list[object]:
        """Return the decoded objects of one kind, in reading order."""
        found = []
        for _, value in sorted(self.bodies.get(body, ()), key=lambda item: item[0]):
            decoded = parse_text(value) if isinstance(value, str) else plain(value)
            if decoded is not NOT_JSON:
                found.append(decoded)
        return found

    def _grow(self, name: str, content: str, rank: int, path: tuple[str | int, ...], value: object) -> None:
        if path[-1] in _VECTORS:
            return
        known = self.trees.get(name)
        if known is None:
            known = self.trees[name] = (content, rank, {})
        node = known[2]
        for word in path[:-1]:
            inner = node.get(word)
            if not isinstance(inner, dict):
                inner = node[word] = {}
            node = inner
        node.setdefault(path[-1], value)


def listed(tree: Any) -> Any:  # noqa: ANN401 - a tree's leaves are an emitter's values
    """Return a tree whose positions were keys with lists in their place, gaps closed."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(isinstance(key, int) for key in tree):
        return [listed(tree[key]) for key in sorted(tree)]
    return {str(key): listed(value) for key, value in tree.items()}
