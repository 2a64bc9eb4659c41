"""From events to the file: conversion, correlation and the database, for one thread at a time."""

from __future__ import annotations

import json
import logging
import platform
import sqlite3
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from opentelemetry.sdk.version import __version__ as sdk_version

from otel_sqlite_exporter.calls.cost import Prices
from otel_sqlite_exporter.calls.descent import NO_IDS
from otel_sqlite_exporter.calls.duplicates import RecentCalls
from otel_sqlite_exporter.calls.log_event_joiner import LogEventJoiner
from otel_sqlite_exporter.calls.log_event_owner import EndedSpan
from otel_sqlite_exporter.calls.report import CALL_KINDS, report_of
from otel_sqlite_exporter.conventions.call import SpanFacts
from otel_sqlite_exporter.database.amendments import Amendment
from otel_sqlite_exporter.database.retention import Retention
from otel_sqlite_exporter.database.writer import DatabaseWriter
from otel_sqlite_exporter.ids import span_key_text, trace_id_text
from otel_sqlite_exporter.pipeline.conversion import Converter
from otel_sqlite_exporter.pipeline.eviction import Eviction
from otel_sqlite_exporter.pipeline.groups import Failures, groups_of
from otel_sqlite_exporter.pipeline.wrapped_calls import completion_of_wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.calls.descent import News
    from otel_sqlite_exporter.calls.duplicates import Duplicate
    from otel_sqlite_exporter.calls.log_event import LogEvent
    from otel_sqlite_exporter.calls.report import SpanKey
    from otel_sqlite_exporter.config import ExporterOptions
    from otel_sqlite_exporter.conventions.call import Call, EventFacts, Replayed
    from otel_sqlite_exporter.conventions.reader import Reading
    from otel_sqlite_exporter.database.batch import Batch
    from otel_sqlite_exporter.database.rows import SpanRecord
    from otel_sqlite_exporter.pipeline.passing_spans import PassingSpan

    _Opened: TypeAlias = tuple[ReadableSpan, SpanFacts, Reading | None]
    _Read: TypeAlias = tuple[ReadableSpan, SpanFacts, Call]
    _Converted: TypeAlias = tuple[ReadableSpan, SpanFacts, Call, SpanRecord]

_logger = logging.getLogger(__name__)

_REMEMBERED_SPANS: Final = 512


