"""Read messages out of events: span events, log events, and lists of events inside an attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from otel_sqlite_exporter.conventions.call import EventFacts, Message
from otel_sqlite_exporter.conventions.containers import read_input, read_one, read_output
from otel_sqlite_exporter.conventions.parse import NOT_JSON, UNREADABLE, parse_text, plain, to_json
from otel_sqlite_exporter.conventions.unknown_events import read_unknown

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.sheet import Sheet

DETAILS: Final = "gen_ai.client.inference.operation.details"
EVALUATION: Final = "gen_ai.evaluation.result"

ROLES: Final[dict[str, str]] = {
    "gen_ai.system.message": "system",
    "gen_ai.developer.message": "developer",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
"""Events that carry one message of the input, and whose message it is."""

CHOICE: Final = "gen_ai.choice"
PROMPTS: Final[dict[str, tuple[str, ...]]] = {
    "gen_ai.content.prompt": ("gen_ai.prompt", "gen_ai.input.messages", "content"),
    "gen_ai.prompt": ("gen_ai.prompt", "content"),
    "llm.content.prompt": ("llm.prompts", "llm.prompt"),
    "promptflow.function.inputs": ("payload",),
}
COMPLETIONS: Final[dict[str, tuple[str, ...]]] = {
    "gen_ai.content.completion": ("gen_ai.completion", "gen_ai.output.messages", "content"),
    "llm.content.completion": ("llm.completions", "llm.completion"),
    "promptflow.llm.generated_message": ("payload",),
    "promptflow.function.output": ("payload",),
}
"""Events that carry the whole input or output, and under which keys."""

FIRST_TOKEN: Final = (
    "First Token Stream Event",
    "gen_ai.content.completion.chunk",
    "llm.content.completion.chunk",
    "mlflow.chunk.item.0",
    "new_token",
    "ai.stream.firstChunk",
)
"""Events that mark the arrival of the first token or of each chunk."""

_CHUNKS: Final = "mlflow.chunk."
_PIECE: Final = "new_token"
_BODY_KEYS: Final = ("gen_ai.event.content", "event_body", "body", "event.body")
_RANK: Final = 100
_DETAILS_OFFSET: Final = 50


def read_events(sheet: Sheet, events: Sequence[EventFacts]) -> list[EventFacts]:
    """Offer the messages that events carry to the sheet; return the events, or what of them, carries none.

    Args:
        sheet: Where the messages go.
        events: Span events or log events.
    """
    kept: list[EventFacts] = []
    received: list[Message] = []
    sent: list[Message] = []
    steps = sheet.steps
    for event in events:
        name = event.name
        if name in ROLES or name == CHOICE:
            try:
                read_message_event(name, source_of(event), received, sent, sheet)
            except UNREADABLE:
                kept.append(event)
        elif name in steps:
            _read_own(sheet, event)
        elif name == DETAILS:
            rest = _read_details(sheet, event)
            if rest:
                kept.append(EventFacts(name, rest, None, event.timestamp))
        elif not _read_whole(sheet, event) and not (sheet.is_unknown and read_unknown(sheet, event, received, sent)):
            kept.append(event)
    if received:
        sheet.offer("input", _RANK, received)
    if sent:
        sheet.offer("output", _RANK, sent)
    return kept


def _read_whole(sheet: Sheet, event: EventFacts) -> bool:
    """Offer the whole input or output that one event carries; tell whether it does."""
    if event.name in PROMPTS:
        _offer_first(sheet, "input", _RANK + 1, event, PROMPTS[event.name])
    elif event.name in COMPLETIONS:
        _offer_first(sheet, "output", _RANK + 1, event, COMPLETIONS[event.name])
    elif event.name.startswith(_CHUNKS):
        _read_chunk(sheet, event)
    elif event.name == _PIECE and "token" in event.attributes:
        _read_token(sheet, event)
    else:
        return False
    return True


def read_event_list(items: Sequence[object]) -> tuple[list[Message], list[Message]]:
    """Return the input and output messages of events that an attribute lists.

    Args:
        items: Objects with an ``event.name`` each; others are read as messages of the input.
    """
    received: list[Message] = []
    sent: list[Message] = []
    for item in items:
        name = item.get("event.name") if isinstance(item, Mapping) else None
        try:
            if isinstance(name, str) and (name in ROLES or name == CHOICE):
                read_message_event(name, cast("dict[str, Any]", item), received, sent, None)
            else:
                received.extend(read_input(item))
        except UNREADABLE:
            received.extend(read_input(to_json(item)))
    return received, sent


def offer_listed(sheet: Sheet) -> None:
    """Offer the messages of events that an attribute lists.

    Args:
        sheet: Holds the attribute, and takes the messages.
    """
    for rank, value in sheet.candidates("events"):
        items = parse_text(value) if isinstance(value, str) else plain(value)
        if isinstance(items, list):
            received, sent = read_event_list(items)
            while received and not sent and received[-1].role == "assistant":
                # Some list what came back as one more message.
                sent = [received.pop()]
            sheet.offer("input", rank, received)
            sheet.offer("output", rank, sent)


def source_of(event: EventFacts) -> dict[str, Any]:
    """Return what one event says: its body, or its attributes where it has none."""
    body: object = event.body
    if body is None or body == "":
        body = next((event.attributes[key] for key in _BODY_KEYS if event.attributes.get(key)), None)
    if isinstance(body, str):
        parsed = parse_text(body)
        body = {"content": body} if parsed is NOT_JSON or not isinstance(parsed, dict) else parsed
    if isinstance(body, Mapping):
        return cast("dict[str, Any]", plain(body))
    if isinstance(body, Sequence):
        return {"content": plain(body)}
    return cast("dict[str, Any]", plain(event.attributes))


def read_message_event(
    name: str, source: dict[str, Any], received: list[Message], sent: list[Message], sheet: Sheet | None
) -> None:
    """Append the message of one event to the side it belongs to.

    Args:
        name: The event's name.
        source: What it says.
        received: Messages of the input.
        sent: Messages of the output.
        sheet: Takes tool definitions that come as a message, if given.
    """
    if name == CHOICE:
        message = source.get("message")
        choice = source if message is not None or "tool_calls" in source else {**source, "message": {**source}}
        sent.extend(read_output({"choices": [choice]}))
        result = source.get("tool.result")
        if result is not None:
            received.extend(read_one(result, "tool"))
        return
    content = source.get("content")
    if isinstance(content, dict) and set(content) == {"tools"}:
        if sheet is not None:
            sheet.offer("tools", _RANK, content["tools"])
        return
    role = ROLES[name]
    if role == "tool":
        received.extend(read_one({**source, "role": "tool"}, "tool"))
    elif "content" in source or "parts" in source or "tool_calls" in source:
        received.extend(read_one({"role": role, **source}, role))


def _read_own(sheet: Sheet, event: EventFacts) -> None:
    """Take an event of the emitter's own, by which it says what the span does, for more of the span's attributes."""
    sheet.columns.setdefault("step", sheet.steps[event.name])
    sheet.add(event.attributes, _DETAILS_OFFSET)


def _read_details(sheet: Sheet, event: EventFacts) -> dict[str, object]:
    attributes = dict(event.attributes)
    body = event.body
    if isinstance(body, str):
        body = parse_text(body)
    if isinstance(body, Mapping):
        for key, value in body.items():
            attributes.setdefault(str(key), value)
    return sheet.add(attributes, _DETAILS_OFFSET)


def _read_chunk(sheet: Sheet, event: EventFacts) -> None:
    """Take usage, model and finish reason out of the chunks of a stream that carry them, which are the last."""
    value = event.attributes.get("mlflow.chunk.value")
    if not isinstance(value, str):
        return
    sheet.offer("output_chunks", _RANK, value)
    if '"usage": {' in value or '"finish_reason": "' in value:
        chunk = parse_text(value)
        if isinstance(chunk, dict):
            sheet.bodies.setdefault("response", []).append((_RANK, chunk))
            if chunk.get("usage"):
                sheet.bodies.setdefault("usage", []).append((_RANK, chunk["usage"]))


def _read_token(sheet: Sheet, event: EventFacts) -> None:
    """Take the model and the finish reason out of the piece of a stream that carries them, which is its last."""
    value = event.attributes.get("chunk")
    if isinstance(value, str) and ('"finish_reason"' in value or '"stop_reason"' in value or '"status"' in value):
        chunk = parse_text(value)
        if isinstance(chunk, dict):
            sheet.bodies.setdefault("response", []).append((_RANK, chunk))


def _offer_first(sheet: Sheet, content: str, rank: int, event: EventFacts, keys: tuple[str, ...]) -> None:
    for key in keys:
        value = event.attributes.get(key)
        if value:
            if value != "null":
                sheet.offer(content, rank, value)
            return
    source = source_of(event)
    if source:
        sheet.offer(content, rank, source)
