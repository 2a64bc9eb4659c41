"""The exporter thread: it takes spans off the queue and is the only one that writes the file."""

from __future__ import annotations

import _thread
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from otel_sqlite_exporter import lifecycle
from otel_sqlite_exporter.delivery import Delivery
from otel_sqlite_exporter.event import permits_of
from otel_sqlite_exporter.forks import fork_mark
from otel_sqlite_exporter.intake import CHARACTERS_PER_PERMIT, Intake
from otel_sqlite_exporter.recorder import Recorder
from otel_sqlite_exporter.signals import Latch, Signal, brief_turns, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.config import BatchOptions, ExporterOptions
    from otel_sqlite_exporter.log_event import LogEvent
    from otel_sqlite_exporter.stats import Tally

_SHUTDOWN_TIMEOUT_MILLIS: Final = 5000
_FLUSH_TIMEOUT_MILLIS: Final = 30_000
_FORK_TIMEOUT_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.05
_PAUSE_AFTER_FAILURE_SECONDS: Final = 0.1
_ORDINARY: Final = 1
_LOG_EVENTS_PER_SPAN: Final = 4


class _FlushRequest:
    """One waiting ``force_flush``: done when everything up to ``target`` is written or counted as lost."""

    __slots__ = ("done", "is_settled", "lost_before", "target")

    def __init__(self, lost_before: int) -> None:
        self.lost_before = lost_before
        self.target: int | None = None  # set by the thread, which alone knows what it has in hand
        self.is_settled = False
        self.done = Latch()


class _ForkRequest:
    """One fork for which the thread closes the file and waits."""

    __slots__ = ("is_over", "is_parked")

    def __init__(self) -> None:
        self.is_parked = Latch()
        self.is_over = Latch()


