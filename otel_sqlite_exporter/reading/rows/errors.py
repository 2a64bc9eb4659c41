"""What failed, as questions answer."""

from __future__ import annotations

from dataclasses import dataclass


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
