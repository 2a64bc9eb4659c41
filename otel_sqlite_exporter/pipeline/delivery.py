"""Batches on their way into the file: tried again while that may help, counted as lost where it can't."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.batch import Batch
from otel_sqlite_exporter.database.connection import WAL_SIZE_LIMIT, Failure, failure_of
from otel_sqlite_exporter.pipeline.heartbeat import Heartbeat
from otel_sqlite_exporter.pipeline.pruning import Pruner
from otel_sqlite_exporter.pipeline.trouble_log import TroubleLog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.calls.log_event import LogEvent
    from otel_sqlite_exporter.pipeline.counts import Tally
    from otel_sqlite_exporter.pipeline.passing_spans import PassingSpan
    from otel_sqlite_exporter.pipeline.recorder import Recorder

_FIRST_PAUSE: Final = {Failure.BUSY: 0.002, Failure.TRANSIENT: 0.1}
_LONGEST_PAUSE: Final = {Failure.BUSY: 0.1, Failure.TRANSIENT: 2.0}
_COUNTS_RETRY_SECONDS: Final = 1.0
_ORDINARY_WAIT_SECONDS: Final = 0.5  # processes that share a file wait for each other all the time
_WAL_LOOK_SECONDS: Final = 1.0
_MEBIBYTE: Final = 1 << 20


class Delivery:
    """Write batches and counts, report trouble, prune: what the exporter thread does with the file.

    Args:
        recorder: Where batches go.
        tally: The processor's counts.
        on_write: Called after every attempt to write a batch, with its duration in seconds and the error's type, None
            where it succeeded.
        pause: Waits for so many seconds, or less when somebody is in a hurry.
        check_process: Raises in a child that was forked by the application's code in the middle of a conversion.
        delay_seconds: How long spans gather.
    """

    def __init__(
        self,
        recorder: Recorder,
        tally: Tally,
        on_write: Callable[[float, str | None], None] | None,
        pause: Callable[[float], None],
        check_process: Callable[[], None],
        *,
        delay_seconds: float,
    ) -> None:
        self.deadline: float | None = None
        """When to give up what can't be written; None before a shutdown."""
        self._recorder = recorder
        self._tally = tally
        self._on_write = on_write
        self._wait = pause
        self._check_process = check_process
        self.heartbeat = Heartbeat(recorder.database, tally, delay_seconds)
        self._log = TroubleLog()
        self._pruner = Pruner(recorder.database, recorder.retention, self._log)
        self._broken_file: tuple[int, ...] | None = None
        self._are_counts_behind = False
        self._given_up = 0
        self._next_wal_look = 0.0

    @property
    def is_file_open(self) -> bool:
        """Whether there is a connection that a fork must not see."""
        return self._recorder.database.connection is not None

    def join_log_events(self) -> None:
        """Look for the log events of each span from now on."""
        self._recorder.join_log_events()

    def deliver(
        self,
        spans: list[ReadableSpan],
        log_events: list[LogEvent],
        passing: Sequence[PassingSpan] = (),
        *,
        is_last: bool = False,
        is_followed: bool = False,
    ) -> None:
        """Write what was taken off the queues; each span is written or lost when this returns.

        Args:
            spans: Ended spans.
            log_events: Log events of these spans, of some that were written already or of some that are still to end.
            passing: Spans that get no row.
            is_last: Whether nothing else is queued, and somebody waits for the file to be right.
            is_followed: Whether the next batch is queued already, and nobody waits.
        """
        if log_events:
            self._recorder.add_log_events(log_events)
        batch, failed, reason = self._recorder.convert(spans, passing, is_last=is_last)
        self._check_process()
        self._tally.log_events_unmatched = self._recorder.unmatched_log_events
        self._tally.calls_without_content = self._recorder.calls_without_content
        withheld = self._tally.redact_failures = self._recorder.redact_failures
        if withheld:
            self._log.trouble("redact", "redact failed on %d texts so far, which are not stored", withheld)
        if failed:
            self._tally.lose("conversion_error", failed, reason)
            kind = type(reason).__name__  # its text may quote the span, which nobody has redacted
            self._log.trouble("conversion", "%d spans could not be converted and are lost (%s)", failed, kind)
        if batch.steps:
            self._write(batch, is_followed=is_followed)

    def settle(self) -> None:
        """Write what late spans change about others, now that none come."""
        batch = self._recorder.settled()
        if batch.steps:
            self._write(batch)

    def write_counts(self) -> None:
        """Have the ledger tell of drops since the last batch, and the log that a loss has ended."""
        self._report_overflow()
        lost = self._tally.queue_full.value()
        if self._log.over("overflow", "the queue has room again; %d spans were lost", lost):
            self._tally.reported_overflow = lost
        database = self._recorder.database
        self._are_counts_behind = self.is_file_open and database.is_behind(self._tally.counts())
        if self._are_counts_behind:
            try:
                database.write(Batch(), self._tally.counts_after)
                self._are_counts_behind = False
                self.heartbeat.wrote()
            except Exception as error:  # noqa: BLE001 - tried again when idle, and with the next batch
                self._tally.note(error)

    @property
    def seconds_to_maintenance(self) -> float:
        """How long there is nothing to do unless spans come, -1 where that is forever."""
        next_beat, retention = self.heartbeat.seconds_to_next, self._recorder.retention
        if not self.is_file_open:
            return next_beat
        if self._are_counts_behind:
            return _COUNTS_RETRY_SECONDS
        return min(next_beat, retention.seconds_to_next_pass) if retention.is_wanted else next_beat

    def maintain(self, is_wanted_elsewhere: Callable[[], bool]) -> None:
        """Do what can wait: counts that could not be written, what the retention limits ask for, a sign of life.

        Args:
            is_wanted_elsewhere: Asked after every small slice of work whether to leave the rest for later.
        """
        if self._are_counts_behind:
            self.write_counts()
        self._pruner.run(is_wanted_elsewhere)
        if self.heartbeat.is_due and not is_wanted_elsewhere():
            self.settle()
            self.heartbeat.run(is_writable=not self._is_still_broken())

    def lose_in_hand(self, error: BaseException) -> None:
        """Count what was taken and never got further, because of an error that nothing else has dealt with."""
        lost = self._tally.in_hand
        kind = self._tally.last_error = type(error).__name__  # as above
        self._tally.lose("write_error", lost, None)
        self._log.trouble("thread", "the exporter thread failed (%s); %d spans are lost, recording goes on", kind, lost)

    def give_up(self, count: int) -> None:
        """Count spans for which the shutdown's timeout left no time."""
        self._tally.lose("write_error", count, None)
        self._given_up += count

    def report_shutdown_loss(self, count: int) -> None:
        """Have the log tell, once, how many spans a shutdown that ran out of time cost."""
        if count:
            path = self._recorder.database.path
            self._log.trouble("shutdown", "%s: the shutdown ran out of time; %d spans are lost", path, count)

    def end(self) -> None:
        """End the ledger and close the file, within the deadline."""
        self._report_overflow("overflow to the end")
        self.report_shutdown_loss(self._given_up)
        database = self._recorder.database
        pause = 0.0
        try:
            while True:
                try:
                    database.end(self._tally.counts(), is_clean=not (self._given_up or self._tally.queue_depth))
                except Exception as error:  # noqa: BLE001 - the ledger then says what is true: no clean end
                    self._tally.note(error)
                    failure = failure_of(error)
                    if failure not in _FIRST_PAUSE or self.is_time_up:
                        return
                    pause = self._pause(failure, pause)
                else:
                    if self.deadline is not None:
                        self._pruner.run_to_end(self.deadline)
                    return
        finally:
            database.close()

    def prepare_fork(self) -> None:
        """Close the file before the process forks; see ``DatabaseWriter``."""
        self._recorder.database.prepare_fork()

    def fork_is_over(self) -> None:
        """Go on in the parent."""
        self._recorder.database.fork_is_over()

    def abandon(self) -> None:
        """Leave an inherited connection alone."""
        self._recorder.database.abandon()

    @property
    def is_time_up(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def _write(self, batch: Batch, *, is_followed: bool = False) -> None:
        first_try = time.monotonic()
        pause = 0.0
        is_second_look = False
        while not self._is_still_broken():
            error = self._try(batch, is_followed=is_followed)
            if error is None:
                return
            failure = failure_of(error)
            if failure is Failure.BROKEN and not is_second_look:
                # SQLite also calls a file malformed of which it could not read a page. A new connection tells.
                is_second_look = True
            elif failure in _FIRST_PAUSE and not self.is_time_up:
                if failure is not Failure.BUSY or time.monotonic() - first_try >= _ORDINARY_WAIT_SECONDS:
                    self._report_wait(error)
                pause = self._pause(failure, pause)
                self._let_children_write()
            else:
                self._lose(batch, failure, error)
                return
        self._tally.lose("write_error", len(batch.records), None)

    def _is_still_broken(self) -> bool:
        return self._broken_file is not None and self._recorder.database.file_identity() == self._broken_file

    def _try(self, batch: Batch, *, is_followed: bool) -> Exception | None:
        """Write a batch, and return the error when nothing of it was written."""
        database, tally = self._recorder.database, self._tally
        started = time.monotonic()
        try:
            result = database.write(batch, tally.counts_after, is_followed=is_followed)
        except Exception as error:  # noqa: BLE001 - classified by the caller
            self._observe(started, error)
            return error
        tally.wrote(result.written)  # before anybody else's code may end the thread
        if result.failed:
            tally.lose("write_error", result.failed, result.error)
        self._observe(started, None)
        self._broken_file = None
        self.heartbeat.wrote()
        if result.failed:
            self._log.trouble("rows", "%d spans could not be stored and are lost: %s", result.failed, result.error)
        for kind in ("write", "loss"):
            self._log.over(kind, "%s: writable again", database.path)
        self._report_overflow()
        if started >= self._next_wal_look:  # each look gives the GIL away (python -m benchmarks lossless)
            self._next_wal_look = started + _WAL_LOOK_SECONDS
            self._report_wal()
        return None

    def _report_wait(self, error: Exception) -> None:
        self._tally.note(error)
        path = self._recorder.database.path
        self._log.trouble("write", "%s: not writable (%s); queued spans are kept and tried again", path, error)
        self._report_overflow()

    def _lose(self, batch: Batch, failure: Failure, error: Exception) -> None:
        database, count = self._recorder.database, len(batch.records)
        self._tally.note(error)
        if failure in _FIRST_PAUSE:
            self.give_up(count)
            return
        self._broken_file = database.file_identity() if failure is Failure.BROKEN else None
        self._log.trouble("loss", "%s: not writable (%s); spans are lost", database.path, error)
        self._tally.lose("write_error", count, None)

    def _pause(self, failure: Failure, last: float) -> float:
        seconds = min(max(2 * last, _FIRST_PAUSE[failure]), _LONGEST_PAUSE[failure])
        remaining = seconds if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)
        self._wait(min(seconds, remaining))
        return seconds

    def _let_children_write(self) -> None:
        until = self._recorder.database.children_write_until
        while not self.is_time_up and (seconds := until - time.monotonic()) > 0:
            self._wait(seconds)

    def _observe(self, started: float, error: Exception | None) -> None:
        if self._on_write is not None:
            try:
                self._on_write(time.monotonic() - started, None if error is None else type(error).__qualname__)
            except Exception as metrics_error:  # noqa: BLE001 - the application's metrics pipeline, not ours
                self._log.trouble("metrics", "the self-metrics could not be recorded: %r", metrics_error)

    def _report_overflow(self, kind: str = "overflow") -> None:
        dropped = self._tally.queue_full.value()
        if dropped > self._tally.reported_overflow and self._log.trouble(
            kind, "the queue is full: %d spans are lost so far", dropped
        ):
            self._tally.reported_overflow = dropped

    def _report_wal(self) -> None:
        database = self._recorder.database
        size = database.wal_bytes()
        if size > WAL_SIZE_LIMIT:
            self._log.trouble(
                "wal",
                "%s-wal has grown to %d MiB: another connection reads an old state for so long that it can't shrink",
                database.path,
                size // _MEBIBYTE,
            )
        else:
            self._log.over("wal", "%s-wal is within its limit again", database.path)
