"""The exporter thread: it takes events off the queue and is the only one that writes the file."""

from __future__ import annotations

import _thread
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from otel_sqlite_exporter import lifecycle
from otel_sqlite_exporter.connection import Failure, failure_of
from otel_sqlite_exporter.database import Batch
from otel_sqlite_exporter.event import permits_of
from otel_sqlite_exporter.recorder import Recorder
from otel_sqlite_exporter.reporting import TroubleLog
if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_sqlite_exporter.config import BatchOptions, ExporterOptions
    from otel_sqlite_exporter.event import LLMSpanEvent
    from otel_sqlite_exporter.intake import Intake
    from otel_sqlite_exporter.stats import Tally

_EXIT_TIMEOUT_MILLIS: Final = 5000
_FIRST_PAUSE: Final = {Failure.BUSY: 0.002, Failure.TRANSIENT: 0.1}
_LONGEST_PAUSE: Final = {Failure.BUSY: 0.1, Failure.TRANSIENT: 2.0}
_START_POLL_SECONDS: Final = 0.05
_LARGE_EVENT: Final = 1


class _FlushRequest:
    """One waiting ``force_flush``: done when everything up to ``target`` is written or counted as lost."""

    __slots__ = ("done", "target")

    def __init__(self, target: int) -> None:
        self.target = target
        self.done = threading.Event()


