"""Ways for one thread to wake another that a signal handler or ``__del__`` may use at any point.

``threading.Event`` and ``Condition`` hold a lock of their own while they notify, and code that interrupts the holder in
the same thread would wait for it forever. A bare lock is released in one atomic step, by any thread.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOREVER: Final = -1
_BRIEF_TURN_SECONDS: Final = 0.0005


class Signal:
    """What one thread waits for and any thread sets; waiting takes it back."""

    __slots__ = ("_lock", "locked")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self.locked = self._lock.locked
        """Tells whether it is not set."""

    def set(self) -> None:
        """Let the waiter go on, now or when it waits next."""
        with contextlib.suppress(RuntimeError):  # it is set already
            self._lock.release()

    def wait(self, timeout: float = _FOREVER) -> bool:
        """Wait until it is set and take it back; return whether it was set within the timeout, in seconds."""
        return self._lock.acquire(timeout=_bounded(timeout))


class Latch:
    """What any number of threads wait for, and opens once and for all."""

    __slots__ = ("_lock", "is_open")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self.is_open = False

    def open(self) -> None:
        """Let every waiter go on."""
        self.is_open = True
        with contextlib.suppress(RuntimeError):  # it is open already
            self._lock.release()

    def wait(self, timeout: float) -> bool:
        """Wait until it is open; return whether it was within the timeout, in seconds."""
        if not self.is_open and self._lock.acquire(timeout=_bounded(timeout)):
            self._lock.release()
        return self.is_open


@contextlib.contextmanager
def brief_turns() -> Iterator[None]:
    """Have CPU-bound threads give the GIL away sooner, while somebody waits for another thread to come to an end.

    With several of them the exporter thread gets the GIL every 20 ms or more, too seldom to write a full queue within
    the timeout of a shutdown.
    """
    interval = sys.getswitchinterval()
    if interval <= _BRIEF_TURN_SECONDS:  # another shutdown is under way
        yield
        return
    sys.setswitchinterval(_BRIEF_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def seconds(timeout_millis: float | None, default_millis: float) -> float:
    """Return a timeout in milliseconds, whatever a user gave, as seconds that can be waited for."""
    if timeout_millis is None or timeout_millis != timeout_millis:  # noqa: PLR0124 - NaN is what differs from itself
        timeout_millis = default_millis
    return min(max(timeout_millis / 1e3, 0.0), threading.TIMEOUT_MAX / 2)


def _bounded(timeout: float) -> float:
    return timeout if timeout == _FOREVER else min(max(timeout, 0.0), threading.TIMEOUT_MAX)
