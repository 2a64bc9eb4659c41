"""Calls and their messages, as questions answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otel_sqlite_exporter.reading.building import ONLY_WHERE_SAID

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.building import Json
    from otel_sqlite_exporter.reading.rows.hits import Excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One LLM or embedding call: a row of the view ``llm_calls``.

    Times are ISO texts in UTC, with the Unix nanoseconds beside them; durations are milliseconds; costs US dollars.
    None means that nothing was reported. Beside the view's columns there is ``excerpt``: where a call that was asked
    for by a text has it; other questions leave it out.
    """

    id: int
    start_time: str | None = None
    end_time: str | None = None
    duration_ms: float | None = None
    time_to_first_token_ms: float | None = None
    kind: str | None = None
    operation: str | None = None
    provider: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    cost_source: str | None = None
    system_text: str | None = None
    input_text: str | None = None
    output_text: str | None = None
    tool_calls: Json = None
    finish_reason: str | None = None
    status: str | None = None
    status_message: str | None = None
    error_type: str | None = None
    streaming: bool | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    agent_name: str | None = None
    service_name: str | None = None
    convention: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    truncated_bytes: int | None = None
    start_time_unix_nano: int | None = None
    end_time_unix_nano: int | None = None
    excerpt: Excerpt | None = field(default=None, metadata=ONLY_WHERE_SAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a span: a row of the view ``call_messages``.

    Args:
        span_id: ``spans.id``, which is the call's id.
        direction: ``system``, ``input`` or ``output``.
        position: Its place in that direction, from 0.
        role: ``system``, ``user``, ``assistant``, ``tool``, ``tool_definitions``, ...
        text: The plain text of its text parts.
        parts: GenAI message parts.
        finish_reason: Of an output message.
        full_bytes: UTF-8 bytes of all its texts.
        kept_bytes: How many of them are stored.
        message_id: The same for a message that is sent again.
    """

    span_id: int
    direction: str = ""
    position: int = 0
    role: str | None = None
    text: str | None = None
    parts: Json = None
    finish_reason: str | None = None
    full_bytes: int | None = None
    kept_bytes: int | None = None
    message_id: int | None = None
