"""What the exporter thread does: gather spans, write them in batches, and what is left at the end."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.pipeline.coordination import LeftByForkError
from otel_sqlite_exporter.pipeline.delivery import Delivery
from otel_sqlite_exporter.pipeline.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.calls.log_event import LogEvent
    from otel_sqlite_exporter.config import BatchOptions, ExporterOptions
    from otel_sqlite_exporter.pipeline.bounded_queue import BoundedQueue
    from otel_sqlite_exporter.pipeline.coordination import Coordination
    from otel_sqlite_exporter.pipeline.counts import Tally
    from otel_sqlite_exporter.pipeline.passing_spans import PassingSpans

_PAUSE_AFTER_FAILURE_SECONDS: Final = 0.1


class ExportLoop:
    """Take spans off the queue and write them, in whichever one thread runs it.

    Args:
        coordination: Where the application's threads ask for something.
        queue: The queue of spans.
        log_queue: The queue of log events.
        passing: Spans that get no row.
        tally: The processor's counts.
        exporter_options: For the recorder.
        batch_options: The limits of a batch.
        on_write: As :class:`Delivery` takes it.
    """

    def __init__(
        self,
        coordination: Coordination,
        queue: BoundedQueue[ReadableSpan],
        log_queue: BoundedQueue[LogEvent],
        passing: PassingSpans,
        tally: Tally,
        *,
        exporter_options: ExporterOptions,
        batch_options: BatchOptions,
        on_write: Callable[[float, str | None], None] | None,
    ) -> None:
        self._coordination = coordination
        self._queue = queue
        self._log_queue = log_queue
        self._passing = passing
        self._tally = tally
        self._batch_size = batch_options.max_export_batch_size
        self._delay_seconds = batch_options.schedule_delay_millis / 1e3
        self._last_take = -math.inf
        self.delivery = Delivery(
            Recorder(exporter_options),
            tally,
            on_write,
            self._pause,
            self._check_process,
            delay_seconds=self._delay_seconds,
        )

    @property
    def is_anything_queued(self) -> bool:
        """Whether there is something to write."""
        return bool(self._queue or self._log_queue)

    def write_at_once(self) -> None:
        """Let nothing gather from now on. Any thread, any time."""
        self._delay_seconds = 0.0
        self.delivery.heartbeat.delay_no_more()

    def run(self) -> None:
        """Gather and write until the shutdown, and then what is still queued."""
        is_last = False
        while not is_last or self.is_anything_queued:
            is_last = self._coordination.is_closed  # looked at before the queue: what comes later is too late
            try:
                if not is_last:
                    self._gather()
                self._drain()
                if not is_last:
                    self.delivery.maintain(self._is_wanted)
            except Exception as error:  # noqa: BLE001 - whatever it was, recording goes on
                self.delivery.lose_in_hand(error)
                self._pause(_PAUSE_AFTER_FAILURE_SECONDS)

    def finish(self) -> None:
        """End the ledger and close the file: the last thing that is done."""
        self._tally.is_finished = True
        try:
            self.delivery.end()
        finally:
            self._coordination.finished.open()
            self._coordination.flushes.dismiss()

    def _gather(self) -> None:
        """Sleep until a batch is full, the delay since the last batch is over, or somebody is in a hurry.

        So the first span after a while is written at once, before those gather that follow, and whoever looks into the
        file next finds it: the next cell of a notebook, a live page.
        """
        meeting = self._coordination
        while not (meeting.is_closed or meeting.flushes):
            if len(self._queue) >= self._batch_size:
                return
            if not self.is_anything_queued:
                # First say that a signal is needed, then look again: a producer appends first and looks then, so one
                # of the two always sees the other.
                meeting.is_idle = True
                if not self._is_wanted():
                    meeting.wake.wait(self.delivery.seconds_to_maintenance)
                meeting.is_idle = False
                if not self.is_anything_queued:
                    self.delivery.maintain(self._is_wanted)
                continue
            left = self._last_take + self._delay_seconds - time.monotonic()
            if left <= 0:
                return
            meeting.wake.wait(left)

    def _is_wanted(self) -> bool:
        meeting = self._coordination
        return bool(self.is_anything_queued or meeting.flushes or meeting.is_closed)

    def _drain(self) -> None:
        """Write what is queued, in batches; leave a last small one to gather more, unless somebody is in a hurry."""
        tally, meeting = self._tally, self._coordination
        while True:
            meeting.flushes.accept(tally.taken + len(self._queue))
            taken_at = time.monotonic()
            spans = tally.take(self._batch_size)
            if spans:  # log events alone, which come before their span, are no batch
                self._last_take = taken_at
            # Taken after the spans: what a span's instrumentation emitted before the span ended is then among them.
            log_events = self._log_queue.take(self._log_queue.capacity)
            passing = self._passing.take() if spans or meeting.flushes or meeting.is_closed else []
            if not spans and not log_events and not passing:
                break
            if self.delivery.is_time_up:
                self.delivery.give_up(len(spans))
                continue
            is_awaited = bool(meeting.flushes or meeting.is_closed)
            self.delivery.deliver(
                spans,
                log_events,
                passing,
                is_last=is_awaited and not self._queue,
                is_followed=not is_awaited and len(self._queue) >= self._batch_size,
            )
            meeting.flushes.settle(tally.settled)
            if len(self._queue) < self._batch_size and not (meeting.flushes or meeting.is_closed):
                break
        if (meeting.flushes or meeting.is_closed) and not self.delivery.is_time_up:
            self.delivery.settle()
        meeting.flushes.settle(tally.settled)
        self.delivery.write_counts()

    def _pause(self, duration: float) -> None:
        self._coordination.hurry.wait(duration)
        self._queue.find_missing()
        self._check_process()

    def _check_process(self) -> None:
        """Raise LeftByForkError in a child that was forked from within this very thread."""
        if self._coordination.is_left:
            raise LeftByForkError
