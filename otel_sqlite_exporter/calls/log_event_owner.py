"""Spans, the log events that are theirs, and what a row of log events says about whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.calls.log_event import CHOICE, DETAILS, PROMPT, REMARK, LogEvent, operations

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from otel_sqlite_exporter.calls.report import SpanKey
    from otel_sqlite_exporter.conventions.call import EventFacts

CONTENT: Final = (PROMPT, CHOICE, DETAILS)
"""The parts that tell a call's messages."""

_MAX_CLOCK_LEAD: Final = 60_000_000_000


@dataclass(frozen=True, slots=True)
class EndedSpan:
    """What of a span decides which log events are its own.

    Args:
        key: Trace id and span id.
        parent_span_id: The parent's span id, None for a root.
        scope_name: Name of the instrumentation scope.
        start: Start, in Unix nanoseconds.
        end: End, in Unix nanoseconds.
        is_call: Whether it stands for a model call (kind ``llm`` or ``embedding``).
        is_failed: Whether it ended in an error.
        response_id: The provider's id of the response.
    """

    key: SpanKey
    parent_span_id: int | None
    scope_name: str
    start: int
    end: int
    is_call: bool = True
    is_failed: bool = False
    response_id: str | None = None

    def overlaps(self, other: EndedSpan) -> bool:
        """Return whether the spans share some time, though neither lies within the other."""
        is_within = other.start < self.start and self.end < other.end
        is_around = self.start < other.start and other.end < self.end
        return self.start <= other.end and other.start <= self.end and not (is_within or is_around)

    def is_around(self, event: LogEvent) -> bool:
        """Return whether the event happened during the span."""
        return event.timestamp is not None and self.start <= event.timestamp <= self.end

    def is_timeless(self, event: LogEvent) -> bool:
        """Return whether the event's time says nothing: none, or that of a replay long after the span."""
        return event.timestamp is None or event.timestamp > self.end + _MAX_CLOCK_LEAD


class Entry:
    """A log event and whose it is."""

    __slots__ = ("event", "is_contested", "number", "owner", "pool")

    def __init__(self, event: LogEvent, number: int, pool: SpanKey | None) -> None:
        self.event = event
        self.number = number
        self.pool = pool
        """The ids that it carries, or that it must have had."""
        self.owner: Owner | None = None
        self.is_contested = False
        """Whether several spans may claim it, so that none gets it."""


class Owner:
    """A span and its events."""

    __slots__ = ("borrowed", "is_intact", "own", "span")

    def __init__(self, span: EndedSpan) -> None:
        self.span = span
        self.own: list[Entry] = []
        self.borrowed: list[Entry] = []
        """Events that carry its parent's ids or none."""
        self.is_intact = True
        """Whether all its events are still remembered."""

    def wants(self) -> Collection[str]:
        """Return which parts of its call the span's own events don't tell."""
        parts = {entry.event.part for entry in self.own} - {REMARK}
        if not parts:
            return CONTENT
        return (CHOICE,) if parts == {PROMPT} and not self.span.is_failed else ()

    def asking_threads(self) -> set[int]:
        """Return the threads that emitted the span's own prompts."""
        return {entry.event.thread_id for entry in self.own if entry.event.part == PROMPT}

    def facts(self) -> list[EventFacts]:
        """Return the span's events as a convention reads them, oldest first."""
        entries = sorted([*self.own, *self.borrowed], key=lambda entry: entry.number)
        return [entry.event.facts() for entry in entries]


def give(owner: Owner, entries: list[Entry], given: Iterable[Entry]) -> None:
    """Make a span the owner of events: its own ones, or those that it borrows."""
    for entry in given:
        entry.owner = owner
        entries.append(entry)


def is_same_scope(event: LogEvent, span: EndedSpan) -> bool:
    """Return whether event and span may come from one instrumentation scope."""
    return not event.scope_name or not span.scope_name or event.scope_name == span.scope_name


def is_one_call(entries: list[Entry]) -> bool:
    """Return whether events in the order of their arrival can all be of one call."""
    calls = operations([entry.event for entry in entries])
    return calls is not None and len(calls) == 1


def of_one_thread(owner: Owner, around: list[Entry]) -> list[Entry]:
    """Return the events of the only thread that emitted a whole call, all events where that does not tell."""
    threads = {entry.event.thread_id for entry in around}
    asking = owner.asking_threads()
    whole = []
    for thread in threads - {0} if len(threads) > 1 else ():
        entries = [entry for entry in around if entry.event.thread_id == thread and entry.owner in (None, owner)]
        parts = {entry.event.part for entry in entries}
        has_question = thread in asking if asking else not parts.isdisjoint((PROMPT, DETAILS))
        if has_question and not parts.isdisjoint((CHOICE, DETAILS)) and is_one_call(entries):
            whole.append(entries)
    return whole[0] if len(whole) == 1 else around


def may_precede(event: LogEvent, choice: LogEvent) -> bool:
    """Return whether an event may be the question to a choice: by one scope, and not after it."""
    is_same_scope = not event.scope_name or not choice.scope_name or event.scope_name == choice.scope_name
    return is_same_scope and (
        event.timestamp is None or choice.timestamp is None or event.timestamp <= choice.timestamp
    )


def next_in_order(span: EndedSpan, entries: list[Entry]) -> list[Entry]:
    """Return the first call among the events that only have an order, the order in which their calls ended."""
    waiting = [e for e in entries if e.owner is None and not e.is_contested and span.is_timeless(e.event)]
    calls = operations([entry.event for entry in waiting])
    if not calls or (span.is_failed and calls[0][-1].part == CHOICE):
        return []
    return waiting[: len(calls[0])]