class Recorder:
    """Turn ended spans into batches, in the order in which they ended.

    Args:
        options: The exporter options.
    """

    def __init__(self, options: ExporterOptions) -> None:
        self.database = DatabaseWriter(options.path, _settings(options))
        self.retention = Retention(options)
        self._converter = Converter(options)
        self._recent_calls = RecentCalls()
        self._prices = Prices()
        self._log_events: LogEventJoiner | None = None
        self._without_content: OrderedDict[SpanKey, SpanFacts] = OrderedDict()
        self._calls_before_content: int | None = 0 if options.capture_content else None

    def join_log_events(self) -> None:
        """Look for log events of each span from now on."""
        self._log_events = self._log_events or LogEventJoiner(max_spans=_REMEMBERED_SPANS)

    def add_log_events(self, events: Iterable[LogEvent]) -> None:
        """Remember log events for spans that end later; the next batch amends those that are written already."""
        self.join_log_events()
        if self._log_events is not None:
            for event in events:
                self._log_events.add(event)

    @property
    def redact_failures(self) -> int:
        """How many texts were withheld because ``redact`` failed on them."""
        return self._converter.redact_failures

    @property
    def calls_without_content(self) -> int:
        """How many calls of chat models there were, if not one of them had a prompt or an answer; 0 otherwise."""
        return self._calls_before_content or 0

    @property
    def unmatched_log_events(self) -> int:
        """How many log events belong to no span so far."""
        return self._log_events.unmatched if self._log_events is not None else 0

    def convert(
        self, spans: Iterable[ReadableSpan], passing: Iterable[PassingSpan] = (), *, is_last: bool = False
    ) -> tuple[Batch, int, Exception | None]:
        """Return what is to be written for the spans, how many could not be converted, and the last reason why.

        Args:
            spans: Spans that get rows.
            passing: Spans that don't, and only link others.
            is_last: Whether nothing else waits that may be about the same calls.
        """
        batch = self.database.new_batch()
        for passed in passing:
            self._pass(passed, batch)
        failures = Failures()
        for group in groups_of(spans):
            opened = failures.aside(self._open, group)
            read = failures.aside(self._read, opened)
            converted = failures.aside(self._record, read)
            failures.aside(lambda one: self._add(one, batch), converted)
        self._settle(batch, is_last=is_last)
        if self._log_events is not None:
            for key, events in self._log_events.revisions():
                self._calls_before_content = None
                batch.changes.append(self._amendment(key, events))
        return batch, failures.count, failures.last

    def settled(self) -> Batch:
        """Return what is to be written because no other spans come for now that may be about the same calls."""
        batch = self.database.new_batch()
        self._settle(batch, is_last=True)
        return batch

    def _settle(self, batch: Batch, *, is_last: bool) -> None:
        try:
            self._link(self._recent_calls.settle(is_last=is_last), batch)
        except Exception:
            _logger.exception("spans that came late could not be compared with others that may report the same calls")

    def _open(self, span: ReadableSpan) -> _Opened:
        facts = self._converter.facts(span)
        return span, facts, self._converter.reading(facts)

    def _read(self, opened: _Opened) -> _Read:
        """Read what was said in a span, the log events that belong to it included."""
        converter = self._converter
        span, facts, reading = opened
        call = converter.call(facts, reading)
        if self._log_events is not None and span.context is not None:
            events = self._own_log_events(span, facts, call)
            if events:
                facts = replace(facts, log_events=events)
                call = converter.call(facts)
        if self._calls_before_content is not None and call.kind == "llm":
            self._calls_before_content = None if call.input or call.output else self._calls_before_content + 1
        if call.replayed is None:
            self._prices.complete(call, facts.start_time_unix_nano)
        return span, facts, call

    def _record(self, read: _Read) -> _Converted:
        return (*read, self._converter.record(*read))

    def _add(self, converted: _Converted, batch: Batch) -> None:
        """Put a record into the batch, with what its span and those before say about each other."""
        span, facts, call, record = converted
        batch.add(record)
        if call.attributes_evicted:
            Eviction.report(facts.scope_name)
        if call.replayed is not None:
            _place(call.replayed, record, batch)
            return
        try:
            self._relate(span, facts, call, record, batch)
        except Exception:
            # The row itself is right; without the link the call may count twice, which is worth a line in the log.
            _logger.exception("a span could not be compared with others that may report the same call")

    def _own_log_events(self, span: ReadableSpan, facts: SpanFacts, call: Call) -> list[EventFacts]:
        """Return the span's log events, and keep what is needed to read it again should more of them come."""
        if self._log_events is None or span.context is None:
            return []
        key = (span.context.trace_id, span.context.span_id)
        if not (call.input and call.output):
            self._without_content[key] = facts
            if len(self._without_content) > _REMEMBERED_SPANS:
                self._without_content.popitem(last=False)
        return self._log_events.take(
            EndedSpan(
                key=key,
                parent_span_id=span.parent.span_id if span.parent is not None else None,
                scope_name=facts.scope_name,
                start=facts.start_time_unix_nano,
                end=facts.end_time_unix_nano,
                is_call=call.kind in CALL_KINDS,
                is_failed=call.status == "error",
                response_id=call.response_id,
            )
        )

    def _amendment(self, key: SpanKey, events: list[EventFacts]) -> Amendment:
        """Return what log events add to a span that is written already."""
        converter = self._converter
        known = self._without_content.get(key)
        facts = SpanFacts(name="", log_events=events) if known is None else replace(known, log_events=events)
        call = converter.call(facts)
        if known is not None:
            self._prices.complete(call, known.start_time_unix_nano)
        return Amendment(
            span=span_key_text(key),
            facts=converter.completing_facts(call),
            messages=converter.messages(call),
            events=converter.events(call, facts.scope_name),
            is_whole=known is not None,
        )

    def _relate(self, span: ReadableSpan, facts: SpanFacts, call: Call, record: SpanRecord, batch: Batch) -> None:
        """Find out what other spans say about this one, and it about them: ids, and who reports the same call."""
        context = span.context
        if context is None:
            return
        key = (context.trace_id, context.span_id)
        parent = span.parent.span_id if span.parent is not None else None
        report = report_of(
            call,
            key,
            parent_span_id=parent,
            scope_name=facts.scope_name,
            start=facts.start_time_unix_nano,
            end=facts.end_time_unix_nano,
        )
        recent = self._recent_calls
        ids = record.ids
        relative, news = recent.descent.add(key, parent, call.kind, ids, is_call=report is not None)
        if relative.ids is not ids:
            record.ids = relative.row_ids()
        if report is not None:
            self._link(recent.observe(report, relative, news), batch)
        else:
            completion = completion_of_wrapped(recent, relative, call, record)
            if completion is not None:
                batch.changes.append(completion)
        if news is not None:
            if report is None and news.calls_below:
                self._link(recent.observe_span(news), batch)
            self._hand_down(news, batch)

    def _pass(self, passed: PassingSpan, batch: Batch) -> None:
        """Take a span without a row for a link between others, which may have ids for those below."""
        context, parent, attributes = passed
        if context is None:
            return
        ids = self._converter.ids_of_any_span(attributes) if attributes else NO_IDS
        key = (context.trace_id, context.span_id)
        _, news = self._recent_calls.descent.add(key, parent.span_id if parent is not None else None, None, ids)
        if news is not None:
            self._link(self._recent_calls.observe_span(news), batch)
            self._hand_down(news, batch)

    def _link(self, found: Iterable[Duplicate], batch: Batch) -> None:
        for duplicate in found:
            inner = None if duplicate.inner is None else span_key_text(duplicate.inner)
            batch.link(span_key_text(duplicate.outer), inner, is_complete=duplicate.is_complete)
        for span, trace_id in self._recent_calls.take_shown():
            batch.show(span_key_text(span), None if trace_id is None else trace_id_text(trace_id))

    def _hand_down(self, news: News, batch: Batch) -> None:
        """Give ids to the rows of spans below, and to those that stand for their calls in other traces."""
        for column, heirs in enumerate(news.heirs):
            for heir in heirs:
                value = heir.ids[column]
                if value is None:
                    continue
                batch.hand_down(span_key_text(heir.key), column, value)
                root = self._recent_calls.root_key(heir.key) if heir.is_call else None
                if root is not None and root[0] != heir.key[0]:
                    batch.hand_down(span_key_text(root), column, value)


def _place(replayed: Replayed, record: SpanRecord, batch: Batch) -> None:
    """Put a row where it was in the file that it comes from: what other spans say of it was found out there."""
    if replayed.is_amended:
        batch.changes.append(Amendment(record.key, record.facts, record.messages, is_whole=True))
    if replayed.duplicate_of is not None:
        inner = (replayed.duplicate_in_trace or record.trace_id, replayed.duplicate_of)
        batch.link(record.key, inner, is_complete=False)
    if replayed.shown_in_trace_id is not None:
        batch.show(record.key, replayed.shown_in_trace_id)


def _settings(options: ExporterOptions) -> str:
    """Return what the ledger says of this process: why a prompt is missing or cut, and what wrote the file."""
    return json.dumps(
        {
            "capture_content": options.capture_content,
            "max_text_bytes": options.max_text_bytes,
            "spans": options.spans,
            "redact": options.redact is not None,
            "keep_raw_content": options.keep_raw_content,
            "opentelemetry_sdk": sdk_version,
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        }
    )
