"""The layout ``otel``: all spans, in the columns of the table ``otel_traces`` that a Collector makes in ClickHouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from otel_sqlite_exporter.reading.building import Json, as_int, as_json, json_text
from otel_sqlite_exporter.sending.replay import attributes_of

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.stored import StoredSpan

_TEXT: Final = pa.string()
_TIME: Final = pa.timestamp("ns", tz="UTC")
_MAP: Final = pa.map_(_TEXT, _TEXT)

OTEL_SCHEMA: Final = pa.schema(
    [
        ("Timestamp", _TIME),
        ("TraceId", _TEXT),
        ("SpanId", _TEXT),
        ("ParentSpanId", _TEXT),
        ("TraceState", _TEXT),
        ("SpanName", _TEXT),
        ("SpanKind", _TEXT),
        ("ServiceName", _TEXT),
        ("ResourceAttributes", _MAP),
        ("ScopeName", _TEXT),
        ("ScopeVersion", _TEXT),
        ("SpanAttributes", _MAP),
        ("Duration", pa.int64()),
        ("StatusCode", _TEXT),
        ("StatusMessage", _TEXT),
        ("Events.Timestamp", pa.list_(_TIME)),
        ("Events.Name", pa.list_(_TEXT)),
        ("Events.Attributes", pa.list_(_MAP)),
        ("Links.TraceId", pa.list_(_TEXT)),
        ("Links.SpanId", pa.list_(_TEXT)),
        ("Links.TraceState", pa.list_(_TEXT)),
        ("Links.Attributes", pa.list_(_MAP)),
    ]
)

_Map = list[tuple[str, str]]


def otel_row(span: StoredSpan, file_id: str) -> dict[str, object] | None:  # noqa: ARG001 - as the other layout
    """Return a row.

    Args:
        span: The span; its attributes are those with which ``send`` would send it.
        file_id: The file that it is from.
    """
    events = _objects(span.events)
    links = _objects(span.links)
    return {
        "Timestamp": span.start_time_unix_nano,
        "TraceId": _hex(span.trace_id),
        "SpanId": span.span_id,
        "ParentSpanId": span.parent_span_id or "",
        "TraceState": span.trace_state or "",
        "SpanName": span.name,
        "SpanKind": span.otel_kind.capitalize(),
        "ServiceName": span.service_name or "",
        "ResourceAttributes": _map(as_json(span.resource_attributes)),
        "ScopeName": span.scope_name,
        "ScopeVersion": span.scope_version,
        "SpanAttributes": _map(attributes_of(span, "genai")),
        "Duration": max(span.end_time_unix_nano - span.start_time_unix_nano, 0),
        "StatusCode": span.otel_status.capitalize(),
        "StatusMessage": (span.status_message or "") if span.otel_status == "error" else "",
        "Events.Timestamp": [as_int(event.get("timestamp")) or span.end_time_unix_nano for event in events],
        "Events.Name": [_text(event.get("name")) for event in events],
        "Events.Attributes": [_map(event.get("attributes")) for event in events],
        "Links.TraceId": [_hex(_text(link.get("trace_id"))) for link in links],
        "Links.SpanId": [_text(link.get("span_id")) for link in links],
        "Links.TraceState": [_text(link.get("trace_state")) for link in links],
        "Links.Attributes": [_map(link.get("attributes")) for link in links],
    }


def _objects(text: str) -> list[dict[str, Json]]:
    items = as_json(text)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _map(attributes: Json) -> _Map:
    if not isinstance(attributes, dict):
        return []
    return [(key, _text(value)) for key, value in attributes.items() if value is not None]


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json_text(value)


def _hex(trace_id: str) -> str:
    return trace_id.replace("-", "")
