"""Reports in the order of their ends."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_sqlite_exporter.calls.report_node import Node

_MOST_GONE: Final = 512


class EndOrder:
    """Reports in the order of their ends, inner before outer.

    They leave it nearly as they came. What leaves at the front stays where it is until there is more of it: moving
    thousands of places up for each report would take the processor's first cache from everything else.
    """

    __slots__ = ("_gone", "_places")

    def __init__(self) -> None:
        self._places: list[Node] = []
        self._gone = 0
        """How many at the front are no longer there."""

    def __len__(self) -> int:
        return len(self._places) - self._gone

    @property
    def last(self) -> Node:
        """The report that ended last."""
        return self._places[-1]

    def add(self, node: Node) -> None:
        """Put a report in its place."""
        places = self._places
        if not places or places[-1] < node:
            places.append(node)
        else:
            insort(places, node, self._gone)

    def remove(self, node: Node) -> None:
        """Take a report out."""
        places, gone = self._places, self._gone
        if places[gone] is not node:
            del places[self._place_of(node)]
        elif gone < _MOST_GONE:
            self._gone += 1
        else:
            del places[: gone + 1]
            self._gone = 0

    def since_first_of(self, nodes: Iterable[Node]) -> list[Node]:
        """Return the first of some reports to end, and all that ended after it."""
        return self._places[self._first_of(nodes) :]

    def count_since_first_of(self, nodes: Iterable[Node]) -> int:
        """Return how many :meth:`since_first_of` returns."""
        return len(self._places) - self._first_of(nodes)

    def _first_of(self, nodes: Iterable[Node]) -> int:
        return self._place_of(min(nodes))

    def _place_of(self, node: Node) -> int:
        return bisect_left(self._places, node, self._gone)
