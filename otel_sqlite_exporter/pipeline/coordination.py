"""Where the application's threads and the exporter thread meet: who waits for what, and who is told."""

from __future__ import annotations

from collections import deque

from otel_sqlite_exporter.pipeline.latches import Latch, Signal


class FlushRequest:
    """One waiting ``force_flush``: done when everything up to ``target`` is written or counted as lost."""

    __slots__ = ("done", "is_settled", "lost_before", "target")

    def __init__(self, lost_before: int) -> None:
        self.lost_before = lost_before
        self.target: int | None = None  # set by the thread, which alone knows what it has in hand
        self.is_settled = False
        self.done = Latch()


class Flushes:
    """The flushes that wait, the oldest first."""

    def __init__(self) -> None:
        self._requests: deque[FlushRequest] = deque()

    def __bool__(self) -> bool:
        """Tell whether any waits."""
        return bool(self._requests)

    def ask(self, lost_before: int) -> FlushRequest:
        """Ask for a flush, as any thread may."""
        request = FlushRequest(lost_before)
        self._requests.append(request)
        return request

    def accept(self, target: int) -> None:
        """Have the requests that are new wait for so many settled events."""
        for request in list(self._requests):
            if request.target is None:
                request.target = target

    def settle(self, settled: int) -> None:
        """Answer the requests whose events are among those that are settled."""
        while self._requests:
            target = self._requests[0].target
            if target is None or target > settled:
                break
            request = self._requests.popleft()
            request.is_settled = True
            request.done.open()

    def dismiss(self) -> None:
        """Let everybody go on, unsettled."""
        while self._requests:
            self._requests.popleft().done.open()


class LeftByForkError(BaseException):
    """This code is the parent's: the process was forked from within it, by ``redact`` or by a log handler."""


class Coordination:
    """What the application's threads and one exporter thread tell each other."""

    __slots__ = ("finished", "flushes", "hurry", "is_closed", "is_idle", "is_left", "wake")

    def __init__(self) -> None:
        self.is_closed = False
        """Whether a shutdown has begun."""
        self.is_idle = True
        """Whether the thread sleeps until it is woken; producers look at it without a lock."""
        self.flushes = Flushes()
        self.is_left = False
        """Whether this is a child now, in which nothing of the parent's thread may go on."""
        self.renew_signals()

    def renew_signals(self) -> None:
        """Make what threads wait for, anew for each exporter thread.

        gevent may have replaced the lock type since the processor was made, as under ``gunicorn --preload``; the old
        type would stop the whole process while the thread waits.
        """
        self.wake = Signal()
        self.hurry = Signal()
        self.finished = Latch()

    def thread_died(self) -> None:
        """Have the next event start another thread."""
        self.wake = Signal()  # one that is set would tell producers that a thread is about to look
        self.is_idle = True
