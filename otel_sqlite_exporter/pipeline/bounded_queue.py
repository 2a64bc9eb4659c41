"""The bounded queue between the application's threads and the exporter thread, and counters that need no lock."""

from __future__ import annotations

import operator
import sys
from collections import deque
from itertools import repeat
from typing import Final, Generic, TypeVar

CHARACTERS_PER_PERMIT: Final = 128 * 1024
"""An event takes one more place for each such amount of text, so that 512 places hold at most some 64 Mi characters."""


_Item = TypeVar("_Item")


class BoundedQueue(Generic[_Item]):
    """A bounded queue whose producers neither wait nor lock.

    ``deque.append`` and ``deque.pop`` are atomic, so a place is taken by popping a permit: the bound is exact
    however many threads race, and a signal handler or ``__del__`` that interrupts a producer can't deadlock with it
    (``queue.Queue`` and ``threading.Event`` take a lock that such a handler would wait for forever).

    Args:
        capacity: How many events of ordinary size it holds.
    """

    __slots__ = ("capacity", "easy_depth", "permits", "queue")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.permits: deque[None] = deque(repeat(None, capacity))
        self.queue: deque[tuple[_Item, int]] = deque()
        self.easy_depth = capacity * 3 // 4
        """Up to this depth a producer may take one permit whatever its item's size; see :meth:`be_strict`."""

    def __len__(self) -> int:
        return len(self.queue)

    def be_strict(self) -> None:
        """Have producers look closely at every item: large ones were met, or the end has come."""
        self.easy_depth = -1

    @property
    def is_strict(self) -> bool:
        """Whether producers look closely at every item."""
        return self.easy_depth < 0

    def offer(self, item: _Item, permits: int) -> bool:
        """Add an item and return True, or return False when it does not fit. Any thread, any time.

        Args:
            item: What to add.
            permits: How many places it takes; one that wants more than there are takes all.
        """
        free = self.permits
        taken = 0
        wanted = min(permits, self.capacity)
        try:
            while taken < wanted:
                free.pop()
                taken += 1
        except IndexError:
            free.extend(repeat(None, taken))
            return False
        self.queue.append((item, wanted))
        return True

    def take(self, limit: int) -> list[_Item]:
        """Remove and return up to ``limit`` items, oldest first. The consumer only."""
        taken: list[_Item] = []
        free = 0
        queue = self.queue
        try:
            while len(taken) < limit:
                item, permits = queue.popleft()
                taken.append(item)
                free += permits
        except IndexError:
            pass
        self.permits.extend(repeat(None, free))
        return taken

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
