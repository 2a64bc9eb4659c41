"""What one span says, in the vocabulary of the database's columns.

:class:`SpanFacts` goes into a convention, :class:`Call` comes out of it. Both are plain data: no I/O, no
OpenTelemetry SDK objects, so that every convention can be tested with literals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JSONValue: TypeAlias = "str | int | float | bool | Sequence[JSONValue] | Mapping[str, JSONValue] | None"
"""A value that JSON can hold. Tuples count as arrays."""

Part: TypeAlias = dict[str, JSONValue]
"""One message part of the GenAI semantic conventions: ``{"type": "text", "content": ...}`` and its siblings."""


class Shared(list[JSONValue]):
    """A list that many calls have, as the definitions of the same tools: nobody changes it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class EventFacts:
    """A span event, or a log event joined to its span.

    Args:
        name: The event's name (for log events ``event_name``, else the attribute ``event.name``).
        attributes: Its attributes; values may be structures.
        body: A log event's body; None for span events.
        timestamp: Unix time in nanoseconds.
    """

    name: str
    attributes: Mapping[str, object]
    body: object = None
    timestamp: int | None = None


@dataclass(slots=True)
class SpanFacts:
    """What a convention may look at. Not frozen only because that would triple the time of making one.

    Args:
        name: The span's name.
        scope_name: Name of the instrumentation scope, "" where there is none.
        scope_version: Its version, "" where there is none.
        attributes: The span's attributes as emitted. Nothing about the values is assumed.
        events: The span's events.
        log_events: Log events that belong to this span, oldest first.
        status: ``unset``, ``ok`` or ``error``.
        status_message: The status description.
        start_time_unix_nano: Start of the span.
        end_time_unix_nano: End of the span.
        dropped_attributes: How many attributes the SDK evicted (the oldest go first).
    """

    name: str
    scope_name: str = ""
    scope_version: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)
    events: Sequence[EventFacts] = ()
    log_events: Sequence[EventFacts] = ()
    status: str = "unset"
    status_message: str | None = None
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    dropped_attributes: int = 0


@dataclass(slots=True)
class Message:
    """One message, text or document, in the GenAI message-part form.

    Args:
        role: ``system``, ``user``, ``assistant``, ``tool``, ... or None where the emitter gave none.
        parts: GenAI parts: ``text``, ``tool_call``, ``tool_call_response``, ``reasoning``, ``blob``, ``uri``, ``file``,
            or an emitter's own type.
        finish_reason: Of output messages, as the emitter spelled it.
    """

    role: str | None
    parts: list[Part]
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a row of another file was there, beside its columns; it was compared with its neighbours already.

    Args:
        duplicate_of: Span id of the row that stands for its call, None where it does itself.
        duplicate_in_trace: That row's trace as UUID text, None for the span's own.
        shown_in_trace_id: Column of that name.
        truncated_bytes: Column of that name.
        is_amended: Whether it was sent before, and changed since.
    """

    duplicate_of: str | None = None
    duplicate_in_trace: str | None = None
    shown_in_trace_id: str | None = None
    truncated_bytes: int = 0
    is_amended: bool = False


@dataclass(slots=True)
class Call:
    """One span, normalised: the columns of ``spans`` that a convention can fill, and the messages.

    None always means "not reported". Token counts follow the GenAI rule: input includes cached tokens, output includes
    reasoning tokens. ``total_tokens`` is there only where it is more than the counts tell. ``token_classes`` are counts
    within these that have prices of their own, ``service_tier`` is the tier that served the call: no column holds
    either. ``attributes`` and ``events`` hold what is not message content, as it was emitted. ``attributes_evicted``
    says that the SDK's limit on attributes took some that a column or a message needed. ``replayed`` is there for a row
    that another file had, and that was sent on.
    """

    kind: str = "other"
    operation: str | None = None
    convention: str = "none"
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    finish_reasons: list[str] | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    token_classes: dict[str, int] | None = None
    service_tier: str | None = None
    cost_usd: float | None = None
    cost_source: str | None = None
    time_to_first_token_ms: float | None = None
    streaming: bool | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    agent_name: str | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None
    status: str = "unset"
    status_message: str | None = None
    error_type: str | None = None
    system: list[Message] = field(default_factory=list)
    input: list[Message] = field(default_factory=list)
    output: list[Message] = field(default_factory=list)
    tool_definitions: list[JSONValue] | None = None
    attributes: dict[str, object] = field(default_factory=dict)
    events: list[EventFacts] = field(default_factory=list)
    attributes_evicted: bool = False
    replayed: Replayed | None = None
