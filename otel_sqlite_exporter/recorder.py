"""From events to the file: conversion, correlation and the database, for one thread at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from otel_sqlite_exporter.call_report import report_of
from otel_sqlite_exporter.conversion import Converter
from otel_sqlite_exporter.cost import Prices
from otel_sqlite_exporter.database import Database
from otel_sqlite_exporter.duplicates import RecentCalls
from otel_sqlite_exporter.ids import trace_id_text
from otel_sqlite_exporter.retention import Retention
from otel_sqlite_exporter.statements import Batch, DuplicateLink

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.call import Call, SpanFacts
    from otel_sqlite_exporter.call_report import SpanKey
    from otel_sqlite_exporter.config import ExporterOptions

_logger = logging.getLogger(__name__)


class Recorder:
    """Turn ended spans into batches, in the order in which they ended.

    Args:
        options: The exporter options.
    """

    def __init__(self, options: ExporterOptions) -> None:
        self.database = Database(options.path)
        self.retention = Retention(options)
        self._converter = Converter(options)
        self._recent_calls = RecentCalls()
        self._prices = Prices()

    def convert(self, spans: Iterable[ReadableSpan]) -> tuple[Batch, int, Exception | None]:
        """Return what is to be written for the spans, how many could not be converted, and the last reason why."""
        batch = Batch()
        failed = 0
        reason: Exception | None = None
        for span in spans:
            try:
                self._convert(span, batch)
            except Exception as error:  # noqa: BLE001 - any span whatever may arrive; it is counted and logged
                failed += 1
                reason = error
        return batch, failed, reason

    def _convert(self, span: ReadableSpan, batch: Batch) -> None:
        converter = self._converter
        facts = converter.facts(span)
        call = converter.call(facts)
        self._prices.complete(call, facts.start_time_unix_nano)
        record = converter.record(span, facts, call)
        batch.records.append(record)
        try:
            self._correlate(span, facts, call, batch)
        except Exception:
            # The row itself is right; without the link the call may count twice, which is worth a line in the log.
            _logger.exception("a span could not be compared with others that may report the same call")

    def _correlate(self, span: ReadableSpan, facts: SpanFacts, call: Call, batch: Batch) -> None:
        """Find out whether another span reports the same call."""
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
        found = recent.observe(report) if report is not None else recent.observe_span(key, parent, call.kind)
        for duplicate in found:
            inner = None if duplicate.inner is None else _column_key(duplicate.inner)
            batch.duplicates.append(DuplicateLink(_column_key(duplicate.outer), inner, duplicate.is_complete))


def _column_key(key: SpanKey) -> tuple[str, str]:
    trace_id, span_id = key
    return trace_id_text(trace_id), f"{span_id:016x}"