class Writer:
    """Own one exporter thread, started by the first event and again should it ever die.

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
        intake: Intake[LLMSpanEvent],
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
        self._reset()
        lifecycle.watch(self)

    def _reset(self) -> None:
        self.pid = os.getpid()
        self.is_closed = False
        self.is_idle = True
        """Whether the thread sleeps until it is signalled; producers look at it without a lock."""
        self._recorder = Recorder(self._exporter_options)
        self._log = TroubleLog()
        # Held by the thread while it sleeps; a producer wakes it by releasing. A bare lock, because Event.set and
        # Condition.notify take locks that are not reentrant.
        self.wake = threading.Lock()
        self.wake.acquire()
        self._urgent = threading.Event()
        self._may_start: deque[None] = deque([None])
        self._thread: threading.Thread | None = None
        self._flushes: deque[_FlushRequest] = deque()
        self._shutdown_lock = threading.Lock()
        self._finished = threading.Event()
        self._deadline: float | None = None
        self._broken_file: tuple[int, ...] | None = None
        self._is_broken = False

    # The application's side.

    def signal(self) -> None:
        """Wake the thread, or start it. Takes no lock, never waits, never raises."""
        if self._thread is None:
            self._start()
            return
        try:
            self.wake.release()
        except RuntimeError:  # another producer was first
            pass

    def flush(self, timeout_millis: float) -> bool:
        """Wait until everything that is queued now is in the file.

        Returns:
            False when that did not happen within the timeout, or after :meth:`shutdown`.
        """
        if self.is_closed or self._thread is threading.current_thread():
            return False
        request = _FlushRequest(self._tally.taken + len(self._intake))
        if self._tally.settled >= request.target:
            return True
        self._flushes.append(request)
        self._urgent.set()
        self.signal()
        return request.done.wait(max(timeout_millis, 0) / 1e3)

    def shutdown(self, timeout_millis: float) -> None:
        """Write what is queued and close the file, within the timeout; count what could not be written."""
        deadline = time.monotonic() + max(timeout_millis, 0) / 1e3
        is_first = self._shutdown_lock.acquire(blocking=False)
        if is_first:
            self._deadline = deadline
            self.is_closed = True
        if self._thread is threading.current_thread():
            return
        try:
            self._await_end(deadline)
        finally:
            if is_first and not self._finished.is_set():
                self._tally.is_abandoned = True

    def at_exit(self) -> None:
        """Shut down when the process ends and nobody else has."""
        if not self._finished.is_set():
            self.shutdown(_EXIT_TIMEOUT_MILLIS)

    def after_fork_in_child(self) -> None:
        """Start from nothing: the thread, the queue and the connection are the parent's."""
        self._recorder.database.abandon()
        was_closed = self.is_closed
        self._tally.reset()
        self._intake.reset()
        self._reset()
        self.is_closed = was_closed
        if was_closed:
            self._tally.is_finished = True
            self._finished.set()

    def _await_end(self, deadline: float) -> None:
        while not self._finished.is_set():
            if self._claim_start():
                self._drain_inline()
                return
            self._urgent.set()
            self.signal()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            # In slices only while the thread is being started: that may fail, and then the draining falls to us.
            self._finished.wait(remaining if self._thread is not None else min(remaining, _START_POLL_SECONDS))

    def _drain_inline(self) -> None:
        """Write what is queued in the calling thread, for when the interpreter starts no threads any more."""
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            self._drain()
            self._finish()
        finally:
            detach(token)

    def _claim_start(self) -> bool:
        try:
            self._may_start.pop()
        except IndexError:
            return False
        return True

    def _start(self) -> None:
        """Start the thread, if nobody else has.

        ``Thread.start`` takes locks and waits for the new thread. A raw thread does that in the producer's place.
        """
        if self.is_closed or not self._claim_start():
            return
        try:
            lifecycle.watch_multiprocessing_exit(self)
            _thread.start_new_thread(self._spawn, ())
        except Exception:  # noqa: BLE001 - no thread can be had now; the next event or shutdown tries again
            self._may_start.append(None)

    def _spawn(self) -> None:
        thread = threading.Thread(target=self._run, name="otel-sqlite-exporter", daemon=True)
        try:
            thread.start()
        except Exception:  # noqa: BLE001 - as in _start
            self._may_start.append(None)

    # The exporter thread.

    def _run(self) -> None:
        self._thread = threading.current_thread()
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            while not self.is_closed:
                try:
                    self._gather()
                    self._drain()
                    self._maintain()
                except Exception as error:  # noqa: BLE001 - whatever it was, recording goes on
                    self._lose_in_hand(error)
            self._drain()
        except BaseException as error:
            self._lose_in_hand(error)
            raise
        finally:
            if self.is_closed:
                self._finish()
            else:
                self._thread = None
                self.is_idle = True
                self._may_start.append(None)

    def _gather(self) -> None:
        """Sleep until a batch is full, the oldest event has waited its time, or somebody asks for a flush."""
        intake = self._intake
        deadline: float | None = None
        while not (self.is_closed or self._flushes):
            queued = len(intake)
            if queued >= self._batch_size:
                return
            if queued == 0:
                # First say that a signal is needed, then look again: a producer appends first and looks then, so one
                # of the two always sees the other.
                self.is_idle = True
                if not intake and not self.is_closed and not self._flushes:
                    self.wake.acquire(timeout=self._seconds_to_maintenance())
                self.is_idle = False
                if not intake:
                    self._maintain()
                continue
            now = time.monotonic()
            if deadline is None:
                deadline = now + self._delay_seconds
            if now >= deadline:
                return
            self.wake.acquire(timeout=deadline - now)

    def _seconds_to_maintenance(self) -> float:
        recorder = self._recorder
        if recorder.retention.is_wanted and recorder.database.connection is not None:
            return recorder.retention.seconds_to_next_pass
        return -1  # forever

    def _maintain(self) -> None:
        """Delete what the retention limits ask for, a slice at a time and only while nothing else is to be done."""
        recorder = self._recorder
        database, retention = recorder.database, recorder.retention
        if not retention.is_wanted:
            return
        while database.connection is not None and retention.seconds_to_next_pass == 0 and not self.is_closed:
            try:
                database.prune(retention)
            except Exception as error:  # noqa: BLE001 - recording goes on; the next pass tries again
                retention.postpone()
                if failure_of(error) is not Failure.BUSY:
                    self._log.trouble("retention", "%s: old traces could not be deleted (%s)", database.path, error)
            if self._intake or self._flushes:
                break
        if retention.is_over_cap:
            self._log.trouble("cap", "%s: larger than max_database_bytes with nothing left to delete", database.path)
        else:
            self._log.over("cap", "%s: within max_database_bytes again", database.path)

    def _drain(self) -> None:
        """Write batches until the queue is empty."""
        tally = self._tally
        while True:
            self._urgent.clear()
            self._settle_flushes()
            events = self._intake.take(self._batch_size)
            tally.take(len(events))
            if not events:
                break
            self._look_at_sizes(events)
            batch, failed, reason = self._recorder.convert([event.span for event in events])
            if failed:
                tally.lose("conversion_error", failed, reason)
                self._log.trouble("conversion", "%d spans could not be converted and are lost: %s", failed, reason)
            self._write(batch)
            self._report_overflow()
        self._write_counts()

    def _write(self, batch: Batch) -> None:
        """Write a batch, again and again until it is in the file, the file proves unusable, or time is up."""
        database = self._recorder.database
        tally = self._tally
        count = len(batch.records)
        pause = 0.0
        while True:
            if self._is_broken and database.file_identity() == self._broken_file:
                tally.lose("write_error", count, None)
                return
            started = time.monotonic()
            try:
                result = database.write(batch, tally.counts_after)
            except Exception as error:  # noqa: BLE001 - classified below
                self._observe_write(started, error)
                failure = failure_of(error)
                tally.last_error = f"{type(error).__name__}: {error}"
                self._log.trouble(
                    "write", "%s: not writable (%s); queued spans are kept and tried again", database.path, error
                )
                if failure in {Failure.BROKEN, Failure.POISON}:
                    self._is_broken = failure is Failure.BROKEN
                    self._broken_file = database.file_identity()
                    tally.lose("write_error", count, error)
                    return
                if self._is_time_up():
                    tally.lose("write_error", count, error)
                    return
                pause = min(max(2 * pause, _FIRST_PAUSE[failure]), _LONGEST_PAUSE[failure])
                self._pause(pause)
            else:
                self._observe_write(started, None)
                break
        self._is_broken = False
        tally.wrote(result.written)
        if result.failed:
            tally.lose("write_error", result.failed, result.error)
            self._log.trouble("rows", "%d spans could not be stored and are lost: %s", result.failed, result.error)
        self._log.over("write", "%s: writable again", database.path)

    def _observe_write(self, started: float, error: Exception | None) -> None:
        if self._on_write is not None:
            try:
                self._on_write(time.monotonic() - started, None if error is None else type(error).__qualname__)
            except Exception as metrics_error:  # noqa: BLE001 - the application's metrics pipeline, not ours
                self._log.trouble("metrics", "the self-metrics could not be recorded: %r", metrics_error)

    def _pause(self, seconds: float) -> None:
        if self._deadline is not None:
            seconds = min(seconds, max(self._deadline - time.monotonic(), 0.0))
        self._urgent.wait(seconds)
        self._urgent.clear()

    def _is_time_up(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _settle_flushes(self) -> None:
        settled = self._tally.settled
        while self._flushes and self._flushes[0].target <= settled:
            self._flushes.popleft().done.set()

    def _look_at_sizes(self, events: list[LLMSpanEvent]) -> None:
        """Have producers look at the size of their events from the first large one on."""
        if not self._intake.is_measuring:
            self._intake.is_measuring = any(permits_of(event.span) > _LARGE_EVENT for event in events)

    def _report_overflow(self) -> None:
        dropped = self._tally.queue_full.value()
        if dropped > self._tally.reported_overflow:
            self._tally.reported_overflow = dropped
            self._log.trouble("overflow", "the queue is full: %d spans are lost so far", dropped)

    def _write_counts(self) -> None:
        """Have the ledger tell of what was skipped and dropped since the last batch, and that a loss has ended."""
        self._report_overflow()
        if self._log.is_reported("overflow"):
            self._log.over("overflow", "the queue has room again; %d spans were lost", self._tally.reported_overflow)
        database = self._recorder.database
        tally = self._tally
        counts = tally.counts()
        if database.connection is None or not database.is_behind(counts):
            return
        try:
            database.write(Batch(), tally.counts_after)
        except Exception as error:  # noqa: BLE001 - the next batch carries the counts
            tally.last_error = f"{type(error).__name__}: {error}"

    def _lose_in_hand(self, error: BaseException) -> None:
        lost = self._tally.in_hand
        self._tally.lose("write_error", lost, error)
        self._log.trouble("thread", "the exporter thread failed (%r); %d spans are lost, recording goes on", error, lost)

    def _finish(self) -> None:
        """Count what is left, end the ledger and close the file: the last thing the writer does."""
        database = self._recorder.database
        try:
            self._settle_flushes()
            database.end(self._tally.counts())
        except Exception as error:  # noqa: BLE001 - the ledger then says what is true: no clean end
            self._tally.last_error = f"{type(error).__name__}: {error}"
        finally:
            database.close()
            self._tally.is_finished = True
            self._finished.set()
