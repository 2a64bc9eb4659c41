"""A span's messages in the form of the GenAI conventions, as every style begins with them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from otel_sqlite_exporter.conventions.replayed import PLACES, Place, default_places
from otel_sqlite_exporter.reading.building import Json, as_json, as_text, json_text

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.stored import StoredMessage, StoredSpan

Object: TypeAlias = "dict[str, Json]"

_TOOL_DEFINITIONS = "tool_definitions"


@dataclass(frozen=True, slots=True)
class MessageAttributes:
    """Messages by where they go.

    Args:
        system: Parts of the system instructions, one list for each message.
        input: Messages with ``role`` and ``parts``.
        output: As above, with ``finish_reason``.
        tools: Definitions of tools.
        arguments: What a tool was given; None of a span that is no tool.
        result: What it gave back.
        order: Where each message came from, in reading order.
    """

    system: list[list[Json]] = field(default_factory=list)
    input: list[Json] = field(default_factory=list)
    output: list[Json] = field(default_factory=list)
    tools: list[Json] = field(default_factory=list)
    arguments: Json = None
    result: Json = None
    order: list[Place] = field(default_factory=list)

    def places(self) -> Object:
        """Return which messages these are, where they do not say it by themselves."""
        default = default_places(sum(map(len, self.system)), _roles(self.input), _roles(self.output))
        return {} if self.order == default else {PLACES: json_text(self.order)}

    def attributes(self) -> Object:
        """Return them under the names of the GenAI conventions; what is structured, as JSON text."""
        found: Object = {}
        if self.system:
            found["gen_ai.system_instructions"] = json_text([part for parts in self.system for part in parts])
        if self.input:
            found["gen_ai.input.messages"] = json_text(self.input)
        if self.output:
            found["gen_ai.output.messages"] = json_text(self.output)
        if self.tools:
            found["gen_ai.tool.definitions"] = json_text(self.tools)
        if self.arguments is not None:
            found["gen_ai.tool.call.arguments"] = as_plain_text(self.arguments)
        if self.result is not None:
            found["gen_ai.tool.call.result"] = as_plain_text(self.result)
        return found


def genai_messages(row: StoredSpan) -> MessageAttributes:
    """Return a row's messages."""
    found = MessageAttributes()
    is_tool = row.kind == "tool"
    arguments: Json = None
    result: Json = None
    for message in row.messages:
        parts = parts_of(message)
        if message.role == _TOOL_DEFINITIONS:
            found.tools.extend(_definitions(parts))
        elif message.direction == "system" and message.role in {None, "system"}:
            found.system.append(parts)
            found.order.append(("system", message.role, len(parts)))
        elif is_tool and message.direction == "input" and arguments is None:
            arguments = _field(parts, "tool_call", "arguments")
        elif is_tool and message.direction == "output" and result is None:
            result = _field(parts, "tool_call_response", "response")
        elif message.direction == "output":
            found.output.append(_message(message, parts, "assistant"))
            found.order.append((message.direction, message.role, 0))
        else:
            found.input.append(_message(message, parts, "user"))
            found.order.append((message.direction, message.role, 0))
    if not is_tool:
        return found
    return MessageAttributes(found.system, found.input, found.output, found.tools, arguments, result, found.order)


def parts_of(message: StoredMessage) -> list[Json]:
    """Return a message's parts; plain text is one part."""
    stored = as_json(message.parts)
    if isinstance(stored, list):
        return stored
    return [{"type": "text", "content": message.text}] if message.text is not None else []


def text_parts(text: str | None) -> str:
    """Return the parts of a message that is one text, as JSON; no parts where there is none."""
    if text is None:
        return "[]"
    return f'[{{"type":"text","content":{json.dumps(text, ensure_ascii=False)}}}]'


def as_plain_text(value: Json) -> str:
    """Return a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json_text(value)


def text_of(parts: list[Json]) -> str:
    """Return the plain text of some parts, a line for each."""
    texts = [part.get("content") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))


def _roles(messages: list[Json]) -> list[str | None]:
    return [as_text(message.get("role")) for message in messages if isinstance(message, dict)]


def _message(message: StoredMessage, parts: list[Json], default_role: str) -> Json:
    made: Object = {"role": message.role or default_role, "parts": parts}
    if message.finish_reason is not None:
        made["finish_reason"] = message.finish_reason
    return made


def _definitions(parts: list[Json]) -> list[Json]:
    found: list[Json] = []
    for part in parts:
        tools = part.get("tools") if isinstance(part, dict) else None
        found += tools if isinstance(tools, list) else []
    return found


def _field(parts: list[Json], kind: str, name: str) -> Json:
    for part in parts:
        if isinstance(part, dict) and part.get("type") == kind:
            return part.get(name)
    return text_of(parts) or (parts or None)
