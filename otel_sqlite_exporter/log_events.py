"""Join GenAI log events to the spans they belong to, in whatever order they come."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.log_event import CHOICE, DETAILS, PROMPT, REMARK, LogEvent, operations

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from otel_sqlite_exporter.call import EventFacts
    from otel_sqlite_exporter.call_report import SpanKey

_MAX_CHARACTERS: Final = 16 * 1024 * 1024
_MAX_DISORDER: Final = 1_000_000_000
_MAX_CLOCK_LEAD: Final = 60_000_000_000
_CONTENT: Final = (PROMPT, CHOICE, DETAILS)


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
        thread_id: The thread in which it ended, 0 where that is not known.
    """

    key: SpanKey
    parent_span_id: int | None
    scope_name: str
    start: int
    end: int
    is_call: bool = True
    is_failed: bool = False
    response_id: str | None = None
    thread_id: int = 0

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


class _Entry:
    """A log event and whose it is."""

    __slots__ = ("event", "is_contested", "number", "owner", "pool")

    def __init__(self, event: LogEvent, number: int, pool: SpanKey | None) -> None:
        self.event = event
        self.number = number
        self.pool = pool
        """The ids that it carries, or that it must have had."""
        self.owner: _Owner | None = None
        self.is_contested = False
        """Whether several spans may claim it, so that none gets it."""


class _Owner:
    """A span and its events."""

    __slots__ = ("borrowed", "is_intact", "own", "span")

    def __init__(self, span: EndedSpan) -> None:
        self.span = span
        self.own: list[_Entry] = []
        self.borrowed: list[_Entry] = []
        """Events that carry its parent's ids or none."""
        self.is_intact = True
        """Whether all its events are still remembered."""

    def wants(self) -> Collection[str]:
        """Return which parts of its call the span's own events don't tell."""
        parts = {entry.event.part for entry in self.own} - {REMARK}
        if not parts:
            return _CONTENT
        return (CHOICE,) if parts == {PROMPT} and not self.span.is_failed else ()

    def facts(self) -> list[EventFacts]:
        entries = sorted([*self.own, *self.borrowed], key=lambda entry: entry.number)
        return [entry.event.facts() for entry in entries]