class Writer:
    """Own one exporter thread, started by the first event and again should it ever die.

    Nothing here takes a lock that interrupting code could wait for: signal handlers and ``__del__`` end spans, flush
    and shut down in the middle of any of these methods.

    Args:
        intake: The queue that producers fill.
        tally: Counts that producers and this writer raise.
        exporter_options: For the recorder, which is made anew in a forked child.
        batch_options: The limits of a batch.
        on_write: Called after every attempt to write a batch, with its duration in seconds and the error's type, None
            where it succeeded.
    """

    def __init__(
        self,
        intake: Intake[ReadableSpan],
        tally: Tally,
        exporter_options: ExporterOptions,
        batch_options: BatchOptions,
        on_write: Callable[[float, str | None], None] | None = None,
    ) -> None:
        self._intake = intake
        self._tally = tally
        self._exporter_options = exporter_options
        self._batch_size = batch_options.max_export_batch_size
        self._delay_seconds = batch_options.schedule_delay_millis / 1e3
        self._on_write = on_write
        self._log_intake: Intake[LogEvent] = Intake(_LOG_EVENTS_PER_SPAN * intake.capacity)
        self._joins_log_events = False
        self._reset()
        lifecycle.watch(self)

    def _reset(self) -> None:
        self.is_closed = False
        self.is_idle = True
        """Whether the thread sleeps until it is signalled; producers look at it without a lock."""
        self._delivery = Delivery(Recorder(self._exporter_options), self._tally, self._observe_write, self._pause)
        if self._joins_log_events:
            self._delivery.join_log_events()
        self._may_start: deque[None] = deque([None])
        self._failed_starts = 0
        self._thread: threading.Thread | None = None
        self._last_take = time.monotonic()
        self._flushes: deque[_FlushRequest] = deque()
        self._forks: dict[int, _ForkRequest] = {}
        self._first_shutdown: deque[None] = deque([None])
        self._make_signals()
        self._pid = os.getpid()
        # The last two, in this order: another thread of a forked child may be waiting for them.
        self.fork_mark = fork_mark()
        self._reset_claims: dict[int, object] = {}

    def _make_signals(self) -> None:
        """Make what threads wait for, anew for each thread.

        gevent may have replaced the lock type since the processor was made, as under ``gunicorn --preload``; the old
        type would stop the whole process while the thread waits.
        """
        self.wake = Signal()
        self._hurry = Signal()
        self._finished = Latch()

    # The application's side.

    def signal(self) -> None:
        """Wake the thread, or start it. Takes no lock, never waits, never raises."""
        if self._thread is None:
            self._start()
        else:
            self.wake.set()

    def join_log_events(self) -> Callable[[LogEvent], None]:
        """Look for the log events of each span from now on, and return what queues one."""
        self._joins_log_events = True
        self._delivery.join_log_events()
        return self._offer_log_event

    def _offer_log_event(self, event: LogEvent) -> None:
        """Queue a log event, as lock-free as a span."""
        self.notice_fork()
        self._tally.log_events_received.raise_by_one()
        if self.is_closed or not self._log_intake.offer(event, 1 + event.size // CHARACTERS_PER_PERMIT):
            self._tally.log_events_dropped.raise_by_one()
        elif self.is_idle:
            self.signal()

    def flush(self, timeout_millis: float | None) -> bool:
        """Wait until everything that is queued now is in the file.

        Returns:
            False when that did not happen within the timeout, when some of it was lost, or after :meth:`shutdown`.
        """
        self.notice_fork()
        if self.is_closed or self._is_exporter_thread():
            return False
        if self._may_start and not self._is_anything_queued:
            return True  # no thread runs that could have anything in hand
        deadline = time.monotonic() + seconds(timeout_millis, _FLUSH_TIMEOUT_MILLIS)
        failed_starts = self._failed_starts
        request = _FlushRequest(self._tally.write_errors)
        self._flushes.append(request)
        while not (request.done.is_open or self._finished.is_open or self._failed_starts > failed_starts):
            self._hurry.set()
            self.signal()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            request.done.wait(remaining if self._thread is not None else min(remaining, _POLL_SECONDS))
        return request.is_settled and self._tally.write_errors == request.lost_before

    def shutdown(self, timeout_millis: float | None) -> None:
        """Write what is queued and close the file, within the timeout; count what could not be written."""
        self.notice_fork()
        deadline = time.monotonic() + seconds(timeout_millis, _SHUTDOWN_TIMEOUT_MILLIS)
        if _claim(self._first_shutdown):
            self._delivery.deadline = deadline
            self.is_closed = True
            self._intake.be_strict()
        if self._is_exporter_thread():
            return
        with brief_turns():
            self._await_end(deadline)
        if self._delivery.is_time_up and not self._finished.is_open:
            self._tally.is_abandoned = True
            self._delivery.report_shutdown_loss(self._tally.unsettled)

    def at_exit(self) -> None:
        """Shut down when the process ends and nobody else has."""
        if not self._finished.is_open:
            deadline = self._delivery.deadline  # of a shutdown that was interrupted, or that ran out of time
            self.shutdown(None if deadline is None else 1e3 * (deadline - time.monotonic()))

    def before_fork(self) -> None:
        """Have the thread close the file and wait, so that the child inherits nothing of it.

        A child can neither use nor close a connection that it inherits, and SQLite keeps per process what it believes
        to have locked: a new connection in the child would rely on locks that only the parent holds.
        """
        if self._may_start or self._finished.is_open or self._is_exporter_thread():
            return
        request = self._forks[threading.get_ident()] = _ForkRequest()
        self._hurry.set()
        self.signal()
        request.is_parked.wait(_FORK_TIMEOUT_SECONDS)

    def after_fork_in_parent(self) -> None:
        """Let the thread go on."""
        request = self._forks.pop(threading.get_ident(), None)
        if request is not None:
            request.is_over.open()

    def after_fork_in_child(self) -> None:
        """Start from nothing: the thread, the queue and the connection are the parent's."""
        claim = object()
        if self._reset_claims.setdefault(os.getpid(), claim) is claim:
            if not self.fork_mark[0] or self._pid != os.getpid():
                self._start_over()
        else:
            # Without fork hooks, the child's first spans may end in several threads at once.
            deadline = time.monotonic() + _POLL_SECONDS
            while not self.fork_mark[0] and time.monotonic() < deadline:
                time.sleep(0)

    def notice_fork(self) -> None:
        """Do what :meth:`after_fork_in_child` does where there was no fork hook, as under uWSGI."""
        if not self.fork_mark[0]:
            self.after_fork_in_child()

    def _start_over(self) -> None:
        self._delivery.abandon()
        was_closed = self.is_closed
        self._tally.reset()
        self._intake.reset()
        self._log_intake.reset()
        self._reset()
        if was_closed:
            self.is_closed = True
            self._tally.is_finished = True
            self._finished.open()

    def _await_end(self, deadline: float) -> None:
        while not self._finished.is_open:
            if _claim(self._may_start):
                self._drain_inline()
                return
            self._hurry.set()
            self.signal()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            # In slices only while the thread is being started: that may fail, and then the draining falls to us. The
            # thread is looked at first, because the latch was made before it.
            timeout = remaining if self._thread is not None else min(remaining, _POLL_SECONDS)
            self._finished.wait(timeout)

    def _drain_inline(self) -> None:
        """Write what is queued in the calling thread, for when the interpreter starts no threads any more."""
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))  # noqa: FBT003 - the key's own value
        try:
            self._run_to_end()
            self._finish()
        except BaseException as error:  # Ctrl-C in the middle: whoever shuts down next writes the rest
            self._delivery.lose_in_hand(error)
            self._may_start.append(None)
            raise
        finally:
            detach(token)

    def _is_exporter_thread(self) -> bool:
        thread = self._thread
        return thread is not None and thread.ident == threading.get_ident()

    def _observe_write(self, duration: float, error_type: str | None) -> None:
        if self._on_write is not None:
            self._on_write(duration, error_type)

    def _start(self) -> None:
        """Start the thread, if nobody else has.

        ``Thread.start`` takes locks and waits for the new thread. A raw thread does that in the producer's place.
        """
        if self.is_closed or not _claim(self._may_start):
            return
        try:
            self._make_signals()
            lifecycle.watch_multiprocessing_exit(self)
            _thread.start_new_thread(self._spawn, ())
        except BaseException as error:
            self._give_up_starting()
            if not isinstance(error, Exception):  # Ctrl-C is the application's; else no thread can be had now
                raise

    def _spawn(self) -> None:
        thread = threading.Thread(target=self._run, name="otel-sqlite-exporter", daemon=True)
        try:
            thread.start()
        except Exception:  # noqa: BLE001 - the next event or shutdown tries again
            self._give_up_starting()

    def _give_up_starting(self) -> None:
        self._failed_starts += 1
        self._may_start.append(None)

    # The exporter thread.

    def _run(self) -> None:
        self._thread = threading.current_thread()
        self._last_take = time.monotonic()
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))  # noqa: FBT003 - the key's own value
        try:
            self._run_to_end()
        except BaseException as error:
            self._delivery.lose_in_hand(error)
            raise
        finally:
            if self.is_closed:
                self._finish()
            else:
                self._thread = None
                self.wake = Signal()  # one that is set would tell producers that a thread is about to look
                self.is_idle = True
                self._may_start.append(None)
                if self._is_anything_queued or self._flushes:
                    self.signal()

    def _run_to_end(self) -> None:
        """Gather and write until the shutdown, and then what is still queued."""
        is_last = False
        while not is_last or self._is_anything_queued:
            is_last = self.is_closed  # looked at before the queue: what comes later is too late
            try:
                if not is_last:
                    self._gather()
                self._drain()
                if not is_last:
                    self._delivery.maintain(self._is_wanted)
            except Exception as error:  # noqa: BLE001 - whatever it was, recording goes on
                self._delivery.lose_in_hand(error)
                self._pause(_PAUSE_AFTER_FAILURE_SECONDS)

    def _gather(self) -> None:
        """Sleep until a batch is full, the oldest span has waited its time, or somebody is in a hurry."""
        intake = self._intake
        # What is queued already came while the last batch was written, after the last look at the queue.
        deadline = self._last_take + self._delay_seconds if self._is_anything_queued else None
        while not (self.is_closed or self._flushes):
            self._park()
            if len(intake) >= self._batch_size:
                return
            if not self._is_anything_queued:
                # First say that a signal is needed, then look again: a producer appends first and looks then, so one
                # of the two always sees the other.
                self.is_idle = True
                if not self._is_wanted():
                    self.wake.wait(self._delivery.seconds_to_maintenance)
                self.is_idle = False
                if not self._is_anything_queued:
                    self._delivery.maintain(self._is_wanted)
                continue
            now = time.monotonic()
            if deadline is None:
                deadline = now + self._delay_seconds
            if now >= deadline:
                return
            self.wake.wait(deadline - now)

    @property
    def _is_anything_queued(self) -> bool:
        return bool(self._intake or self._log_intake)

    def _is_wanted(self) -> bool:
        return bool(self._is_anything_queued or self._flushes or self._forks or self.is_closed)

    def _drain(self) -> None:
        """Write what is queued, in batches; leave a last small one to gather more, unless somebody is in a hurry."""
        tally = self._tally
        while True:
            self._park()
            for request in list(self._flushes):
                if request.target is None:
                    request.target = tally.taken + len(self._intake)
            self._last_take = time.monotonic()
            spans = tally.take(self._batch_size)
            # Taken after the spans: what a span's instrumentation emitted before the span ended is then among them.
            log_events = self._log_intake.take(self._log_intake.capacity)
            if not spans and not log_events:
                break
            if self._delivery.is_time_up:
                self._delivery.give_up(len(spans))
                continue
            self._look_at_sizes(spans)
            self._delivery.deliver(spans, log_events)
            self._settle_flushes()
            if len(self._intake) < self._batch_size and not (self._flushes or self.is_closed):
                break
        self._settle_flushes()
        self._delivery.write_counts()

    def _settle_flushes(self) -> None:
        settled = self._tally.settled
        while self._flushes:
            target = self._flushes[0].target
            if target is None or target > settled:
                break
            request = self._flushes.popleft()
            request.is_settled = True
            request.done.open()

    def _look_at_sizes(self, spans: list[ReadableSpan]) -> None:
        """Have producers look at the size of their spans from the first large one on."""
        if not self._intake.is_strict and any(permits_of(span) > _ORDINARY for span in spans):
            self._intake.be_strict()

    def _pause(self, duration: float) -> None:
        self._hurry.wait(duration)
        self._park()

    def _park(self) -> None:
        """Close the file and wait while the process forks."""
        while self._forks:
            for thread, request in list(self._forks.items()):
                self._delivery.close()
                request.is_parked.open()
                if not request.is_over.wait(_FORK_TIMEOUT_SECONDS):
                    self._forks.pop(thread, None)

    def _finish(self) -> None:
        """End the ledger and close the file: the last thing the writer does."""
        self._tally.is_finished = True
        try:
            self._delivery.end()
        finally:
            self._finished.open()
            while self._flushes:
                self._flushes.popleft().done.open()


def _claim(token: deque[None]) -> bool:
    """Take the one item of a deque, in one atomic step; return whether it was there."""
    try:
        token.pop()
    except IndexError:
        return False
    return True
