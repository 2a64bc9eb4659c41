"""The bounded queue between the application's threads and the exporter thread, and counters that need no lock."""

from __future__ import annotations

import operator
import sys
import time
from collections import deque
from itertools import repeat
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from otel_sqlite_exporter.pipeline.foreign_errors import is_of_a_handler

if TYPE_CHECKING:
    from collections.abc import Callable

CHARACTERS_PER_PERMIT: Final = 128 * 1024
"""An event takes one more place for each such amount of text, so that 512 places hold at most some 64 Mi characters."""

_EVERY_SIXTEENTH: Final = 15
_EVERY_ONE: Final = 0
_MISSING_SECONDS: Final = 0.25

_Item = TypeVar("_Item")


class BoundedQueue(Generic[_Item]):
    """A bounded queue whose producers neither wait nor lock.

    ``deque.append`` and ``deque.pop`` are atomic, so a place is taken by popping a permit: the bound is exact
    however many threads race, and a signal handler or ``__del__`` that interrupts a producer can't deadlock with it
    (``queue.Queue`` and ``threading.Event`` take a lock that such a handler would wait for forever).

    A handler may also raise, between any two steps of a producer. Permits are numbers, so that one that got lost on the
    way is missed, and found again by the consumer.

    Large items take further permits. To look at the size of an item costs more than to queue it, so producers look at
    every sixteenth one, and at all that are queued once one of them is large or there are many.

    Args:
        capacity: How many events of ordinary size it holds.
        permits_of: How many places an item takes.
        easy_depth: How many may be queued before somebody looks at all of them.
    """

    __slots__ = (
        "_missing",
        "_missing_since",
        "_permits_of",
        "_usual_depth",
        "capacity",
        "easy_depth",
        "extra",
        "look_mask",
        "permits",
        "queue",
    )

    def __init__(self, capacity: int, permits_of: Callable[[_Item], int], easy_depth: int = 0) -> None:
        self.capacity = capacity
        self._permits_of = permits_of
        self.permits: deque[int] = deque(range(capacity))
        self.queue: deque[tuple[_Item, int]] = deque()
        self.extra: deque[int] = deque()
        """Permits that queued items take beyond their first; all are back when the queue is empty."""
        self.look_mask = _EVERY_SIXTEENTH
        """A producer looks at its item where the depth has none of these bits; see :meth:`be_strict`."""
        self._usual_depth = min(easy_depth, capacity * 3 // 4)
        self.easy_depth = self._usual_depth
        self._missing: set[int] = set()
        self._missing_since = 0.0

    def __len__(self) -> int:
        return len(self.queue)

    def be_strict(self) -> None:
        """Have producers look at every item: large ones were met, or the end has come."""
        self.look_mask = _EVERY_ONE

    def offer(self, item: _Item) -> bool:
        """Add an item and return True, or return False when it does not fit. Any thread, any time.

        One that wants more places than there are takes all.
        """
        if self.look_mask and len(self.queue) > self.easy_depth:
            self._look_at_all()
        more = min(self._permits_of(item), self.capacity) - 1
        if more:
            if self.look_mask:
                self._look_at_all()
            self.be_strict()
            if not self._take_more(more):
                return False
        try:
            self.queue.append((item, self.permits.pop()))
        except IndexError as error:
            if is_of_a_handler(error):
                raise
            self._give_back(more)
            return False
        return True

    def take(self, limit: int) -> list[_Item]:
        """Remove and return up to ``limit`` items, oldest first. The consumer only."""
        taken: list[_Item] = []
        queue, permits, extra = self.queue, self.permits, self.extra
        try:
            while len(taken) < limit:
                item, permit = queue.popleft()
                permits.append(permit)  # at once: whoever sees the item gone finds its place free
                taken.append(item)
                if extra:
                    self._give_back(self._permits_of(item) - 1)
        except IndexError:
            self._give_back(len(extra))
        if len(queue) <= self._usual_depth:
            self.easy_depth = self._usual_depth
        self.find_missing()
        return taken

    def find_missing(self) -> None:
        """Put permits back that were lost because something raised within a producer. The consumer only."""
        if len(self.permits) + len(self.extra) + len(self.queue) >= self.capacity:
            self._missing = set()
            return
        now = time.monotonic()
        present = {*list(self.permits), *list(self.extra), *(permit for _, permit in list(self.queue))}
        missing = set(range(self.capacity)) - present
        # A producer may hold one just now: what is missing twice, a while apart, is lost.
        if now - self._missing_since >= _MISSING_SECONDS:
            lost = missing & self._missing
            self.permits.extend(lost)
            self._missing = missing - lost
            self._missing_since = now

    def reset(self) -> None:
        """Forget everything: in a forked child, what is queued is the parent's to write."""
        self.queue.clear()
        self.extra.clear()
        self.permits.clear()
        self.permits.extend(range(self.capacity))

    def _look_at_all(self) -> None:
        """Have everything that is queued take the places that it should have taken."""
        queued = list(self.queue)
        self.easy_depth = max(2 * len(queued), self._usual_depth)
        more = sum(self._permits_of(item) - 1 for item, _ in queued)
        if more:
            self.be_strict()
            self._take_more(more, is_partial=True)

    def _take_more(self, wanted: int, *, is_partial: bool = False) -> bool:
        taken = 0
        permits, extra = self.permits, self.extra
        try:
            while taken < wanted:
                extra.append(permits.pop())
                taken += 1
        except IndexError as error:
            if is_of_a_handler(error):
                raise
            if not is_partial:
                self._give_back(taken)
            return False
        return True

    def _give_back(self, count: int) -> None:
        permits, extra = self.permits, self.extra
        try:
            for _ in range(count):
                permits.append(extra.pop())
        except IndexError as error:
            if is_of_a_handler(error):
                raise


class Counter:
    """A count that any thread may raise and read at any time, without a lock.

    Taking an item off ``itertools.repeat`` is atomic where ``n += 1`` is not, and how many it has left can be read.
    """

    __slots__ = ("raise_by_one", "steps")

    def __init__(self) -> None:
        self.reset()

    def value(self) -> int:
        """Return the count."""
        return sys.maxsize - operator.length_hint(self.steps)

    def reset(self) -> None:
        """Start again from 0."""
        self.steps = repeat(None, sys.maxsize)
        """To iterate over is to count, without a call: there may be no room for one on the stack."""
        self.raise_by_one = self.steps.__next__
