"""What tools did, as questions answer."""

from __future__ import annotations

from dataclasses import dataclass


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
