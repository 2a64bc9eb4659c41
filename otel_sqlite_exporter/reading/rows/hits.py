"""Where a text was found, as a search answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text where it stands, on one line.

    Args:
        direction: ``system``, ``input`` or ``output``.
        role: The message's role.
        before: What stands before the text.
        found: The text as it stands there.
        after: What stands after it.
    """

    direction: str
    role: str | None
    before: str
    found: str
    after: str


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
