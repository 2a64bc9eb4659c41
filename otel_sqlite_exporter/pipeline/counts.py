"""Counts: what producers and the exporter thread raise, and the snapshot that ``stats()`` returns."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.ledger import Counts
from otel_sqlite_exporter.database.schema import DROP_REASONS
from otel_sqlite_exporter.pipeline.bounded_queue import Counter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.pipeline.bounded_queue import BoundedQueue

_MOST_LOOKS: Final = 1000


@dataclass(frozen=True, slots=True)
class Stats:
    """What a processor did since it was made, or since its process was forked.

    ``received = written + skipped + sum(dropped.values())`` once nothing is queued or being written.

    Args:
        received: Sampled spans that ended.
        written: Spans that are in the file.
        skipped: Spans that are no LLM spans.
        dropped: Lost spans by reason: ``queue_full``, ``already_shutdown``, ``write_error``, ``conversion_error``.
        queue_depth: Events in the queue at this moment.
        last_error: The last thing that went wrong, None where nothing did.
        last_write_time: Unix time in seconds of the last committed transaction, None before the first.
    """

    received: int
    written: int
    skipped: int
    dropped: Mapping[str, int]
    queue_depth: int
    last_error: str | None
    last_write_time: float | None

    @property
    def summary(self) -> str:
        """The counts in a few words, as a repr shows them."""
        dropped = sum(self.dropped.values())
        lost = f", {dropped} dropped" if dropped else ""
        return f"{self.written} written, {self.queue_depth} queued, {self.skipped} skipped{lost}"


class Tally:
    """The counts of one processor.

    Producers raise ``skipped``, ``queue_full`` and ``already_shutdown``; everything else belongs to the exporter
    thread.
    """

    def __init__(self, queue: BoundedQueue[ReadableSpan]) -> None:
        self._queue = queue
        self.skipped = Counter()
        self.queue_full = Counter()
        self.already_shutdown = Counter()
        self.unreadable = Counter()
        self.log_events_received = Counter()
        self.log_events_dropped = Counter()
        self._start()

    def _start(self) -> None:
        self._moves = 0
        self.taken = 0
        self.in_hand = 0
        self.written = 0
        self.write_errors = 0
        self.conversion_errors = 0
        self.log_events_unmatched = 0
        self.redact_failures = 0
        self.calls_without_content = 0
        self.reported_overflow = 0
        self.is_abandoned = False
        self.is_finished = False
        self.last_error: str | None = None
        self.last_write_time: float | None = None

    def reset(self) -> None:
        """Start again from 0, as a forked child does."""
        for counter in (
            self.skipped,
            self.queue_full,
            self.already_shutdown,
            self.unreadable,
            self.log_events_received,
            self.log_events_dropped,
        ):
            counter.reset()
        self._start()

    @property
    def queue_depth(self) -> int:
        """How many events are queued at this moment."""
        return len(self._queue)

    def take(self, limit: int) -> list[ReadableSpan]:
        """Take up to ``limit`` events off the queue."""
        self._moves += 1
        try:
            events = self._queue.take(limit)
            self.taken += len(events)
            self.in_hand += len(events)
        finally:
            self._moves += 1
        return events

    def wrote(self, count: int) -> None:
        """Take note of events that are in the file."""
        self.written += count
        self.in_hand -= count
        self.last_write_time = time.time()

    def lose(self, reason: str, count: int, error: BaseException | None) -> None:
        """Take note of events that left the queue and are lost: ``write_error`` or ``conversion_error``."""
        self.in_hand -= count
        if reason == "conversion_error":
            self.conversion_errors += count
            self.last_error = type(error).__name__  # its text may quote the span, which nobody has redacted
        else:
            self.write_errors += count
            if error is not None:
                self.note(error)

    def note(self, error: BaseException) -> None:
        """Remember the last thing that went wrong."""
        text = f"{type(error).__name__}: {error}"  # may quote a path that is no UTF-8, which no column could hold
        self.last_error = text.encode("utf-8", "backslashreplace").decode()

    @property
    def settled(self) -> int:
        """How many of the events that left the queue are written or lost."""
        return self.taken - self.in_hand

    @property
    def unsettled(self) -> int:
        """How many events are queued, or taken and neither written nor lost."""
        return self.in_hand + self.queue_depth

    def counts(self) -> Counts:
        """Return the cumulative counts as of now."""
        return self.counts_after(0, 0)

    def counts_after(self, written: int, failed: int) -> Counts:
        """Return the counts as they are once so many more events are written, or failed to be."""
        counted_unix_nano = time.time_ns()
        taken, queued = self._taken_and_queued()
        skipped = self.skipped.value()
        queue_full = self.queue_full.value()
        already_shutdown = self.already_shutdown.value()
        unreadable = self.unreadable.value()
        write_errors = self.write_errors + failed
        received = skipped + queue_full + already_shutdown + unreadable + taken + queued
        if self.is_finished:
            # A producer that was past the check when the shutdown came: nobody will take its event any more.
            already_shutdown += queued
        elif self.is_abandoned:
            write_errors += self.in_hand - written - failed + queued
        drops = (queue_full, already_shutdown, write_errors, self.conversion_errors + unreadable)
        dropped = dict(zip(DROP_REASONS, drops, strict=True))
        return Counts(
            received,
            self.written + written,
            skipped,
            dropped,
            self.log_events_received.value(),
            self.log_events_unmatched,
            self.log_events_dropped.value(),
            redact_failures=self.redact_failures,
            last_error=self.last_error,
            counted_unix_nano=counted_unix_nano,
        )

    def _taken_and_queued(self) -> tuple[int, int]:
        """Return how many events left the queue and how many are in it, seen at one moment."""
        for _ in range(_MOST_LOOKS):
            moves = self._moves
            taken, queued = self.taken, len(self._queue)
            if moves == self._moves and moves % 2 == 0:
                break
            time.sleep(0)  # the exporter thread is between the two
        return taken, queued

    def stats(self) -> Stats:
        """Return the snapshot that users see."""
        counts = self.counts()
        is_over = self.is_finished or self.is_abandoned  # what is queued still is counted as dropped
        return Stats(
            received=counts.received,
            written=counts.written,
            skipped=counts.skipped,
            dropped=counts.dropped,
            queue_depth=0 if is_over else self.queue_depth,
            last_error=self.last_error,
            last_write_time=self.last_write_time,
        )
