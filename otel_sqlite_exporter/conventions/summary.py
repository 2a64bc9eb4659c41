"""The few texts of a call that people read first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_sqlite_exporter.conventions.parse import to_json

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, JSONValue, Message

_SYSTEM_ROLES = ("system", "developer")


def plain_text(message: Message) -> str:
    """Return the text of a message, for reading and search: its text parts, and what tools answered.

    Parts of an answer that follow each other are one text, parted where it is cited; what a tool of the provider's
    answered on the way is none of it.

    Args:
        message: Any message.
    """
    if message.role != "assistant":
        return "\n".join(text for part in message.parts if (text := _part_text(part)))
    said = ""
    breaks = ""
    for part in message.parts:
        if part.get("type") != "text":
            breaks = "\n"
            continue
        text = _part_text(part)
        if text:
            said += f"{breaks if said else ''}{text}"
            breaks = ""
    return said


def _part_text(part: dict[str, JSONValue]) -> str:
    kind = part.get("type")
    if kind == "text":
        content = part.get("content")
        return content if isinstance(content, str) else ""
    if kind == "tool_call_response":
        response = part.get("response")
        return response if isinstance(response, str) else to_json(response)
    return ""


def last_user_text(call: Call) -> str | None:
    """Return the text of the last user message; without one, that of the messages that name no role.

    Args:
        call: Any call.
    """
    for message in reversed(call.input):
        if message.role == "user":
            text = "\n".join(
                content
                for part in message.parts
                if part.get("type") == "text" and isinstance(content := part.get("content"), str)
            )
            if text:
                return text
    texts = [text for message in call.input if message.role is None and (text := plain_text(message))]
    return "\n".join(texts) or None


def output_text(call: Call) -> str | None:
    """Return the text of the answer.

    Args:
        call: Any call.
    """
    return "\n".join(text for message in call.output if (text := plain_text(message))) or None


def system_text(call: Call) -> str | None:
    """Return the text of the system instructions.

    Args:
        call: Any call.
    """
    return "\n".join(text for message in call.system if (text := plain_text(message))) or None


def tool_calls(call: Call) -> list[dict[str, JSONValue]]:
    """Return the tool calls that the answer asks for, as ``id``, ``name`` and ``arguments``.

    Args:
        call: Any call.
    """
    return [
        {"id": part.get("id"), "name": part.get("name"), "arguments": part.get("arguments")}
        for message in call.output
        for part in message.parts
        if part.get("type") == "tool_call"
    ]
