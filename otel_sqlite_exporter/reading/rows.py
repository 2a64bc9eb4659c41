"""What questions are answered with: one frozen dataclass for each kind of row, named as the columns are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.building import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One LLM or embedding call: a row of the view ``llm_calls``.

    Times are ISO texts in UTC, with the Unix nanoseconds beside them; durations are milliseconds; costs US dollars.
    None means that nothing was reported.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One execution of a tool: a row of the view ``tool_calls``."""

    id: int
    start_time: str | None = None
    tool_name: str | None = None
    arguments: str | None = None
    result: str | None = None
    duration_ms: float | None = None
    status: str | None = None
    error_type: str | None = None
    status_message: str | None = None
    agent_name: str | None = None
    tool_call_id: str | None = None
    call_id: int | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    start_time_unix_nano: int | None = None
    end_time_unix_nano: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSummary:
    """What one tool did in a period; times are milliseconds."""

    tool_name: str | None
    calls: int
    errors: int
    error_rate: float
    p50_ms: float | None
    p95_ms: float | None
    max_ms: float | None
    total_ms: float
    last_time: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure, in the span in which it began: a row of the view ``errors``."""

    id: int
    start_time: str | None = None
    kind: str | None = None
    name: str | None = None
    tool_name: str | None = None
    agent_name: str | None = None
    provider: str | None = None
    model: str | None = None
    error_type: str | None = None
    message: str | None = None
    status_message: str | None = None
    duration_ms: float | None = None
    conversation_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    start_time_unix_nano: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureSummary:
    """Failures of one type in one place.

    Args:
        kind: ``llm``, ``tool``, ...
        place: The tool, else the model, else the span's name.
        error_type: The class of the error.
        agent_name: Whose step it was.
        failures: How many.
        first_time: When the first one began, ISO, UTC.
        last_time: When the last one began.
        last_id: ``spans.id`` of the last one.
        last_message: First line of what it said.
    """

    kind: str | None
    place: str | None
    error_type: str | None
    agent_name: str | None
    failures: int
    first_time: str | None
    last_time: str | None
    last_id: int
    last_message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One trace with its sums: a row of the view ``traces``."""

    trace_id: str
    name: str | None = None
    start_time: str | None = None
    duration_ms: float | None = None
    spans: int | None = None
    llm_calls: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cost_usd: float | None = None
    errors: int | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    start_time_unix_nano: int | None = None
    end_time_unix_nano: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One conversation with its sums: a row of the view ``conversations``."""

    conversation_id: str
    user_id: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    traces: int | None = None
    llm_calls: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cost_usd: float | None = None
    errors: int | None = None
    start_time_unix_nano: int | None = None
    end_time_unix_nano: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Calls, tokens and cost of one group; which of the first seven say something depends on the question's ``by``.

    Args:
        day: The day, by UTC.
        provider: The provider.
        model: The model that was asked for.
        agent_name: The agent.
        user_id: The user.
        service_name: The application.
        conversation_id: The conversation.
        calls: How many calls.
        errors: How many of them failed.
        error_rate: ``errors / calls``.
        input_tokens: None where no call reported any; so the others.
        output_tokens: As above.
        total_tokens: As above.
        cache_read_tokens: Input tokens that the provider had already seen.
        cache_hit_rate: ``cache_read_tokens / input_tokens``.
        cost_usd: US dollars.
    """

    day: str | None = None
    provider: str | None = None
    model: str | None = None
    agent_name: str | None = None
    user_id: str | None = None
    service_name: str | None = None
    conversation_id: str | None = None
    calls: int = 0
    errors: int = 0
    error_rate: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_hit_rate: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long the calls of one group took, failed ones left out; times are milliseconds.

    Args:
        provider: The provider, of ``by="provider"``; so the next two.
        model: The model that was asked for.
        agent_name: The agent.
        calls: How many calls.
        p50_ms: Half of them took no longer.
        p95_ms: 95 of 100 took no longer.
        p99_ms: 99 of 100 took no longer.
        max_ms: The longest.
        first_token_p50_ms: The same, to the first piece of the answer, of those that reported it.
        first_token_p95_ms: As above.
        tokens_per_second: Output tokens by the time that those calls took.
    """

    provider: str | None = None
    model: str | None = None
    agent_name: str | None = None
    calls: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    first_token_p50_ms: float | None = None
    first_token_p95_ms: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Where a searched text was found: the newest span with that message.

    Args:
        id: ``spans.id``.
        start_time: Start of the span, ISO, UTC.
        kind: ``llm``, ``tool``, ...
        model: The model, of a call.
        agent_name: The agent.
        trace_id: The trace.
        direction: ``system``, ``input``, ``output`` or ``error``.
        role: The message's role.
        position: Its place in the direction.
        before: What stands before the text, on one line.
        found: The text as it stands there.
        after: What stands after it.
        start_time_unix_nano: Start, in Unix nanoseconds.
    """

    id: int
    start_time: str | None
    kind: str | None
    model: str | None
    agent_name: str | None
    trace_id: str | None
    direction: str
    role: str | None
    position: int | None
    before: str
    found: str
    after: str
    start_time_unix_nano: int
