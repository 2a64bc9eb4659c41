"""A row of this package that ``otel-sqlite send`` sent on: read as it was, without a rule that could change it.

Most of it is in the words of the GenAI conventions, as its sender understood them; the rest has keys of its own. The
sender writes by the same tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from otel_sqlite_exporter.conventions.call import Message, Replayed
from otel_sqlite_exporter.conventions.parse import parse_json
from otel_sqlite_exporter.conventions.values import class_name, count, flag, milliseconds, name, number, text, texts
from otel_sqlite_exporter.database.essentials import MESSAGE_DIRECTIONS
from otel_sqlite_exporter.scanning.patterns import SPAN_ID, TRACE_UUID, WORD

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    from otel_sqlite_exporter.conventions.call import Call, SpanFacts

WORDS: Final[dict[str, tuple[str, Callable[[object], object]]]] = {
    "gen_ai.provider.name": ("provider", text),
    "gen_ai.request.model": ("request_model", name),
    "gen_ai.response.model": ("response_model", name),
    "gen_ai.response.id": ("response_id", text),
    "gen_ai.response.finish_reasons": ("finish_reasons", texts),
    "gen_ai.usage.input_tokens": ("input_tokens", count),
    "gen_ai.usage.output_tokens": ("output_tokens", count),
    "gen_ai.usage.total_tokens": ("total_tokens", count),
    "gen_ai.usage.cache_read.input_tokens": ("cache_read_tokens", count),
    "gen_ai.usage.cache_creation.input_tokens": ("cache_write_tokens", count),
    "gen_ai.usage.reasoning.output_tokens": ("reasoning_tokens", count),
    "gen_ai.usage.cost": ("cost_usd", number),
    "gen_ai.conversation.id": ("conversation_id", text),
    "user.id": ("user_id", text),
    "gen_ai.agent.name": ("agent_name", text),
    "gen_ai.tool.name": ("tool_name", text),
    "gen_ai.tool.call.id": ("tool_call_id", text),
    "error.type": ("error_type", class_name),
    "gen_ai.request.stream": ("streaming", flag),
}
"""Attribute, and the column whose value it has."""

OPERATION_WORD: Final = "gen_ai.operation.name"

KIND: Final = "otel_sqlite.kind"
"""Every row that is sent in the GenAI conventions' words has it."""

OWN_WORDS: Final[dict[str, tuple[str, Callable[[object], object]]]] = {
    "otel_sqlite.status": ("status", text),
    "otel_sqlite.status_message": ("status_message", text),
    "otel_sqlite.convention": ("convention", text),
    "otel_sqlite.cost_source": ("cost_source", text),
    "otel_sqlite.time_to_first_token_ms": ("time_to_first_token_ms", milliseconds),
}
"""As above, where the GenAI conventions have no word, or one that says less."""

OPERATION: Final = "otel_sqlite.operation"
"""The emitter's operation where the one that is sent is another: "" for none."""

PLACES: Final = "otel_sqlite.messages"
"""JSON list of ``[direction, role, parts]`` for each message, where the messages alone do not say it: how many parts of
the system instructions it is, or 0 for one of the input or output messages."""

DUPLICATE_OF: Final = "otel_sqlite.duplicate_of"
DUPLICATE_IN_TRACE: Final = "otel_sqlite.duplicate_of_trace_id"
SHOWN_IN_TRACE: Final = "otel_sqlite.shown_in_trace_id"
TRUNCATED_BYTES: Final = "otel_sqlite.truncated_bytes"
AMENDED: Final = "otel_sqlite.amended"

KEYS: Final = (
    KIND,
    *OWN_WORDS,
    OPERATION,
    PLACES,
    DUPLICATE_OF,
    DUPLICATE_IN_TRACE,
    SHOWN_IN_TRACE,
    TRUNCATED_BYTES,
    AMENDED,
)

_STATUSES: Final = ("unset", "ok", "error")

_PLACE_LENGTH: Final = 3

Place: TypeAlias = "tuple[str, str | None, int]"
"""Of one message: direction, role, and how many parts of the system instructions it is, 0 for a message of its own."""