class LogEventJoiner:
    """Remember log events and recent spans, and tell which belong together.

    An event belongs to the span whose ids it carries, or whose response it names. An event that carries the parent's
    ids, or none, belongs to the only call that was open when it happened; where several may claim it, none gets it.

    Args:
        capacity: How many events are remembered; the oldest is forgotten first.
        max_spans: How many spans are remembered for events that come late.
    """

    def __init__(self, capacity: int = 2048, max_spans: int = 512) -> None:
        self._capacity = capacity
        self._max_spans = max_spans
        self._numbers = count()
        self._entries: deque[_Entry] = deque()
        self._characters = 0
        self._pools: dict[SpanKey | None, list[_Entry]] = {}
        self._owners: OrderedDict[SpanKey, _Owner] = OrderedDict()
        self._parents: Counter[SpanKey] = Counter()
        self._revised: dict[SpanKey, _Owner] = {}
        self._forgotten = 0

    @property
    def unmatched(self) -> int:
        """How many events belong to no span so far."""
        return self._forgotten + sum([entry.owner is None for entry in self._entries])

    def add(self, event: LogEvent) -> None:
        """Remember an event. A written span to which it belongs is then among the revisions."""
        pool = (event.trace_id, event.span_id) if event.span_id else None
        if pool is None and event.part == CHOICE:
            waiting = self._waiting_for(event)
            pool = waiting[0] if len(waiting) == 1 else None
        entry = _Entry(event, next(self._numbers), pool)
        self._entries.append(entry)
        self._characters += event.size
        owner = self._owners.get(pool) if pool is not None else None
        if owner is not None and not self._is_parent(owner.span):
            _give(owner, owner.own, [entry])
            self._revised[owner.span.key] = owner
        else:
            self._pools.setdefault(pool, []).append(entry)
            self._join_late(entry)
        while len(self._entries) > self._capacity or (self._characters > _MAX_CHARACTERS and len(self._entries) > 1):
            self._forget(self._entries.popleft())

    def take(self, span: EndedSpan) -> list[EventFacts]:
        """Return the events of a span that is about to be written, oldest first."""
        owner = _Owner(span)
        if span.is_call or not self._is_parent(span):
            _give(owner, owner.own, self._pools.pop(span.key, ()))
        if span.is_call:
            self._borrow(owner)
        self._owners[span.key] = owner
        if span.is_call and span.parent_span_id is not None:
            self._parents[span.key[0], span.parent_span_id] += 1
        if len(self._owners) > self._max_spans:
            self._forget_span(self._owners.popitem(last=False)[1].span)
        return owner.facts()

    def revisions(self) -> list[tuple[SpanKey, list[EventFacts]]]:
        """Return written spans whose events have changed since, each with all its events, and start anew."""
        revised = [(key, owner.facts()) for key, owner in self._revised.items() if owner.is_intact]
        self._revised.clear()
        return revised

    def _borrow(self, owner: _Owner) -> None:
        """Find the events of a call that carry other ids than its own."""
        for entry in owner.borrowed:
            entry.owner = None
        owner.borrowed.clear()
        span = owner.span
        loose = self._pools.get(None, [])
        if span.response_id is not None:
            _give(owner, owner.own, self._naming(owner, loose))
        parent = None if span.parent_span_id is None else self._pools.get((span.key[0], span.parent_span_id))
        for pool in (parent, loose):
            wanted = owner.wants()
            if pool and wanted and not owner.borrowed:
                _give(owner, owner.borrowed, self._claim(owner, pool, wanted))

    def _naming(self, owner: _Owner, pool: list[_Entry]) -> list[_Entry]:
        """Take the events out of a pool that name the response of a call: remarks, and its details once."""
        found: list[_Entry] = []
        has_details = DETAILS in {entry.event.part for entry in owner.own}
        for entry in pool:
            if entry.owner is None and entry.event.response_id == owner.span.response_id:
                is_details = entry.event.part == DETAILS
                if not (is_details and has_details):
                    found.append(entry)
                    has_details = has_details or is_details
        for entry in found:
            pool.remove(entry)
        return found

    def _claim(self, owner: _Owner, pool: list[_Entry], wanted: Collection[str]) -> Sequence[_Entry]:
        """Return what in a pool can only be told by this call."""
        span = owner.span
        near: list[_Entry] = []
        for entry in reversed(pool):
            if entry.event.timestamp is not None and entry.event.timestamp < span.start - _MAX_DISORDER:
                break
            if entry.event.part in wanted and _is_same_scope(entry.event, span):
                near.append(entry)
        near.reverse()
        around = [entry for entry in near if span.is_around(entry.event)]
        if span.thread_id:
            ours = [entry for entry in around if entry.event.thread_id == span.thread_id]
            if _is_one_call(ours) and ours[-1].event.part != PROMPT:
                return self._uncontested(owner, ours)
        found = self._uncontested(owner, around) if around else _next_in_order(span, near)
        if PROMPT not in wanted and any(self._waiting_for(entry.event) for entry in found):
            for entry in found:
                entry.is_contested = True
            return []
        return found

    def _uncontested(self, owner: _Owner, around: list[_Entry]) -> list[_Entry]:
        """Return the events that happened during a call, unless another call may claim one of them.

        What a call took that lies wholly within this one (an inner call) stays with that. Two calls that overlap may
        both have emitted what happened while both were open, so both lose it, and so does a call in whose time the
        events of several calls are interleaved.
        """
        span = owner.span
        free = [entry for entry in around if entry.owner is None]
        others = {entry.owner for entry in around if entry.owner is not None}
        has_question = PROMPT not in owner.wants() or not free or any(e.event.part != CHOICE for e in free)
        rivals = {other for other in others if other.span.overlaps(span) or not has_question}
        is_contested = any(entry.is_contested for entry in around)
        if not rivals and not is_contested and _is_one_call(free):
            return free
        for rival in rivals:
            self._revised[rival.span.key] = rival
            free += rival.borrowed
            rival.borrowed.clear()
        for entry in free:
            entry.owner = None
            entry.is_contested = True
        return []

    def _join_late(self, entry: _Entry) -> None:
        """Let the written calls to which an event may belong look for their events again."""
        event = entry.event
        waiting = []
        for owner in reversed(self._owners.values()):
            span = owner.span
            if event.timestamp is not None and span.end < event.timestamp - _MAX_DISORDER:
                break
            parent = None if span.parent_span_id is None else (span.key[0], span.parent_span_id)
            if span.is_call and entry.pool in (None, parent):
                names = event.response_id is not None and event.response_id == span.response_id
                if names or (owner.wants() and (span.is_around(event) or event.timestamp is None)):
                    waiting.append(owner)
        if len(waiting) > 1 and event.timestamp is None:
            return
        for owner in waiting:
            before = owner.facts()
            self._borrow(owner)
            if owner.facts() != before:
                self._revised[owner.span.key] = owner

    def _waiting_for(self, event: LogEvent) -> list[SpanKey | None]:
        """Return the ids, or None for the lack of them, under which calls were open when a choice without ids came."""
        found: list[SpanKey | None] = []
        for key, pool in self._pools.items():
            asked = [e for e in pool if e.event.part in _CONTENT and _may_precede(e.event, event)]
            # Prompts without ids are not known to be answered: whose they are is inferred itself.
            last = asked if key is None else [entry for entry in asked[-1:] if entry.owner is None]
            if any(entry.event.part == PROMPT for entry in last):
                found.append(key)
        return found

    def _is_parent(self, span: EndedSpan) -> bool:
        """Return whether calls ran directly below a span that is none: what carries its ids may then be theirs."""
        return not span.is_call and self._parents[span.key] > 0

    def _forget_span(self, span: EndedSpan) -> None:
        if span.is_call and span.parent_span_id is not None:
            parent = (span.key[0], span.parent_span_id)
            self._parents[parent] -= 1
            if not self._parents[parent]:
                del self._parents[parent]

    def _forget(self, entry: _Entry) -> None:
        self._characters -= entry.event.size
        if entry.owner is None:
            self._forgotten += 1
        else:
            entry.owner.is_intact = False
        pool = self._pools.get(entry.pool)
        if pool is not None and entry in pool:
            pool.remove(entry)
            if not pool:
                del self._pools[entry.pool]


