"""GenAI log events as light envelopes, and what part each plays in the report of a call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from otel_sqlite_exporter.conventions.call import EventFacts

PROMPT: Final = "prompt"
CHOICE: Final = "choice"
DETAILS: Final = "details"
REMARK: Final = "remark"

# What an event tells: a message of the input, one of the alternatives that were answered, or a whole call. Everything
# else only remarks on a call: evaluations, exceptions, and what is still to be invented.
_PARTS: Final = {
    "gen_ai.system.message": PROMPT,
    "gen_ai.developer.message": PROMPT,
    "gen_ai.user.message": PROMPT,
    "gen_ai.assistant.message": PROMPT,
    "gen_ai.tool.message": PROMPT,
    "gen_ai.content.prompt": PROMPT,
    "gen_ai.choice": CHOICE,
    "gen_ai.content.completion": CHOICE,
    "gen_ai.client.inference.operation.details": DETAILS,
}
_PREFIX: Final = "gen_ai."
_MEASURED_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A GenAI log event as it was emitted.

    Args:
        name: The event's name.
        attributes: Its attributes; values may be structures.
        body: Its body: a structure, a JSON string, plain text or None.
        timestamp: When it happened, else when it was observed, in Unix nanoseconds.
        trace_id: Of the span that was current, 0 where there was none.
        span_id: Of the span that was current, 0 where there was none.
        scope_name: Name of the instrumentation scope, "" where there is none.
        thread_id: The thread that emitted it, 0 where that is not known.
        size: About how many characters it holds.
    """

    name: str
    attributes: Mapping[str, object]
    body: object = None
    timestamp: int | None = None
    trace_id: int = 0
    span_id: int = 0
    scope_name: str = ""
    thread_id: int = 0
    size: int = 0

    @property
    def part(self) -> str:
        """What it tells: ``prompt``, ``choice``, ``details`` or ``remark``."""
        return _PARTS.get(self.name, REMARK)

    @property
    def response_id(self) -> str | None:
        """The id of the response that it names."""
        value = self.attributes.get("gen_ai.response.id")
        return value if isinstance(value, str) and value else None

    @property
    def choice_index(self) -> object:
        """Which of the alternatives a choice is."""
        body = self.body
        if isinstance(body, str):
            try:
                body = json.loads(body)
            except (ValueError, RecursionError):
                body = None
        index = body.get("index") if isinstance(body, Mapping) else None
        return index if index is not None else self.attributes.get("index", 0)

    def facts(self) -> EventFacts:
        """Return what a convention reads."""
        return EventFacts(self.name, self.attributes, self.body, self.timestamp)


def is_genai_event(name: object) -> bool:
    """Return whether an event of that name belongs to the GenAI semantic conventions."""
    return isinstance(name, str) and name.startswith(_PREFIX)


def event_of(record: object, thread_id: int = 0) -> LogEvent | None:
    """Return the envelope of what the SDK hands to a log processor, None when it is no GenAI event.

    Early SDKs have no ``event_name``: the attribute ``event.name`` holds it there, and in some emitters until today.

    Args:
        record: A ``LogData``, ``ReadWriteLogRecord`` or ``ReadableLogRecord``.
        thread_id: The thread that emits it.
    """
    log_record = getattr(record, "log_record", record)
    attributes: Mapping[str, object] = getattr(log_record, "attributes", None) or {}
    name = getattr(log_record, "event_name", None)
    if not name:
        name = attributes.get("event.name")
    if not is_genai_event(name):
        return None
    scope = getattr(record, "instrumentation_scope", None)
    body = getattr(log_record, "body", None)
    copied = dict(attributes)
    return LogEvent(
        name=str(name),
        attributes=copied,
        body=body,
        timestamp=getattr(log_record, "timestamp", None) or getattr(log_record, "observed_timestamp", None),
        trace_id=getattr(log_record, "trace_id", None) or 0,
        span_id=getattr(log_record, "span_id", None) or 0,
        scope_name=getattr(scope, "name", None) or "",
        thread_id=thread_id,
        size=_size(body) + _size(copied),
    )


def operations(events: Sequence[LogEvent]) -> list[list[LogEvent]] | None:
    """Split events that arrived one after the other into calls: prompts, then choices, or the details alone.

    Returns:
        The calls, or None when the events of several calls are interleaved.
    """
    calls: list[list[LogEvent]] = []
    choices: set[str] = set()
    previous = DETAILS
    for event in events:
        part = event.part
        if DETAILS in (part, previous) or (part == PROMPT and previous == CHOICE):
            calls.append([])
            choices.clear()
        if part == CHOICE:
            choice = repr(event.choice_index)
            if choice in choices:
                return None
            choices.add(choice)
        calls[-1].append(event)
        previous = part
    return calls


def _size(value: object, depth: int = 0) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    if depth == _MEASURED_DEPTH:
        return 0
    if isinstance(value, Mapping):
        return sum([_size(item, depth + 1) for item in value.values()])
    if isinstance(value, (list, tuple)):
        return sum([_size(item, depth + 1) for item in value])
    return 0 if value is None else 8
