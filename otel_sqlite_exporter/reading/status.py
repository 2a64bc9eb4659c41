"""The file itself: who recorded into it, and whether anything is missing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.essentials import HEARTBEAT_SECONDS
from otel_sqlite_exporter.reading.building import Json, as_int, as_text, build, json_text, plain
from otel_sqlite_exporter.reading.calls import last_id
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.units import counted, full_time, size

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection

_KILLED: Final = (
    "{:,} processes stopped without an end while they recorded: "
    "{:,} spans of before their last heartbeat are not here, nor is what came after it"
)
_EVICTED: Final = (
    "the SDK's limit took attributes of {:,} of the newest spans before they arrived: first messages are missing, "
    "and a span that lost its kind is no call"
)
_SILENT_NANOSECONDS: Final = int(2 * HEARTBEAT_SECONDS * 10**9)

_NEWEST_EVICTED: Final = (
    "SELECT sum(attributes_evicted) FROM (SELECT attributes_evicted FROM spans ORDER BY id DESC LIMIT 1000)"
)
_OUTBOXES: Final = (
    "SELECT *, max((SELECT coalesce(max(id), 0) FROM spans) - "
    "max(last_span_id, (SELECT coalesce(min(id), 1) - 1 FROM spans)), 0) AS waiting FROM outboxes ORDER BY name"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """One process that recorded into the file: a row of ``recorders``, with what it lost in one number."""

    id: int
    pid: int | None = None
    host_name: str | None = None
    version: str | None = None
    settings: Json = None
    started_unix_nano: int | None = None
    last_heartbeat_unix_nano: int | None = None
    idle: bool = False
    ended_unix_nano: int | None = None
    clean_exit: bool = False
    received: int = 0
    written: int = 0
    skipped: int = 0
    dropped: int = 0
    dropped_queue_full: int = 0
    dropped_already_shutdown: int = 0
    dropped_write_error: int = 0
    dropped_conversion_error: int = 0
    log_events_received: int = 0
    log_events_unmatched: int = 0
    log_events_dropped: int = 0
    redact_failures: int = 0
    last_error: str | None = None

    @property
    def state(self) -> str:
        """``recording``, ``ended``, or ``vanished`` where it stopped without an end."""
        if self.ended_unix_nano is not None:
            return "ended"
        is_alive = (self.last_heartbeat_unix_nano or 0) > time.time_ns() - _SILENT_NANOSECONDS
        return "recording" if is_alive else "vanished"

    @property
    def unsettled(self) -> int:
        """How many spans it had received and not yet written, skipped or counted as lost when it wrote last."""
        return max(self.received - self.written - self.skipped - self.dropped, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Who sends the file on, and how far: a row of ``outboxes``.

    Args:
        waiting: How many new spans it has yet to send, about: the ids that it has not come to.
    """

    name: str
    destination: str | None = None
    last_span_id: int = 0
    waiting: int = 0
    last_success_unix_nano: int | None = None
    sent: int = 0
    rejected: int = 0
    set_aside: int = 0
    lost: int = 0
    last_error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Status:
    """The file itself.

    Args:
        path: Where it is.
        file_id: Which file it is.
        schema_version: Of what shape.
        size_bytes: How large it is, its log included.
        spans: How many spans are in it, about: the ids from the first to the last one.
        calls: How many calls.
        errors: How many of them failed.
        first_unix_nano: Start of its first span, None of an empty file.
        last_unix_nano: Start of its last span.
        recorders: Who recorded, the last one first.
        outboxes: Who sends it on.
        evicted: How many of its newest thousand spans lost attributes that were needed to the SDK's limit.
    """

    path: str
    file_id: str | None
    schema_version: int
    size_bytes: int
    spans: int
    calls: int
    errors: int
    first_unix_nano: int | None
    last_unix_nano: int | None
    recorders: tuple[Recorder, ...]
    outboxes: tuple[Outbox, ...]
    evicted: int

    @property
    def dropped(self) -> int:
        """How many spans were lost, whatever the reason."""
        return sum(recorder.dropped for recorder in self.recorders)

    @property
    def problems(self) -> list[str]:
        """What is missing or wrong, one line each; none where the file has everything."""
        lost = self.dropped
        vanished = [recorder for recorder in self.recorders if recorder.state == "vanished" and not recorder.idle]
        unsettled = sum(recorder.unsettled for recorder in vanished)
        events = sum(recorder.log_events_dropped for recorder in self.recorders)
        withheld = sum(recorder.redact_failures for recorder in self.recorders)
        undelivered = sum(outbox.lost for outbox in self.outboxes)
        lines: list[tuple[int, str]] = [
            (lost, f"{lost:,} spans were lost: {self._reasons()}"),
            (len(vanished), _KILLED.format(len(vanished), unsettled)),
            (events, f"{events:,} log events were lost: their calls lack prompts or answers"),
            (withheld, f"{withheld:,} texts are withheld, because the redact callable failed on them"),
            (undelivered, f"{undelivered:,} spans were deleted before they were sent on"),
            (self.evicted, _EVICTED.format(self.evicted)),
        ]
        return [line for number, line in lines if number]

    def _reasons(self) -> str:
        reasons = ("queue_full", "already_shutdown", "write_error", "conversion_error")
        counted = {
            reason: sum(getattr(recorder, f"dropped_{reason}") for recorder in self.recorders) for reason in reasons
        }
        return ", ".join(f"{number:,} {reason.replace('_', ' ')}" for reason, number in counted.items() if number)

    def __repr__(self) -> str:
        problems = "; ".join(self.problems) or "nothing is missing"
        return f"<status of {self.path}: {counted(self.spans, 'span')}, {counted(self.calls, 'call')}, {problems}>"

    def _repr_html_(self) -> str:
        from otel_sqlite_exporter.reading.html_changes import status_html  # noqa: PLC0415 - only a notebook needs it

        facts = (
            size(self.size_bytes),
            counted(self.spans, "span"),
            counted(self.calls, "call"),
            f"{self.errors:,} failed",
            f"{full_time(self.first_unix_nano)} to {full_time(self.last_unix_nano)}",
        )
        recorders = Rows(Recorder, self.recorders)._repr_html_() if self.recorders else ""
        return status_html(self.path, facts, self.problems, recorders)

    def dict(self) -> dict[str, Json]:
        """Return it as JSON can hold it."""
        row = plain(self)
        return {**(row if isinstance(row, dict) else {}), "dropped": self.dropped, "problems": list(self.problems)}

    def json(self, *, indent: int | None = None) -> str:
        """Return it as JSON text."""
        return json_text(self.dict(), indent=indent)


