"""Which of the remembered reports still have their texts."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from otel_sqlite_exporter.calls.report_node import Node

_WITH_TEXTS: Final = 1024
"""How many reports have their texts in any case."""

_MOST_CHARACTERS: Final = 8 << 20
"""How long the texts of all reports may be for others to have theirs, too: hashes of them take long to make."""


class KeptTexts:
    """The reports with texts, in the order of their arrival; those before have hashes only."""

    __slots__ = ("_characters", "_nodes")

    def __init__(self) -> None:
        self._nodes: deque[Node] = deque()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._nodes)

    def add(self, node: Node) -> None:
        """Keep the texts of a new report; those of the oldest may have to go."""
        self._nodes.append(node)
        self._characters += node.own.characters
        while self._characters > _MOST_CHARACTERS and len(self._nodes) > _WITH_TEXTS:
            _age(self._take_oldest())

    def forget(self, node: Node) -> None:
        """Forget a report, the oldest one."""
        if self._nodes and self._nodes[0] is node:
            self._take_oldest()
            if node.inner is not None or node.outers:  # which keep it in memory
                _age(node)

    def _take_oldest(self) -> Node:
        node = self._nodes.popleft()
        self._characters -= node.own.characters
        return node


def _age(node: Node) -> None:
    node.own.age()
    node.report.age()