def _give(owner: _Owner, entries: list[_Entry], given: Iterable[_Entry]) -> None:
    for entry in given:
        entry.owner = owner
        entries.append(entry)


def _is_same_scope(event: LogEvent, span: EndedSpan) -> bool:
    return not event.scope_name or not span.scope_name or event.scope_name == span.scope_name


def _is_one_call(entries: list[_Entry]) -> bool:
    calls = operations([entry.event for entry in entries])
    return calls is not None and len(calls) == 1


def _may_precede(event: LogEvent, choice: LogEvent) -> bool:
    """Return whether an event may be the question to a choice: by one scope, and not after it."""
    is_same_scope = not event.scope_name or not choice.scope_name or event.scope_name == choice.scope_name
    return is_same_scope and (
        event.timestamp is None or choice.timestamp is None or event.timestamp <= choice.timestamp
    )


def _next_in_order(span: EndedSpan, entries: list[_Entry]) -> list[_Entry]:
    """Return the first call among the events that only have an order, the order in which their calls ended."""
    waiting = [e for e in entries if e.owner is None and not e.is_contested and span.is_timeless(e.event)]
    calls = operations([entry.event for entry in waiting])
    if not calls or (span.is_failed and calls[0][-1].part == CHOICE):
        return []
    return waiting[: len(calls[0])]
