"""Who descends from whom among recent spans, and what is handed down: ids, and the model call that a span is part of.

Children end before their parents, so that mostly a parent finds its children waiting. What it knows goes down to them
once: a span that has a value, its own or from the nearest span above that has one, passes it on at once and is never
visited for it again. Each span costs the same however large its trace is.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_sqlite_exporter.calls.report import SpanKey

Ids = tuple["str | None", "str | None", "str | None"]
"""Conversation, user and agent's name."""

NO_IDS: Final[Ids] = (None, None, None)

# A call that a tool or an agent makes inside another call is a call of its own.
_OWN_WORK: Final = frozenset({"tool", "agent"})

_MOST_INSIDE: Final = 64
_AGENT: Final = 2
_OF_AN_AGENT: Final = frozenset({"llm", "embedding", "tool"})
"""Kinds of spans that are said to be an agent's."""


class Relative:
    """A span's place in its trace.

    Args:
        key: Trace id and span id.
        kind: The span's kind; None for a span that has no row and is only a link between others.
        is_call: Whether it is a model call.
        ids: What it reports itself.
    """

    __slots__ = ("above", "children", "ids", "is_call", "is_own_work", "key", "kind", "own_ids", "parent_key")

    def __init__(self, key: SpanKey, kind: str | None, ids: Ids, *, is_call: bool) -> None:
        self.key = key
        self.kind = kind
        self.is_call = is_call
        self.is_own_work = kind in _OWN_WORK
        self.own_ids = ids
        self.ids = ids
        """What it has, its own or handed down."""
        self.above: tuple[Relative, bool] | None = None
        """The nearest call that it descends from, and whether through a tool or an agent."""
        self.children: dict[SpanKey, Relative] | None = None
        self.parent_key: SpanKey | None = None

    def row_ids(self) -> Ids:
        """Return what its row says: an agent's name from above only where it is a call or a tool."""
        conversation_id, user_id, agent_name = self.ids
        return conversation_id, user_id, agent_name if self.kind in _OF_AN_AGENT else self.own_ids[_AGENT]

    def passed_on_call(self) -> tuple[Relative, bool] | None:
        """Return the nearest call for those below it, and whether it is through a tool or an agent."""
        if self.is_call:
            return (self, False)
        if self.above is not None and self.is_own_work:
            return (self.above[0], True)
        return self.above


@dataclass(slots=True)
class News:
    """What the arrival of one span means to others.

    Args:
        heirs: For conversation, user and agent's name: the spans that have rows already and get the value.
        calls_below: Calls that turn out to descend from another call: each with that and whether through own work.
    """

    heirs: tuple[list[Relative], list[Relative], list[Relative]]
    calls_below: list[tuple[Relative, Relative, bool]]

    def __bool__(self) -> bool:
        return bool(self.calls_below or any(self.heirs))