def restore(call: Call, facts: SpanFacts) -> None:
    """Give a call what its sender says of it.

    Args:
        call: As the conventions read it; left as it is where the span is no row that was sent on.
        facts: The span.
    """
    told = facts.attributes
    kind = told.get(KIND)
    if not isinstance(kind, str) or not WORD.fullmatch(kind):
        return
    call.kind = kind
    for words in (WORDS, OWN_WORDS):
        for key, (column, read) in words.items():
            setattr(call, column, read(told.get(key)))
    call.operation = text(told.get(OPERATION, told.get(OPERATION_WORD)))
    call.convention = call.convention or "none"
    call.status = call.status if call.status in _STATUSES else facts.status
    call.status_message = call.status_message or facts.status_message or None
    if kind != "tool":  # its arguments and its result are attributes, and say it all
        _restore_messages(call, told)
    duplicate_of = _matching(SPAN_ID, told.get(DUPLICATE_OF))
    trace_id = _matching(TRACE_UUID, told.get(DUPLICATE_IN_TRACE))
    call.replayed = Replayed(
        duplicate_of=duplicate_of,
        duplicate_in_trace=trace_id if duplicate_of else None,
        shown_in_trace_id=_matching(TRACE_UUID, told.get(SHOWN_IN_TRACE)),
        truncated_bytes=count(told.get(TRUNCATED_BYTES)) or 0,
        is_amended=told.get(AMENDED) is True,
    )
    if DUPLICATE_OF in told:
        call.kind = "chain"  # a step around the call: it is never counted, even where the other span is not there


def default_places(system_parts: int, received: list[str | None], sent: list[str | None]) -> list[Place]:
    """Return which messages there are where nobody says so.

    Args:
        system_parts: Parts of the system instructions.
        received: Roles of the input messages.
        sent: Roles of the output messages.
    """
    system: list[Place] = [("system", "system", system_parts)] if system_parts else []
    return [*system, *(("input", role, 0) for role in received), *(("output", role, 0) for role in sent)]


def _restore_messages(call: Call, told: Mapping[str, object]) -> None:
    system = _objects(told.get("gen_ai.system_instructions"))
    received = _objects(told.get("gen_ai.input.messages"))
    sent = _objects(told.get("gen_ai.output.messages"))
    definitions = told.get("gen_ai.tool.definitions")
    if system is None or received is None or sent is None:
        return  # cut on the way, say: as the conventions read it
    places = _places(told.get(PLACES))
    if places is None:
        places = default_places(len(system), _roles(received), _roles(sent))
    found: dict[str, list[Message]] = {direction: [] for direction in MESSAGE_DIRECTIONS}
    for direction, role, parts in places:
        if parts:
            found[direction].append(Message(role, system[:parts]))
            del system[:parts]
            continue
        source = sent if direction == "output" else received
        if not source:
            return
        message = source.pop(0)
        content = message.get("parts")
        if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
            return
        found[direction].append(Message(role, content, text(message.get("finish_reason"))))
    call.system, call.input, call.output = (found[direction] for direction in MESSAGE_DIRECTIONS)
    tools = parse_json(definitions) if isinstance(definitions, str) else None
    call.tool_definitions = tools if isinstance(tools, list) else None


def _objects(value: object) -> list[dict[str, Any]] | None:
    """Return the objects of a JSON list, none where there is no attribute; None where it can't be read."""
    if value is None:
        return []
    items = parse_json(value) if isinstance(value, str) else None
    return items if isinstance(items, list) and all(isinstance(item, dict) for item in items) else None


def _places(value: object) -> list[Place] | None:
    items = parse_json(value) if isinstance(value, str) else None
    if not isinstance(items, list):
        return None
    for item in items:
        if not isinstance(item, list) or len(item) != _PLACE_LENGTH:
            return None
        direction, role, parts = item
        if direction not in MESSAGE_DIRECTIONS or not isinstance(role, str | None) or not isinstance(parts, int):
            return None
    return cast("list[Place]", items)


def _roles(messages: list[dict[str, Any]]) -> list[str | None]:
    return [text(message.get("role")) for message in messages]


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
