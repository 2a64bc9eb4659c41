"""What a message shows, piece by piece, whatever its parts look like: pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otel_sqlite_exporter.reading.building import Json
    from otel_sqlite_exporter.reading.rows.calls import Message

BlockKind: TypeAlias = Literal["text", "reasoning", "tool_call", "tool_result", "tools", "media", "other"]


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a message.

    Args:
        kind: ``text``, ``reasoning``, ``tool_call``, ``tool_result``, ``tools`` (definitions), ``media`` or ``other``.
        text: What it says. Of a tool call its arguments, of a result the result: JSON, indented, where it is no text.
        name: The tool; of media the type.
        call_id: Ties a tool's call to its result.
        data: The part, or the definitions.
    """

    kind: BlockKind
    text: str
    name: str | None = None
    call_id: str | None = None
    data: Json = None


def blocks_of(message: Message) -> list[Block]:
    """Return what a message shows, in order; a message whose parts are malformed shows its text."""
    parts = message.parts
    if not isinstance(parts, list):
        text = message.text if message.text is not None else (parts if isinstance(parts, str) else _pretty(parts))
        return [Block("text", text)] if text else []
    found = [_block(part) for part in parts]
    return [block for block in found if block.text or block.kind != "text"]


def told(messages: Sequence[Message], names: dict[str, str] | None = None) -> list[tuple[Message, list[Block]]]:
    """Return messages with what they show; a tool's result has the name of the tool that was asked for.

    Args:
        messages: Messages in reading order.
        names: The tools that were asked for before, by the ids of their calls; those of the messages are added.
    """
    names = {} if names is None else names
    found = []
    for message in messages:
        blocks = [
            replace(block, name=names.get(block.call_id)) if block.name is None and block.call_id in names else block
            for block in blocks_of(message)
        ]
        names.update({block.call_id: block.name for block in blocks if block.call_id and block.name})
        found.append((message, blocks))
    return found


def _block(part: Json) -> Block:
    if not isinstance(part, dict):
        return Block("text", _pretty(part))
    kind = _text(part.get("type"))
    read = _BLOCKS.get(kind or "")
    return read(part) if read is not None else Block("other", _pretty(part), kind, None, part)


def _said(kind: BlockKind) -> Callable[[dict[str, Json]], Block]:
    return lambda part: Block(kind, _pretty(part.get("content")))


def _tool(kind: BlockKind, *fields: str) -> Callable[[dict[str, Json]], Block]:
    def read(part: dict[str, Json]) -> Block:
        value = next((part[field] for field in fields if field in part), None)
        return Block(kind, _pretty(value), _text(part.get("name")), _text(part.get("id")), part)

    return read


def _medium(part: dict[str, Json]) -> Block:
    return Block("media", _media(part), _text(part.get("mime_type")) or _text(part.get("modality")), None, part)


_BLOCKS: Final[dict[str, Callable[[dict[str, Json]], Block]]] = {
    "text": _said("text"),
    "reasoning": _said("reasoning"),
    "tool_call": _tool("tool_call", "arguments"),
    "tool_call_response": _tool("tool_result", "response", "result"),
    "tool_definitions": lambda part: Block("tools", "", None, None, part.get("tools")),
    "blob": _medium,
    "uri": _medium,
    "file": _medium,
}


def _media(part: dict[str, Json]) -> str:
    for key in ("uri", "file_id"):
        reference = _text(part.get(key))
        if reference:
            return reference
    digest = _text(part.get("sha256"))
    return f"sha256 {digest[:12]}" if digest else ""


def media_bytes(block: Block) -> int | None:
    """Return how large a medium was."""
    size = block.data.get("byte_count") if isinstance(block.data, dict) else None
    return size if isinstance(size, int) else None


def _pretty(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _text(value: Json) -> str | None:
    return None if value is None else str(value)


def signature(message: Message) -> tuple[object, ...]:
    """Return what makes a message the same as another one, though one is an answer and the other repeats it.

    An answer that is sent back may come without its reasoning, or with an id of its own: text and tool calls count.
    """
    blocks = blocks_of(message)
    said = tuple(block.text for block in blocks if block.kind == "text")
    asked = tuple((block.call_id, block.name) for block in blocks if block.kind == "tool_call")
    answered = tuple((block.call_id, block.text) for block in blocks if block.kind == "tool_result")
    if not (said or asked or answered):
        return (message.role, message.message_id)
    return (message.role, said, asked, answered)


def tool_definitions(messages: Sequence[Message]) -> list[Json]:
    """Return the tools that a call was offered."""
    found: list[Json] = []
    for message in messages:
        for block in blocks_of(message) if message.role == "tool_definitions" else ():
            if block.kind == "tools" and isinstance(block.data, list):
                found += block.data
    return found
