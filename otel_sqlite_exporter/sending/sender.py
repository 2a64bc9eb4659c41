"""Send a file on: page after page, with a cursor in the file that is moved after the answer."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.connection import DatabaseRefusedError
from otel_sqlite_exporter.database.outboxes import FileReplacedError, Outbox
from otel_sqlite_exporter.reading.connection import ReadConnection
from otel_sqlite_exporter.reading.failures import ReadingError
from otel_sqlite_exporter.reading.stored import (
    PageRules,
    Place,
    first_id_since,
    identity,
    last_change,
    next_page,
    place_of,
    spans_up_to,
    waiting_after,
)
from otel_sqlite_exporter.sending.delivery import MAX_BYTES, Delivered, Delivery, Receiver, Waits
from otel_sqlite_exporter.sending.failures import SendingError, StoppedError
from otel_sqlite_exporter.sending.one_sender import only_sender
from otel_sqlite_exporter.sending.replay import ReplayedSpan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otel_sqlite_exporter.reading.stored import Page, StoredSpan
    from otel_sqlite_exporter.sending.stopping import Stop

MAX_SPANS: Final = 512
_BUSY_SECONDS: Final = 60.0
_CREATION_SECONDS: Final = 30.0
_TO_SEE: Final = 3
"""Spans that went through before, to see whether the receiver takes anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How a file is sent.

    Args:
        name: The outbox's name: whose cursor it is.
        destination: Where to, as it is shown.
        style: In whose words; see :data:`replay.STYLES`.
        is_following: Go on with what is recorded meanwhile, until somebody asks to stop.
        settle_seconds: How long a span waits after its end for what comes late, unless its trace has its root.
        since: Only spans that started then or later, in Unix nanoseconds.
        is_again: Begin at the beginning, or at ``since``.
        max_spans: Of one request.
        poll_seconds: How often to look for more.
        waits: Pauses between attempts.
    """

    name: str
    destination: str
    style: str = "genai"
    is_following: bool = False
    settle_seconds: float | None = None
    since: int | None = None
    is_again: bool = False
    max_spans: int = MAX_SPANS
    poll_seconds: float = 1.0
    waits: Waits = Waits()  # noqa: RUF009 - frozen

    @property
    def rules(self) -> PageRules:
        """What goes on a page now."""
        now = time.time_ns()
        before = None if self.settle_seconds is None else now - int(self.settle_seconds * 1e9)
        return PageRules(
            max_spans=self.max_spans, max_bytes=MAX_BYTES, since=self.since, settled_before=before, now=now
        )


@dataclass(slots=True)
class Sums:
    """What a sending came to.

    Args:
        sent: Spans that were acknowledged, amendments included.
        rejected: Spans that the receiver refused in partial successes.
        set_aside: Spans that no request with them was taken for.
        lost: Spans that were deleted before they were sent.
        amendments: How many of those that were sent had been sent before.
        requests: Requests.
        size: Their bytes, uncompressed.
        held_back: Spans that have yet to settle.
    """

    sent: int = 0
    rejected: int = 0
    set_aside: int = 0
    lost: int = 0
    amendments: int = 0
    requests: int = 0
    size: int = 0
    held_back: int = 0


class Sender:
    """Send one file.

    Args:
        path: The recorded file.
        receiver: Who takes the spans; closed by whoever made it.
        options: How.
        stop: Whether to give up.
        tell: Takes one line for each change of state.
        advance: Told how many spans were dealt with.
    """

    def __init__(
        self,
        path: str,
        receiver: Receiver,
        options: SendOptions,
        stop: Stop,
        *,
        tell: Callable[[str], None],
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._options = options
        self._stop = stop
        self._tell = tell
        self._advance = advance
        self._outbox: Outbox | None = None
        self._is_again = options.is_again
        self._delivery = Delivery(receiver, stop, tell=tell, note=self._note, waits=options.waits)
        self.sums = Sums()

    def run(self) -> None:
        """Send everything; with ``is_following``, until somebody asks to stop.

        Raises:
            SendingError: Somebody has to do something first.
            ReadingError: The file can't be read.
            StoppedError: Somebody asked to stop.
        """
        with only_sender(self._path, self._options.name):
            while True:
                try:
                    self._send_file()
                except (sqlite3.Error, DatabaseRefusedError) as error:
                    if self._stop.is_asked:
                        raise StoppedError from None
                    raise SendingError(f"{self._path}: the cursor can't be kept in the file: {error}") from None
                except FileReplacedError:
                    pass
                if not self._options.is_following:
                    return
                self._tell(f"{self._path} was replaced: going on with the new file")
                self._await_file()

    def _await_file(self) -> None:
        """Wait until a recorder has made a file at the path; one that can't be read for long is none."""
        refused_since: float | None = None
        while True:
            self._stop.wait(self._options.poll_seconds)
            if not os.path.exists(self._path):  # noqa: PTH110 - as os.stat below
                refused_since = None
                continue
            try:
                connection = ReadConnection(self._path, seconds=None, busy_seconds=_BUSY_SECONDS)
                try:
                    identity(connection)
                finally:
                    connection.close()
            except ReadingError:
                refused_since = refused_since or time.monotonic()
                if time.monotonic() - refused_since > _CREATION_SECONDS:
                    raise
            else:
                return

    def _send_file(self) -> None:
        """Send what is in the file; return when that is done, or another file is at its path and this one is done."""
        opened = os.stat(self._path)  # noqa: PTH116 - no handle of SQLite's own is touched
        connection = ReadConnection(self._path, seconds=None, busy_seconds=_BUSY_SECONDS)
        try:
            outbox = self._outbox = Outbox(self._path, self._options.name, is_stopped=lambda: self._stop.is_asked)
            try:
                if outbox.file_id != identity(connection):
                    raise FileReplacedError
                self._send_all(connection, outbox, opened)
            finally:
                self._outbox = None
                outbox.close()
        finally:
            connection.close()

    def _send_all(self, connection: ReadConnection, outbox: Outbox, opened: os.stat_result) -> None:
        place, lost = self._begin(connection, outbox)
        while True:
            self._stop.wait(0)
            is_replaced = self._is_replaced(opened)
            page = next_page(connection, place, self._options.rules)
            self.sums.held_back = page.held_back
            if page.after == place:
                if is_replaced or not self._options.is_following:
                    return
                self._stop.wait(self._options.poll_seconds)
                continue
            self._send_page(connection, outbox, page, place)
            place = page.after
            lost = self._tell_lost(outbox, lost)

    def _begin(self, connection: ReadConnection, outbox: Outbox) -> tuple[Place, int]:
        before = outbox.look()
        progress = outbox.open(self._options.destination)
        if before is not None and before.destination != progress.destination:
            self._tell(f"{self._options.name}: went to {before.destination} before, now to {progress.destination}")
        place = Place(progress.last_span_id, progress.last_change_seq)
        since = self._options.since
        if self._is_again or (since is not None and before is None):
            first = first_id_since(connection, since) if since is not None else 1
            place = Place(place.span_id if first is None else first - 1, last_change(connection))
            outbox.move(place.span_id, place.change_seq)
            self._is_again = False
        return place, progress.lost

    def _send_page(self, connection: ReadConnection, outbox: Outbox, page: Page, place: Place) -> None:
        spans, unusable = self._replayed(page.spans, is_amended=page.is_amendment)
        result = Delivered()
        if spans:
            result = self._delivery.deliver(
                spans, lambda: self._replayed(spans_up_to(connection, place.span_id, limit=_TO_SEE))[0]
            )
        result.set_aside += unusable
        outbox.advance(
            page.after.span_id,
            page.after.change_seq,
            sent=result.sent,
            rejected=result.rejected,
            set_aside=result.set_aside,
        )
        sums = self.sums
        sums.sent += result.sent
        sums.rejected += result.rejected
        sums.set_aside += result.set_aside
        sums.requests += result.requests
        sums.size += result.size
        sums.amendments += result.sent if page.is_amendment else 0
        self._advance(len(page.spans))

    def _replayed(self, rows: Sequence[StoredSpan], *, is_amended: bool = False) -> tuple[list[ReplayedSpan], int]:
        spans: list[ReplayedSpan] = []
        for row in rows:
            try:
                spans.append(ReplayedSpan(row, self._options.style, is_amended=is_amended))
            except (ValueError, TypeError, OverflowError) as error:
                self._tell(f"row {row.id} is set aside: {error}")
        return spans, len(rows) - len(spans)

    def _tell_lost(self, outbox: Outbox, before: int) -> int:
        progress = outbox.look()
        if progress is None or progress.lost == before:
            return before
        self._tell(f"{progress.lost - before:,} spans were deleted before they were sent")
        self.sums.lost += progress.lost - before
        return progress.lost

    def _note(self, error: str | None) -> None:
        if self._outbox is not None:
            self._outbox.note(error)

    def _is_replaced(self, opened: os.stat_result) -> bool:
        try:
            return not os.path.samestat(os.stat(self._path), opened)  # noqa: PTH116 - as above
        except OSError:
            return True


def rehearse(path: str, receiver: Receiver, options: SendOptions) -> Sums:
    """Return what would be sent, without a request or a change of the file.

    Args:
        path: The recorded file.
        receiver: Who would take it: asked for its encoding only.
        options: How.
    """
    sums = Sums()
    connection = ReadConnection(path, seconds=None, busy_seconds=_BUSY_SECONDS)
    try:
        place = Place(0, last_change(connection)) if options.is_again else place_of(connection, options.name)
        while True:
            page = next_page(connection, place, options.rules)
            sums.held_back = page.held_back
            if page.after == place:
                return sums
            place = page.after
            if page.spans:
                sums.sent += len(page.spans)
                sums.amendments += len(page.spans) if page.is_amendment else 0
                sums.requests += 1
                sums.size += len(receiver.encode([ReplayedSpan(row, options.style) for row in page.spans]))
    finally:
        connection.close()


def count_waiting(path: str, options: SendOptions) -> int:
    """Return how many spans are to be sent, at most."""
    connection = ReadConnection(path, seconds=None, busy_seconds=_BUSY_SECONDS)
    try:
        return waiting_after(connection, Place() if options.is_again else place_of(connection, options.name))
    finally:
        connection.close()
