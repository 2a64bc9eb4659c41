"""From a stored row back to the span that OpenTelemetry's encoders and exporters take."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from otel_sqlite_exporter.conventions.replayed import AMENDED, DUPLICATE_IN_TRACE, DUPLICATE_OF, KIND
from otel_sqlite_exporter.ids import uuid_to_trace_id
from otel_sqlite_exporter.reading.building import Json, as_int, as_json, as_text, json_text
from otel_sqlite_exporter.sending.duplicates import without_usage
from otel_sqlite_exporter.sending.genai import genai_attributes
from otel_sqlite_exporter.sending.messages import MessageAttributes, genai_messages
from otel_sqlite_exporter.sending.openinference import openinference_attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import Attributes, AttributeValue

    from otel_sqlite_exporter.reading.stored import StoredSpan
    from otel_sqlite_exporter.sending.messages import Object

STYLES: Final = ("genai", "original", "openinference")
"""In whose words the attributes are: the GenAI conventions' or OpenInference's beside the emitter's, or these alone."""

_MAX_TIME: Final = (1 << 64) - 1
_INT64: Final = range(-(1 << 63), 1 << 63)
_SPAN_KINDS: Final = {kind.name: kind for kind in SpanKind}
_STATUSES: Final = {"unset": StatusCode.UNSET, "ok": StatusCode.OK, "error": StatusCode.ERROR}


class ReplayedSpan(ReadableSpan):
    """A span out of the file, with the numbers of what the SDK's limits dropped when it was recorded.

    Args:
        row: The row it was.
        style: One of :data:`STYLES`.
        is_amended: Whether it was sent before, and changed since.

    Raises:
        ValueError: Its ids are none that a span can have.
    """

    def __init__(self, row: StoredSpan, style: str, *, is_amended: bool = False) -> None:
        trace_id = uuid_to_trace_id(row.trace_id)
        attributes = attributes_of(row, style)
        if is_amended and KIND in attributes:
            attributes[AMENDED] = True
        parent = None
        if row.parent_span_id:
            parent = SpanContext(trace_id, int(row.parent_span_id, 16), is_remote=bool(row.parent_is_remote))
        super().__init__(
            name=_sound(row.name),
            context=SpanContext(
                trace_id,
                int(row.span_id, 16),
                is_remote=False,
                trace_flags=_flags(row.trace_flags),
                trace_state=_trace_state(row.trace_state),
            ),
            parent=parent,
            resource=_resource(row.resource_attributes, row.resource_schema_url),
            attributes=otlp_attributes(attributes),
            events=[_event(event, row) for event in _objects(row.events)],
            links=[link for item in _objects(row.links) if (link := _link(item)) is not None],
            kind=_SPAN_KINDS.get(row.otel_kind, SpanKind.INTERNAL),
            status=_status(row),
            start_time=_time(row.start_time_unix_nano),
            end_time=_time(row.end_time_unix_nano),
            instrumentation_scope=_scope(row.scope_name, row.scope_version, row.scope_schema_url, row.scope_attributes),
        )
        self._dropped = (row.dropped_attributes, row.dropped_events, row.dropped_links)

    @property
    def dropped_attributes(self) -> int:
        """How many attributes the SDK's limits dropped."""
        return self._dropped[0]

    @property
    def dropped_events(self) -> int:
        """How many events the SDK's limits dropped."""
        return self._dropped[1]

    @property
    def dropped_links(self) -> int:
        """How many links the SDK's limits dropped."""
        return self._dropped[2]


def attributes_of(row: StoredSpan, style: str) -> Object:
    """Return the attributes with which a row goes out.

    A report of a call that another row stands for has no usage: receivers add up all they get.

    Args:
        row: The row.
        style: One of :data:`STYLES`.
    """
    stored = as_json(row.attributes)
    attributes: Object = stored if isinstance(stored, dict) else {}
    messages = genai_messages(row)
    if style == "original":
        attributes = {**attributes, **({} if row.has_raw_content else messages.attributes())}
    else:
        attributes = {**attributes, **_words(row, style, messages, attributes)}
    if row.duplicate_of is not None:
        attributes = {**without_usage(attributes), DUPLICATE_OF: row.duplicate_of_span or ""}
        if row.duplicate_of_trace != row.trace_id:
            attributes[DUPLICATE_IN_TRACE] = row.duplicate_of_trace
    return attributes


def _words(row: StoredSpan, style: str, messages: MessageAttributes, emitted: Object) -> Object:
    if style == "openinference":
        return openinference_attributes(row, messages)
    return {**genai_attributes(row, emitted), **messages.attributes(), **messages.places()}


def otlp_attributes(attributes: Mapping[str, Json]) -> Attributes:
    """Return attributes that every encoder takes: sound text, numbers of 64 bits, nothing that is null."""
    return {
        _sound(key): cast("AttributeValue", _value(value)) for key, value in attributes.items() if value is not None
    }


def _value(value: Json) -> object:
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if value in _INT64 else str(value)
    if isinstance(value, list):
        if all(isinstance(item, (str, bool, int, float)) for item in value) and len({type(v) for v in value}) <= 1:
            return [_value(item) for item in value]
        return json_text(value)
    return json_text(value) if isinstance(value, dict) else value


def _sound(text: str) -> str:
    """Return a text that can be encoded: JSON may spell half of a character."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _objects(text: str) -> list[Object]:
    items = as_json(text)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _attributes_in(item: Object) -> Attributes:
    attributes = item.get("attributes")
    return otlp_attributes(attributes) if isinstance(attributes, dict) else {}


def _event(item: Object, row: StoredSpan) -> Event:
    attributes = dict(_attributes_in(item) or {})
    body = item.get("body")
    if body is not None:
        attributes["body"] = cast("AttributeValue", _value(body))
    moment = as_int(item.get("timestamp"))
    return Event(
        _sound(as_text(item.get("name")) or ""), attributes, _time(row.end_time_unix_nano if moment is None else moment)
    )


def _link(item: Object) -> Link | None:
    try:
        context = SpanContext(
            uuid_to_trace_id(str(item.get("trace_id"))),
            int(str(item.get("span_id")), 16),
            is_remote=True,
            trace_flags=_flags(as_int(item.get("trace_flags")) or 0),
            trace_state=_trace_state(as_text(item.get("trace_state"))),
        )
    except ValueError:
        return None
    return Link(context, _attributes_in(item))


def _status(row: StoredSpan) -> Status:
    code = _STATUSES.get(row.otel_status, StatusCode.UNSET)
    is_told = code is StatusCode.ERROR and row.status_message
    return Status(code, _sound(row.status_message or "") if is_told else None)


def _time(unix_nano: int) -> int:
    return min(max(unix_nano, 0), _MAX_TIME)


def _flags(flags: int) -> TraceFlags:
    return TraceFlags(flags & 0xFF)


def _trace_state(header: str | None) -> TraceState | None:
    return TraceState.from_header([header]) if header else None


@lru_cache(maxsize=256)
def _resource(attributes: str, schema_url: str) -> Resource:
    return Resource(_named(attributes), schema_url or None)


@lru_cache(maxsize=256)
def _scope(name: str, version: str, schema_url: str, attributes: str) -> InstrumentationScope:
    return InstrumentationScope(name, version or None, schema_url or None, _named(attributes))


def _named(attributes: str) -> dict[str, AttributeValue]:
    try:
        found = json.loads(attributes)
    except ValueError:
        return {}
    return dict(otlp_attributes(found) or {}) if isinstance(found, dict) else {}
