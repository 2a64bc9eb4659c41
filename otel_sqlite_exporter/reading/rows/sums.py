"""Usage and latency by group, as questions answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Calls, tokens and cost of one group; which of the first eight say something depends on the question's ``by``.

    Args:
        day: The day, by UTC.
        provider: The provider.
        model: The model that was asked for.
        agent_name: The agent.
        user_id: The user.
        service_name: The application.
        conversation_id: The conversation.
        trace_id: The trace.
        calls: How many calls.
        errors: How many of them failed.
        error_rate: ``errors / calls``.
        input_tokens: None where no call reported any; so the others.
        output_tokens: As above.
        total_tokens: As above.
        cache_read_tokens: Of the input, read from the provider's cache.
        cache_write_tokens: Of the input, written into it.
        reasoning_tokens: Of the output.
        cache_hit_rate: ``cache_read_tokens / input_tokens``; None where nobody reported any from a cache.
        cost_usd: US dollars; of the calls that have a price.
        calls_without_tokens: How many calls did not fail and reported no tokens: the sums lack theirs.
        calls_without_cost: How many calls did not fail and have no cost: the cost lacks theirs.
    """

    day: str | None = None
    provider: str | None = None
    model: str | None = None
    agent_name: str | None = None
    user_id: str | None = None
    service_name: str | None = None
    conversation_id: str | None = None
    trace_id: str | None = None
    calls: int = 0
    errors: int = 0
    error_rate: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_hit_rate: float | None = None
    cost_usd: float | None = None
    calls_without_tokens: int = 0
    calls_without_cost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long the calls of one group took, failed ones left out; times are milliseconds.

    Args:
        day: The day, by UTC, of ``by="day"``; so the next seven.
        provider: The provider.
        model: The model that was asked for.
        agent_name: The agent.
        user_id: The user.
        service_name: The application.
        conversation_id: The conversation.
        trace_id: The trace.
        calls: How many calls.
        p50_ms: Half of them took no longer.
        p95_ms: 95 of 100 took no longer.
        p99_ms: 99 of 100 took no longer.
        max_ms: The longest.
        first_token_calls: How many of them reported when the first piece of the answer came: mostly streams. The next
            two are of these alone, so that they may be longer than what all calls took.
        first_token_p50_ms: Half of these had it no later.
        first_token_p95_ms: As above.
        tokens_per_second: Output tokens by the time that those calls took.
    """

    day: str | None = None
    provider: str | None = None
    model: str | None = None
    agent_name: str | None = None
    user_id: str | None = None
    service_name: str | None = None
    conversation_id: str | None = None
    trace_id: str | None = None
    calls: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    first_token_calls: int = 0
    first_token_p50_ms: float | None = None
    first_token_p95_ms: float | None = None
    tokens_per_second: float | None = None
