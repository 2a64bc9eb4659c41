"""The owner of the exporter thread: starts it, wakes it, waits for it, and sees to it that a fork does no harm."""

from __future__ import annotations

import _thread
import contextlib
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from otel_sqlite_exporter.pipeline import process_hooks
from otel_sqlite_exporter.pipeline.bounded_queue import CHARACTERS_PER_PERMIT, BoundedQueue
from otel_sqlite_exporter.pipeline.coordination import Coordination, LeftByForkError
from otel_sqlite_exporter.pipeline.export_loop import ExportLoop
from otel_sqlite_exporter.pipeline.foreign_errors import is_of_a_handler
from otel_sqlite_exporter.pipeline.fork_mark import fork_mark
from otel_sqlite_exporter.pipeline.latches import brief_turns, seconds
from otel_sqlite_exporter.pipeline.passing_spans import PassingSpans

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.calls.log_event import LogEvent
    from otel_sqlite_exporter.config import BatchOptions, ExporterOptions
    from otel_sqlite_exporter.pipeline.counts import Tally

_SHUTDOWN_TIMEOUT_MILLIS: Final = 5000
_FLUSH_TIMEOUT_MILLIS: Final = 30_000
_POLL_SECONDS: Final = 0.05
_LOG_EVENTS_PER_SPAN: Final = 4


