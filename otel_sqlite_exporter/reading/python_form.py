"""A call as Python code that repeats its request. Pure; what was recorded stands in it as literals only."""

from __future__ import annotations

import json
import pprint
import textwrap
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.blocks import blocks_of
from otel_sqlite_exporter.reading.openai_form import as_object, openai_messages, openai_tools

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.building import Json
    from otel_sqlite_exporter.reading.rows.calls import Message
    from otel_sqlite_exporter.reading.transcript import CallDetail

_WIDTH: Final = 100
_PARAMETERS: Final = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "stop",
)
_ANTHROPIC_PARAMETERS: Final = ("temperature", "top_p", "top_k", "stop_sequences")
_DEFAULT_MAX_TOKENS: Final = 4096


def python_code(detail: CallDetail) -> str:
    """Return a script that repeats a call's request, by Anthropic's SDK for its models, else by OpenAI's.

    Args:
        detail: The call.
    """
    call = detail.call
    inputs = [block.text for message in detail.messages for block in blocks_of(message) if block.kind == "text"]
    if call.kind == "embedding":
        return _script("openai", "OpenAI", "embeddings.create", {"model": call.model, "input": list(inputs)})
    if call.provider == "anthropic":
        return _script("anthropic", "Anthropic", "messages.create", _anthropic(detail))
    arguments: dict[str, Json] = {"model": call.model, "messages": openai_messages(_prompt(detail))}
    tools = openai_tools(detail.tool_definitions)
    if tools:
        arguments["tools"] = tools
    arguments.update({name: detail.parameters[name] for name in _PARAMETERS if name in detail.parameters})
    note = "" if call.provider in {None, "openai"} else f"  # recorded from {call.provider!r}: set base_url and api_key"
    return _script("openai", "OpenAI", "chat.completions.create", arguments, note)


def _prompt(detail: CallDetail) -> list[Message]:
    return [message for message in detail.messages if message.direction != "output"]


def _anthropic(detail: CallDetail) -> dict[str, Json]:
    messages: list[Json] = []
    system: list[str] = []
    for message in openai_messages(_prompt(detail)):
        said = as_object(message)
        if said.get("role") == "system":
            system.append(str(said.get("content") or ""))
            continue
        blocks = _anthropic_blocks(said)
        role = "assistant" if said.get("role") == "assistant" else "user"
        last = as_object(messages[-1]) if messages else {}
        known = last.get("content")
        if last.get("role") == role and isinstance(known, list):
            known += blocks
        else:
            messages.append({"role": role, "content": blocks})
    asked = detail.parameters.get("max_tokens")
    arguments: dict[str, Json] = {"model": detail.call.model, "max_tokens": asked or _DEFAULT_MAX_TOKENS}
    if system:
        arguments["system"] = "\n\n".join(system)
    arguments["messages"] = messages
    tools: list[Json] = []
    for tool in openai_tools(detail.tool_definitions):
        function = as_object(as_object(tool).get("function"))
        tools.append(
            {
                "name": function.get("name"),
                "description": function.get("description") or "",
                "input_schema": function.get("parameters"),
            }
        )
    if tools:
        arguments["tools"] = tools
    arguments.update({name: detail.parameters[name] for name in _ANTHROPIC_PARAMETERS if name in detail.parameters})
    return arguments


def _anthropic_blocks(said: dict[str, Json]) -> list[Json]:
    if said.get("role") == "tool":
        return [{"type": "tool_result", "tool_use_id": said.get("tool_call_id"), "content": said.get("content")}]
    content = said.get("content")
    blocks: list[Json] = [{"type": "text", "text": content}] if isinstance(content, str) and content else []
    blocks += content if isinstance(content, list) else []
    calls = said.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        function = as_object(as_object(call).get("function"))
        try:
            arguments: Json = json.loads(str(function.get("arguments")))
        except ValueError:
            arguments = {}
        blocks.append(
            {"type": "tool_use", "id": as_object(call).get("id"), "name": function.get("name"), "input": arguments}
        )
    return blocks


def _script(module: str, client: str, method: str, arguments: dict[str, Json], note: str = "") -> str:
    lines = [f"from {module} import {client}", "", f"client = {client}(){note}", f"response = client.{method}("]
    for name, value in arguments.items():
        literal = pprint.pformat(value, width=_WIDTH - 8, sort_dicts=False)
        if "\n" in literal:
            literal = "(\n" + textwrap.indent(literal, " " * 8) + "\n    )"
        lines.append(f"    {name}={literal},")
    lines += [")", "print(response)", ""]
    return "\n".join(lines)
