"""Record what a receiver took into a second file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.sending.receiver import Received, plain


def record_received(received: Sequence[Received], path: Path) -> None:
    """Record spans as a service would that gets OTLP and hands it to a processor."""
    processor = SQLiteSpanProcessor(path)
    for one in received:
        processor.on_end(_span(one))
    processor.shutdown()


def _span(one: Received) -> ReadableSpan:
    span = one.span
    trace_id = int(one.key[0], 16)

    def context(span_id: bytes, *, is_remote: bool = False) -> SpanContext:
        return SpanContext(trace_id, int.from_bytes(span_id, "big"), is_remote=is_remote, trace_flags=TraceFlags(1))

    return ReadableSpan(
        name=span.name,
        context=context(span.span_id),
        parent=context(span.parent_span_id, is_remote=bool(span.flags & 0x200)) if span.parent_span_id else None,
        resource=Resource({item.key: plain(item.value) for item in one.resource.resource.attributes}),
        attributes=one.attributes,
        events=[
            Event(event.name, {item.key: plain(item.value) for item in event.attributes}, event.time_unix_nano)
            for event in span.events
        ],
        links=[
            Link(SpanContext(int.from_bytes(link.trace_id, "big"), int.from_bytes(link.span_id, "big"), is_remote=True))
            for link in span.links
        ],
        kind=list(SpanKind)[span.kind - 1],
        status=Status(list(StatusCode)[span.status.code], span.status.message or None),
        start_time=span.start_time_unix_nano,
        end_time=span.end_time_unix_nano,
        instrumentation_scope=InstrumentationScope(one.scope.scope.name, one.scope.scope.version),
    )
