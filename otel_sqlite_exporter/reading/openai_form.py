"""A call as OpenAI's chat format says it: messages, tools, and a line for fine-tuning. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.reading.blocks import blocks_of, media_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.blocks import Block
    from otel_sqlite_exporter.reading.building import Json
    from otel_sqlite_exporter.reading.rows.calls import Message
    from otel_sqlite_exporter.reading.transcript import CallDetail


def fine_tuning_line(detail: CallDetail) -> dict[str, Json] | None:
    """Return a call as an example to learn from, None where there is nothing to learn: no answer, or a failure.

    Args:
        detail: The call.
    """
    messages = openai_messages(detail.messages)
    if detail.call.status == "error" or not messages or as_object(messages[-1]).get("role") != "assistant":
        return None
    line: dict[str, Json] = {"messages": messages}
    tools = openai_tools(detail.tool_definitions)
    if tools:
        line["tools"] = tools
    return line


def openai_messages(messages: Sequence[Message]) -> list[Json]:
    """Return messages in OpenAI's chat format. Of media what is known is said in words; they are not stored.

    Args:
        messages: The messages in reading order.
    """
    found: list[Json] = []
    for message in messages:
        if message.role == "tool_definitions":
            continue
        blocks = blocks_of(message)
        found += [
            {"role": "tool", "tool_call_id": block.call_id or "", "content": block.text}
            for block in blocks
            if block.kind == "tool_result"
        ]
        rest = [block for block in blocks if block.kind in {"text", "media", "tool_call", "other"}]
        if rest or not blocks:
            found.append(_message(_role(message), rest))
    return found


def _role(message: Message) -> str:
    if message.direction == "system":
        return "system"
    if message.direction == "output":
        return "assistant"
    role = message.role or "user"
    return {"model": "assistant", "developer": "system", "human": "user", "ai": "assistant"}.get(role, role)


def _message(role: str, blocks: Sequence[Block]) -> dict[str, Json]:
    content = [part for block in blocks if (part := _content(block)) is not None]
    calls: list[Json] = [
        {
            "id": block.call_id or "",
            "type": "function",
            "function": {"name": block.name or "", "arguments": _arguments(block)},
        }
        for block in blocks
        if block.kind == "tool_call"
    ]
    message: dict[str, Json] = {"role": role}
    texts = [part["text"] for part in content if part["type"] == "text"]
    if len(texts) == len(content):
        message["content"] = "\n\n".join(map(str, texts)) if texts or not calls else None
    else:
        message["content"] = list(content)
    if calls:
        message["tool_calls"] = calls
    return message


def _content(block: Block) -> dict[str, Json] | None:
    if block.kind in {"text", "other"}:
        return {"type": "text", "text": block.text}
    if block.kind != "media":
        return None
    if block.text.startswith(("http://", "https://")):
        return {"type": "image_url", "image_url": {"url": block.text}}
    size = units.size(media_bytes(block))
    return {"type": "text", "text": f"[{block.name or 'media'}, {size}, not stored]"}


def _arguments(block: Block) -> str:
    arguments = block.data.get("arguments") if isinstance(block.data, dict) else None
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)


def openai_tools(definitions: Sequence[Json]) -> list[Json]:
    """Return definitions of tools as OpenAI's chat format has them, from OpenAI's own forms, Anthropic's or Gemini's.

    Args:
        definitions: As :attr:`CallDetail.tool_definitions`.
    """
    found: list[Json] = []
    for definition in definitions:
        tool = as_object(definition)
        function = as_object(tool["function"]) if isinstance(tool.get("function"), dict) else tool
        name = function.get("name")
        if not isinstance(name, str):
            continue
        said = {"name": name, "description": function.get("description")}
        schemas = (function.get(key) for key in ("parameters", "input_schema", "inputSchema"))
        empty: Json = {"type": "object", "properties": {}}
        parameters = next((schema for schema in schemas if schema is not None), empty)
        kept: dict[str, Json] = {key: value for key, value in said.items() if value is not None}
        found.append({"type": "function", "function": {**kept, "parameters": parameters}})
    return found


def as_object(value: Json) -> dict[str, Json]:
    """Return a JSON object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}