class Descent:
    """Recent spans by their descent.

    Args:
        capacity: How many spans with rows are remembered; the oldest is forgotten first.
        links: How many spans without rows are remembered, which only link others.
    """

    def __init__(self, capacity: int = 16384, links: int = 8192) -> None:
        self._relatives: dict[SpanKey, Relative] = {}
        self._waiting: dict[SpanKey, dict[SpanKey, Relative]] = {}
        self._rows: deque[SpanKey] = deque()
        self._links: deque[SpanKey] = deque()
        self._capacity = capacity
        self._max_links = links

    def __len__(self) -> int:
        return len(self._relatives)

    def get(self, key: SpanKey) -> Relative | None:
        """Return a span that is remembered."""
        return self._relatives.get(key)

    def add(
        self, key: SpanKey, parent_span_id: int | None, kind: str | None, ids: Ids = NO_IDS, *, is_call: bool = False
    ) -> tuple[Relative, News | None]:
        """Remember a span that ended.

        Args:
            key: Trace id and span id.
            parent_span_id: The parent's span id, None for a root.
            kind: The span's kind, None where it has no row.
            ids: What it reports itself.
            is_call: Whether it is a model call.

        Returns:
            The span with what it got from above, and what it means to those below, None where that is nothing.
        """
        known = self._relatives.get(key)
        if known is not None:
            return known, None
        relative = Relative(key, kind, ids, is_call=is_call)
        self._relatives[key] = relative
        relative.children = self._waiting.pop(key, None)
        if parent_span_id and parent_span_id != key[1]:
            self._join(relative, (key[0], parent_span_id))
        self._remember(key, has_row=kind is not None)
        return relative, self._hand_down(relative) if relative.children else None

    def only_call_inside(self, relative: Relative) -> Relative | None:
        """Return the one call that descends from a span, None where there is none, or more, or too much to look at."""
        found: Relative | None = None
        stack = [relative]
        for _ in range(_MOST_INSIDE):
            if not stack:
                return found
            for child in (stack.pop().children or {}).values():
                if not child.is_call:
                    stack.append(child)
                elif found is not None:
                    return None
                else:
                    found = child
        return None

    def _join(self, relative: Relative, parent_key: SpanKey) -> None:
        relative.parent_key = parent_key
        parent = self._relatives.get(parent_key)
        if parent is None:
            self._waiting.setdefault(parent_key, {})[relative.key] = relative
            return
        if parent.children is None:
            parent.children = {}
        parent.children[relative.key] = relative
        if parent.ids != NO_IDS:
            mine, theirs = relative.ids, parent.ids
            relative.ids = (mine[0] or theirs[0], mine[1] or theirs[1], mine[2] or theirs[2])
        relative.above = parent.passed_on_call()

    def _hand_down(self, relative: Relative) -> News:
        heirs: tuple[list[Relative], list[Relative], list[Relative]] = ([], [], [])
        for index, value in enumerate(relative.ids):
            if value is not None:
                heirs[index].extend(_heirs(relative, index, value))
        return News(heirs, list(_calls_below(relative)))

    def _remember(self, key: SpanKey, *, has_row: bool) -> None:
        order, most = (self._rows, self._capacity) if has_row else (self._links, self._max_links)
        order.append(key)
        if len(order) > most:
            self._forget(order.popleft())

    def _forget(self, key: SpanKey) -> None:
        relative = self._relatives.pop(key)
        parent_key = relative.parent_key
        if parent_key is not None:
            parent = self._relatives.get(parent_key)
            siblings = self._waiting.get(parent_key) if parent is None else parent.children
            if siblings is not None:
                siblings.pop(key, None)
                if not siblings and parent is None:
                    del self._waiting[parent_key]
        for child in (relative.children or {}).values():
            if child.parent_key == key:
                child.parent_key = None


def _heirs(relative: Relative, index: int, value: str) -> Iterator[Relative]:
    """Give a value to all below that have none yet, and yield those whose rows lack it."""
    stack = [relative]
    while stack:
        children = stack.pop().children
        for child in children.values() if children else ():
            if child.ids[index] is None:
                child.ids = _with(child.ids, index, value)
                stack.append(child)
                if child.kind is not None and (index != _AGENT or child.kind in _OF_AN_AGENT):
                    yield child


def _with(ids: Ids, index: int, value: str) -> Ids:
    conversation_id, user_id, agent_name = (value if at == index else own for at, own in enumerate(ids))
    return conversation_id, user_id, agent_name


def _calls_below(relative: Relative) -> Iterator[tuple[Relative, Relative, bool]]:
    """Tell all below, down to the next calls, which call is the nearest above them, and yield these calls."""
    passed_on = relative.passed_on_call()
    if passed_on is None:
        return
    stack = [(relative, passed_on)]
    while stack:
        above, passed_on = stack.pop()
        for child in above.children.values() if above.children else ():
            if child.above is None:
                child.above = passed_on
                if child.is_call:
                    yield child, *passed_on
                else:
                    call, is_own_work = passed_on
                    stack.append((child, (call, is_own_work or child.is_own_work)))
