"""Join GenAI log events to the spans they belong to, in whatever order they come."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from itertools import count
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.calls.log_event import CHOICE, DETAILS, PROMPT, LogEvent
from otel_sqlite_exporter.calls.log_event_owner import (
    CONTENT,
    EndedSpan,
    Entry,
    Owner,
    give,
    is_one_call,
    is_same_scope,
    may_precede,
    next_in_order,
    of_one_thread,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from otel_sqlite_exporter.calls.report import SpanKey
    from otel_sqlite_exporter.conventions.call import EventFacts

_MAX_CHARACTERS: Final = 16 * 1024 * 1024
_MAX_DISORDER: Final = 1_000_000_000


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
        self._entries: deque[Entry] = deque()
        self._characters = 0
        self._pools: dict[SpanKey | None, list[Entry]] = {}
        self._owners: OrderedDict[SpanKey, Owner] = OrderedDict()
        self._parents: Counter[SpanKey] = Counter()
        self._revised: dict[SpanKey, Owner] = {}
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
            waiting = [call for call in waiting if call[1] == event.thread_id] or waiting
            pool = waiting[0][0] if len(waiting) == 1 else None
        entry = Entry(event, next(self._numbers), pool)
        self._entries.append(entry)
        self._characters += event.size
        owner = self._owners.get(pool) if pool is not None else None
        if owner is not None and not self._is_parent(owner.span):
            give(owner, owner.own, [entry])
            self._revised[owner.span.key] = owner
        else:
            self._pools.setdefault(pool, []).append(entry)
            self._join_late(entry)
        while len(self._entries) > self._capacity or (self._characters > _MAX_CHARACTERS and len(self._entries) > 1):
            self._forget(self._entries.popleft())

    def take(self, span: EndedSpan) -> list[EventFacts]:
        """Return the events of a span that is about to be written, oldest first."""
        owner = Owner(span)
        if span.is_call or not self._is_parent(span):
            give(owner, owner.own, self._pools.pop(span.key, ()))
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

    def _borrow(self, owner: Owner) -> None:
        """Find the events of a call that carry other ids than its own."""
        for entry in owner.borrowed:
            entry.owner = None
        owner.borrowed.clear()
        span = owner.span
        loose = self._pools.get(None, [])
        if span.response_id is not None:
            give(owner, owner.own, self._naming(owner, loose))
        parent = None if span.parent_span_id is None else self._pools.get((span.key[0], span.parent_span_id))
        wanted = owner.wants()
        for pool in (parent, loose) if wanted else ():
            found = self._claim(owner, pool or [], wanted)
            if found is not None:
                give(owner, owner.borrowed, found)
                break

    def _naming(self, owner: Owner, pool: list[Entry]) -> list[Entry]:
        """Take the events out of a pool that name the response of a call: remarks, and its details once."""
        found: list[Entry] = []
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

    def _claim(self, owner: Owner, pool: list[Entry], wanted: Collection[str]) -> Sequence[Entry] | None:
        """Return what in a pool only this call can have emitted, None when it holds nothing of its time."""
        span = owner.span
        near: list[Entry] = []
        for entry in reversed(pool):
            if entry.event.timestamp is not None and entry.event.timestamp < span.start - _MAX_DISORDER:
                break
            if entry.event.part in wanted and is_same_scope(entry.event, span):
                near.append(entry)
        if not near:
            return None
        near.reverse()
        around = [entry for entry in near if span.is_around(entry.event)]
        around = of_one_thread(owner, around)
        found = self._uncontested(owner, around) if around else next_in_order(span, near)
        if not around and not found:
            return None
        if PROMPT not in wanted and any(self._is_awaited(entry.event, owner) for entry in found):
            for entry in found:
                entry.is_contested = True
            return []
        return found

    def _is_awaited(self, choice: LogEvent, owner: Owner) -> bool:
        """Return whether other calls than its likely owner may wait for a choice that carries no ids."""
        is_certain = choice.thread_id > 0 and choice.thread_id in owner.asking_threads()
        return any(not is_certain or thread == choice.thread_id for _, thread in self._waiting_for(choice))

    def _uncontested(self, owner: Owner, around: list[Entry]) -> list[Entry]:
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
        if not rivals and not is_contested and is_one_call(free):
            return free
        for rival in rivals:
            self._revised[rival.span.key] = rival
            free += rival.borrowed
            rival.borrowed.clear()
        for entry in free:
            entry.owner = None
            entry.is_contested = True
        return []

    def _join_late(self, entry: Entry) -> None:
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
        for owner in reversed(waiting):
            before = owner.facts()
            self._borrow(owner)
            if owner.facts() != before:
                self._revised[owner.span.key] = owner

    def _waiting_for(self, event: LogEvent) -> list[tuple[SpanKey | None, int]]:
        """Return the ids, or None for the lack of them, and the threads of calls that were open when a choice came."""
        found: list[tuple[SpanKey | None, int]] = []
        for key, pool in self._pools.items():
            asked = (e for e in reversed(pool) if e.event.part in CONTENT and may_precede(e.event, event))
            if key is None:
                # Prompts without ids are not known to be answered: whose they are is inferred itself.
                last = next((entry for entry in asked if entry.event.part == PROMPT), None)
            else:
                last = next(asked, None)
                last = last if last is not None and last.owner is None and last.event.part == PROMPT else None
            if last is not None:
                found.append((key, last.event.thread_id))
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

    def _forget(self, entry: Entry) -> None:
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
