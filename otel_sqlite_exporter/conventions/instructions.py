"""Tell system instructions from the rest of the input, wherever an emitter put them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from otel_sqlite_exporter.conventions.call import Call, Message
from otel_sqlite_exporter.conventions.containers import read_input, system_of
from otel_sqlite_exporter.conventions.parse import UNREADABLE, parse_text
from otel_sqlite_exporter.scanning.patterns import SIGNS_OF_INSTRUCTIONS, TURN

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.sheet import Sheet

_MOST_TURNS: Final = 10_000


def fill(call: Call, sheet: Sheet, explicit: list[Message]) -> None:
    """Move system messages out of the input, and a developer's as far as they lead it.

    Args:
        call: Its input is as it was read.
        sheet: Whatever else the span said, where a list of messages leaves the instructions out.
        explicit: What stands under a key for instructions.
    """
    moved: list[Message] = []
    rest: list[Message] = []
    if len(call.input) == 1 and not explicit and call.kind == "llm":
        call.input = _turns(call.input[0], sheet) or call.input
    for message in call.input:
        if not message.parts:
            continue
        leads = message.role == "developer" and not rest
        (moved if leads or message.role == "system" else rest).append(message)
    if explicit:
        known = explicit[0].parts
        moved = [*explicit, *(message for message in moved if message.parts != known)]
    call.system = moved
    call.input = rest
    if not call.system and rest and call.kind == "llm":
        inputs = sheet.candidates("input")
        if len(inputs) > 1:
            call.system = _elsewhere(inputs)
        if "parameters" in sheet.bodies and not call.system:
            call.system = _elsewhere(sheet.bodies["parameters"])


def _turns(message: Message, sheet: Sheet) -> list[Message] | None:
    """Return the messages that an emitter wrote as one text, with ``role: `` before what each says."""
    parts = message.parts
    said = parts[0].get("content") if len(parts) == 1 else None
    if not isinstance(said, str) or TURN.match(said) is None:
        return None
    if sheet.candidates("input")[0][1] != said:
        return None  # the text of a message, in which a user quotes others
    _, *turns = TURN.split(said, _MOST_TURNS)
    if "system" in turns[2::2] or TURN.search(turns[-1]) is not None:
        return None  # lines of some other text: a conversation begins with its instructions, and ends
    return [
        Message(role, [{"type": "text", "content": words.rstrip("\n")}])
        for role, words in zip(turns[::2], turns[1::2], strict=True)
    ]


def _elsewhere(reports: list[tuple[int, object]]) -> list[Message]:
    """Return the instructions that another report of the request has: its body, its parameters or another list."""
    for _, value in reports:
        if isinstance(value, str) and SIGNS_OF_INSTRUCTIONS.search(value) is None:
            continue
        try:
            found = _system_messages(value)
        except UNREADABLE:
            continue
        if found:
            return found
    return []


def _system_messages(value: Any) -> list[Message]:  # noqa: ANN401 - an emitter's value may be anything
    if isinstance(value, str):
        value = parse_text(value)
    if isinstance(value, dict):
        return system_of(value) or [message for message in read_input(value) if message.role == "system"]
    if not isinstance(value, list) or not any(map(_is_system, value)):
        return []
    messages = value if isinstance(value[0], Message) else read_input(value)
    return [message for message in messages if message.role == "system" and message.parts]


def _is_system(item: Any) -> bool:  # noqa: ANN401 - an emitter's value may be anything
    if isinstance(item, dict):
        inner = item.get("message")
        return (inner if isinstance(inner, dict) else item).get("role") == "system"
    return isinstance(item, Message) and item.role == "system"
