"""Reports by what they say, in the order of their starts: found in a few steps, however many there are."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_sqlite_exporter.calls.report_keys import Key
    from otel_sqlite_exporter.calls.report_node import Node

_LOOKED_AT: Final = 8
"""How many reports are looked at under one key."""

_Place: TypeAlias = "tuple[int, int, Node]"


class Shelf:
    """Reports, each under several keys."""

    __slots__ = ("_keys", "_places")

    def __init__(self) -> None:
        self._places: dict[Key, list[_Place]] = {}
        self._keys: dict[Node, tuple[int, tuple[Key, ...]]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, node: Node) -> bool:
        return node in self._keys

    def __iter__(self) -> Iterator[Node]:
        return iter(self._keys)

    def keys_of(self, node: Node) -> tuple[Key, ...]:
        """Return the keys that a report is under."""
        return self._keys[node][1]

    def add(self, node: Node, keys: tuple[Key, ...]) -> None:
        """Put a report under its keys."""
        place = (node.own.start, node.number, node)
        self._keys[node] = (place[0], keys)
        for key in keys:
            places = self._places.get(key)
            if places is None:
                self._places[key] = [place]
            elif places[-1] < place:
                places.append(place)
            else:
                insort(places, place)

    def remove(self, node: Node) -> None:
        """Take a report out, if it is there."""
        found = self._keys.pop(node, None)
        if found is None:
            return
        start, keys = found
        for key in keys:
            places = self._places[key]
            if len(places) == 1:
                del self._places[key]
            else:
                del places[bisect_left(places, (start, node.number))]

    def since(self, key: Key, start: int) -> list[Node]:
        """Return the first few reports under a key that started at a time or later, the first one first."""
        places = self._places.get(key)
        if places is None:
            return []
        first = bisect_left(places, (start,))
        return [place[2] for place in places[first : first + _LOOKED_AT]]

    def until(self, key: Key, start: int) -> list[Node]:
        """Return the last few reports under a key that started at a time or earlier, the last one first."""
        places = self._places.get(key)
        if places is None:
            return []
        end = bisect_left(places, (start + 1,))
        return [place[2] for place in places[max(end - _LOOKED_AT, 0) : end][::-1]]