def status_of(connection: ReadConnection) -> Status:
    """Return what is known about the file."""
    names, rows = connection.table("SELECT * FROM recorders ORDER BY id DESC")
    outbox_names, outboxes = connection.table(_OUTBOXES)
    identity = connection.row("SELECT file_id FROM file")
    first = connection.row("SELECT min(start_time_unix_nano) FROM spans")
    last = connection.row("SELECT max(start_time_unix_nano) FROM spans")
    first_id = connection.row("SELECT min(id) FROM spans")
    evicted = connection.row(_NEWEST_EVICTED)
    sums = connection.row("SELECT sum(calls), sum(errors) FROM usage")
    version = connection.row("PRAGMA user_version")
    lowest = as_int(first_id[0]) if first_id else None
    return Status(
        path=connection.path,
        file_id=as_text(identity[0]) if identity else None,
        schema_version=as_int(version[0]) or 0 if version else 0,
        size_bytes=_bytes(connection.path),
        spans=last_id(connection) - lowest + 1 if lowest is not None else 0,
        calls=as_int(sums[0]) or 0 if sums else 0,
        errors=as_int(sums[1]) or 0 if sums else 0,
        first_unix_nano=as_int(first[0]) if first else None,
        last_unix_nano=as_int(last[0]) if last else None,
        recorders=tuple(build(Recorder, names, row) for row in rows),
        outboxes=tuple(build(Outbox, outbox_names, row) for row in outboxes),
        evicted=as_int(evicted[0]) or 0 if evicted else 0,
    )


def _bytes(path: str) -> int:
    total = 0
    for suffix in ("", "-wal"):
        try:
            total += Path(path + suffix).stat().st_size
        except OSError:
            continue
    return total
