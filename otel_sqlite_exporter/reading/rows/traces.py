"""Traces and conversations, as questions answer."""

from __future__ import annotations

from dataclasses import dataclass


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
