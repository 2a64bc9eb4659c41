"""The bounded queue between the application's threads and the exporter thread, and counters that need no lock."""

from __future__ import annotations

import operator
import sys
from collections import deque
from itertools import repeat
from typing import Final, Generic, Protocol, TypeVar

CHARACTERS_PER_PERMIT: Final = 128 * 1024
"""An event takes one more place for each such amount of text, so that 512 places hold at most some 64 Mi characters."""


class Queueable(Protocol):
    """Anything that knows how many places of the queue it takes."""

    permits: int


_Event = TypeVar("_Event", bound=Queueable)


class Intake(Generic[_Event]):
    """A bounded queue whose producers neither wait nor lock.

    ``deque.append`` and ``deque.pop`` are atomic, so a place is taken by popping a permit: the bound is exact
    however many threads race, and a signal handler or ``__del__`` that interrupts a producer can't deadlock with it
    (``queue.Queue`` and ``threading.Event`` take a lock that such a handler would wait for forever).

    Args:
        capacity: How many events of ordinary size it holds.
    """

    __slots__ = ("capacity", "is_measuring", "permits", "queue")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.permits: deque[None] = deque(repeat(None, capacity))
        self.queue: deque[_Event] = deque()
        self.is_measuring = False
        """Set by the consumer once it meets a large event: from then on producers look at sizes."""

    def __len__(self) -> int:
        return len(self.queue)

    def offer(self, event: _Event) -> bool:
        """Add an event and return True, or return False when it does not fit. Any thread, any time."""
        permits = self.permits
        taken = 0
        wanted = min(event.permits, self.capacity)
        try:
            while taken < wanted:
                permits.pop()
                taken += 1
        except IndexError:
            permits.extend(repeat(None, taken))
            return False
        event.permits = wanted
        self.queue.append(event)
        return True

    def take(self, limit: int) -> list[_Event]:
        """Remove and return up to ``limit`` events, oldest first. The consumer only."""
        events: list[_Event] = []
        queue = self.queue
        try:
            while len(events) < limit:
                events.append(queue.popleft())
        except IndexError:
            pass
        self.permits.extend(repeat(None, sum(event.permits for event in events)))
        return events

    def reset(self) -> None:
        """Forget everything: in a forked child, what is queued is the parent's to write."""
        self.queue.clear()
        self.permits.clear()
        self.permits.extend(repeat(None, self.capacity))


class Counter:
    """A count that any thread may raise and read at any time, without a lock.

    Taking an item off ``itertools.repeat`` is atomic where ``n += 1`` is not, and how many it has left can be read.
    """

    __slots__ = ("_left", "raise_by_one")

    def __init__(self) -> None:
        self.reset()

    def value(self) -> int:
        """Return the count."""
        return sys.maxsize - operator.length_hint(self._left)

    def reset(self) -> None:
        """Start again from 0."""
        self._left = repeat(None, sys.maxsize)
        self.raise_by_one = self._left.__next__