class ExporterThread:
    """Own one exporter thread, started by the first event and again should it ever die.

    Nothing here takes a lock that interrupting code could wait for: signal handlers and ``__del__`` end spans, flush
    and shut down in the middle of any of these methods.

    Args:
        queue: The queue that producers fill.
        tally: Counts that producers and this writer raise.
        exporter_options: For the recorder, which is made anew in a forked child.
        batch_options: The limits of a batch.
        on_write: Called after every attempt to write a batch, with its duration in seconds and the error's type, None
            where it succeeded.
    """

    def __init__(
        self,
        queue: BoundedQueue[ReadableSpan],
        tally: Tally,
        exporter_options: ExporterOptions,
        batch_options: BatchOptions,
        on_write: Callable[[float, str | None], None] | None = None,
    ) -> None:
        self._queue = queue
        self._tally = tally
        self._exporter_options = exporter_options
        self._batch_options = batch_options
        self._on_write = on_write
        self._log_queue: BoundedQueue[LogEvent] = BoundedQueue(
            _LOG_EVENTS_PER_SPAN * queue.capacity, lambda event: 1 + event.size // CHARACTERS_PER_PERMIT
        )
        self.passing = PassingSpans()
        self._joins_log_events = False
        self._is_forked = False
        self._reset()
        process_hooks.watch(self)

    def _reset(self) -> None:
        self.coordination = Coordination()
        self._loop = ExportLoop(
            self.coordination,
            self._queue,
            self._log_queue,
            self.passing,
            self._tally,
            exporter_options=self._exporter_options,
            batch_options=self._batch_options,
            on_write=self._observe_write,
        )
        if self._joins_log_events:
            self._loop.delivery.join_log_events()
        self._may_start: deque[None] = deque([None])
        self._may_run: deque[None] = deque([None])
        """Taken by the one who gathers and writes: the thread, or a shutdown where there can be none."""
        self._failed_starts = 0
        self._thread: threading.Thread | None = None
        self._first_shutdown: deque[None] = deque([None])
        self._pid = os.getpid()
        # The last two, in this order: another thread of a forked child may be waiting for them.
        self.fork_mark = fork_mark()
        self._reset_claims: dict[int, object] = {}

    @property
    def path(self) -> str:
        """The absolute path of the file."""
        return self._exporter_options.path

    # The application's side.

    def signal(self) -> None:
        """Wake the thread, or start it. Takes no lock, never waits, never raises."""
        if self._thread is None:
            self._start()
        else:
            self.coordination.wake.set()

    def write_at_once(self) -> None:
        """Let nothing gather from now on. Takes no lock, never waits, never raises."""
        self._loop.write_at_once()
        if self._thread is not None:
            self.coordination.wake.set()

    def _hasten(self) -> None:
        self.coordination.hurry.set()
        self.signal()

    def join_log_events(self) -> Callable[[LogEvent], None]:
        """Look for the log events of each span from now on, and return what queues one."""
        self._joins_log_events = True
        self._loop.delivery.join_log_events()
        return self._offer_log_event

    def _offer_log_event(self, event: LogEvent) -> None:
        """Queue a log event, as lock-free as a span."""
        self.notice_fork()
        self._tally.log_events_received.raise_by_one()
        if self.coordination.is_closed or not self._log_queue.offer(event):
            self._tally.log_events_dropped.raise_by_one()
        elif self.coordination.is_idle:
            self.signal()

    def flush(self, timeout_millis: float | None) -> bool:
        """Wait until everything that is queued now is in the file.

        Returns:
            False when that did not happen within the timeout, when some of it was lost, or after :meth:`shutdown`.
        """
        self.notice_fork()
        if self.coordination.is_closed or self._is_exporter_thread():
            return False
        if self._may_start and not self._loop.is_anything_queued:
            return True  # no thread runs that could have anything in hand
        deadline = time.monotonic() + seconds(timeout_millis, _FLUSH_TIMEOUT_MILLIS)
        failed_starts = self._failed_starts
        request = self.coordination.flushes.ask(self._tally.write_errors)
        while not (request.done.is_open or self.coordination.finished.is_open or self._failed_starts > failed_starts):
            self._hasten()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            request.done.wait(remaining if self._thread is not None else min(remaining, _POLL_SECONDS))
        return request.is_settled and self._tally.write_errors == request.lost_before

    def shutdown(self, timeout_millis: float | None) -> None:
        """Write what is queued and close the file, within the timeout; count what could not be written."""
        self.notice_fork()
        deadline = time.monotonic() + seconds(timeout_millis, _SHUTDOWN_TIMEOUT_MILLIS)
        is_first = _claim(self._first_shutdown)
        if is_first:
            self._loop.delivery.deadline = deadline
            self.coordination.is_closed = True
            self._queue.be_strict()
        if self._is_exporter_thread():
            return
        with brief_turns():
            self._await_end(deadline)
        if self._loop.delivery.is_time_up and not self.coordination.finished.is_open:
            self._tally.is_abandoned = True
            self._loop.delivery.report_shutdown_loss(self._tally.unsettled)
        if is_first and not self._is_forked:
            self._report_silence()

    def at_exit(self) -> None:
        """Shut down when the process ends and nobody else has."""
        if not self.coordination.finished.is_open:
            deadline = self._loop.delivery.deadline  # of a shutdown that was interrupted, or that ran out of time
            self.shutdown(None if deadline is None else 1e3 * (deadline - time.monotonic()))

    def before_fork(self) -> None:
        """Close the file, so that the child inherits nothing of it (see ``DatabaseWriter.prepare_fork``)."""
        self._loop.delivery.prepare_fork()

    def after_fork_in_parent(self) -> None:
        """Let the thread go on."""
        self._is_forked = True
        self._loop.delivery.fork_is_over()

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
        self._loop.delivery.abandon()
        self.coordination.is_left = True
        was_closed = self.coordination.is_closed
        self._is_forked = True
        self._tally.reset()
        self._queue.reset()
        self._log_queue.reset()
        self._reset()
        if was_closed:
            self.coordination.is_closed = True
            self._tally.is_finished = True
            self.coordination.finished.open()

    def _report_silence(self) -> None:
        """Say that there was no LLM span, or no prompt in any.

        Not in a process that forked or was forked, of which others had the calls.
        """
        counts = self._tally.counts()
        without_content = self._tally.calls_without_content
        if counts.received == counts.skipped or without_content:
            with contextlib.suppress(Exception):  # a log handler's
                from otel_sqlite_exporter.pipeline.silence import Silence  # noqa: PLC0415 - most processes have spans

                Silence.report(self.path, skipped=counts.skipped, calls_without_content=without_content)

    def _await_end(self, deadline: float) -> None:
        while not self.coordination.finished.is_open:
            if self._may_start and _claim(self._may_run):
                self._drain_inline()
                return
            self._hasten()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            # In slices only while the thread is being started: that may fail, and then the draining falls to us. The
            # thread is looked at first, because the latch was made before it.
            timeout = remaining if self._thread is not None else min(remaining, _POLL_SECONDS)
            self.coordination.finished.wait(timeout)

    def _drain_inline(self) -> None:
        """Write what is queued in the calling thread, for when the interpreter starts no threads any more."""
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))  # noqa: FBT003 - the key's own value
        try:
            self._loop.run()
            self._loop.finish()
        except LeftByForkError:
            return
        except BaseException as error:  # Ctrl-C in the middle: whoever shuts down next writes the rest
            self._loop.delivery.lose_in_hand(error)
            self._may_run.append(None)
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
        if self.coordination.is_closed or not _claim(self._may_start):
            return
        try:
            self.coordination.renew_signals()
            process_hooks.watch_multiprocessing_exit(self)
            _thread.start_new_thread(self._spawn, ())
        except BaseException as error:
            # Whether there is a thread now, nobody can tell where a signal handler raised: only one of two would run.
            self._give_up_starting()
            if not isinstance(error, Exception) or is_of_a_handler(error):  # Ctrl-C and the like are the application's
                raise

    def _spawn(self) -> None:
        if not _claim(self._may_run):
            return
        try:
            threading.Thread(target=self._run, name="otel-sqlite-exporter", daemon=True).start()
        except Exception:  # noqa: BLE001 - the next event or shutdown tries again
            self._may_run.append(None)
            self._give_up_starting()

    def _give_up_starting(self) -> None:
        self._failed_starts += 1
        self._may_start.append(None)

    # The exporter thread.

    def _run(self) -> None:
        self._thread = threading.current_thread()
        coordination, loop = self.coordination, self._loop
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))  # noqa: FBT003 - the key's own value
        try:
            loop.run()
        except LeftByForkError:
            return
        except BaseException as error:
            loop.delivery.lose_in_hand(error)
            raise
        finally:
            if coordination.is_left:
                pass
            elif coordination.is_closed:
                loop.finish()
            else:
                self._thread = None
                coordination.thread_died()
                self._may_run.append(None)
                self._may_start.append(None)
                if loop.is_anything_queued or coordination.flushes:
                    self.signal()


def _claim(token: deque[None]) -> bool:
    """Take the one item of a deque, in one atomic step; return whether it was there."""
    try:
        token.pop()
    except IndexError:
        return False
    return True
