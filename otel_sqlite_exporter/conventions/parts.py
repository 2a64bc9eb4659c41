"""Read whatever stands for the content of one message into GenAI message parts.

Told apart by shape, never by emitter: OpenAI, Anthropic, Gemini, Bedrock, Cohere, LangChain, LlamaIndex, Haystack,
Vercel and pydantic-ai content, in any mixture, as structures or as JSON inside a string.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from otel_sqlite_exporter.conventions import media
from otel_sqlite_exporter.conventions.parse import NOT_JSON, parse_json, parse_text, to_json

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Part

Object: TypeAlias = "dict[str, Any]"
"""A JSON object out of an emitter's hands: nothing is known about its values."""

_Reader: TypeAlias = Callable[[Object], "Sequence[Part]"]

MAX_DEPTH: Final = 12
"""How many wrappings one content may have; what is deeper is kept as JSON text."""


def first(source: Mapping[str, Any], *keys: str) -> Any:  # noqa: ANN401 - an emitter's value may be anything
    """Return the first value under one of the keys that is not None and not empty text."""
    for key in keys:
        value = source.get(key)
        if value is not None and value != "":
            return value
    return None


def text_part(content: str) -> Part:
    """Return a text part."""
    return {"type": "text", "content": content}


def reasoning_part(content: str) -> Part:
    """Return a reasoning part."""
    return {"type": "reasoning", "content": content}


def tool_call_part(call_id: object, name: object, arguments: object) -> Part:
    """Return a tool call; arguments given as JSON text become the object they stand for."""
    part: Part = {"type": "tool_call", "id": as_id(call_id), "name": name if isinstance(name, str) else None}
    part["arguments"] = cast("Any", read_arguments(arguments))
    return part


def tool_response_part(call_id: object, response: object, name: object = None) -> Part:
    """Return the answer to a tool call."""
    part: Part = {"type": "tool_call_response", "id": as_id(call_id), "response": cast("Any", response)}
    if isinstance(name, str) and name:
        part["name"] = name
    return part


def as_id(value: object) -> str | None:
    """Return an identifier as text."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) else None


def read_arguments(arguments: object) -> object:
    """Return tool arguments as they were meant: the object that a JSON text encodes, else the value itself."""
    if isinstance(arguments, str) and arguments[:1] in ("{", "["):
        parsed = parse_json(arguments)
        return arguments if parsed is NOT_JSON else parsed
    return arguments


def read_parts(content: object, depth: int = 0) -> list[Part]:
    """Return the parts that a message's content holds.

    Args:
        content: Text, one part, or a list of parts, of any emitter's shape.
        depth: How many wrappings were already taken off.
    """
    if content is None or content == "" or content is False:
        return []
    if isinstance(content, str):
        return _text_parts(content, depth)
    if depth >= MAX_DEPTH:
        return [text_part(to_json(content))]
    if isinstance(content, dict):
        return list(_object_parts(cast("Object", content), depth))
    if isinstance(content, list):
        return [part for item in content for part in read_parts(item, depth + 1)] if not _is_vector(content) else []
    return [text_part(str(content))]


def is_part_like(item: object) -> bool:
    """Tell whether an object looks like one part of a content list."""
    if not isinstance(item, dict):
        return False
    kind = item.get("type") or item.get("block_type") or item.get("part_kind")
    if isinstance(kind, str):
        return kind in _BY_TYPE
    return any(key in _BY_KEY and item[key] is not None for key in item)


def flat_text(content: object) -> str:
    """Return the text of any content, for parts that hold text only."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        inner = first(content, "text", "content", "value", "thinking", "summary", "output")
        return flat_text(inner) if inner is not None else to_json(content)
    if isinstance(content, list):
        return "\n".join(piece for item in content if (piece := flat_text(item)))
    return "" if content is None else str(content)


def _text_parts(content: str, depth: int) -> list[Part]:
    # A content list that was turned into a string: OpenLLMetry, LangChain and others do.
    if content[:1] == "[" and content[1:2] in ("{", " ", "\n", '"', "'") and depth < MAX_DEPTH:
        parsed = parse_text(content)
        if isinstance(parsed, list) and parsed and all(is_part_like(item) for item in parsed):
            return [part for item in parsed for part in read_parts(item, depth + 1)]
    return [text_part(content)]


def _is_vector(content: Sequence[object]) -> bool:
    return len(content) > 0 and all(isinstance(item, (int, float)) for item in content[:4])


def _object_parts(item: Object, depth: int) -> Iterable[Part]:
    kind = item.get("type") or item.get("block_type") or item.get("part_kind") or item.get("kind")
    if isinstance(kind, str):
        reader = _BY_TYPE.get(kind) or _BY_TYPE.get(kind.lower())
        if reader is not None:
            return reader(item)
        if kind.endswith("_tool_result"):
            return _tool_response(item)
    told = [key for key in item if key in _BY_KEY and item[key] is not None]
    if told:
        return _BY_KEY[told[0] if len(told) == 1 else min(told, key=_PRECEDENCE.__getitem__)](item)
    for wrapper in ("message_content", "content", "parts"):
        inner = item.get(wrapper)
        if isinstance(inner, (dict, list)) or (isinstance(inner, str) and kind is None):
            return read_parts(inner, depth + 1)
    return [cast("Part", dict(item))] if isinstance(kind, str) else [text_part(to_json(item))]


def _text(item: Object) -> list[Part]:
    value = first(item, "content", "text", "value", "input_text", "output_text", "refusal", "data")
    if value is None:
        return []
    content = flat_text(value)
    if item.get("thought") is True:
        return [reasoning_part(content)]
    return [text_part(content)]


def _reasoning(item: Object) -> list[Part]:
    inner = item.get("reasoning")
    if isinstance(inner, dict):
        return _reasoning(cast("Object", inner))
    value = first(item, "content", "text", "thinking", "reasoning_text", "reasoning", "data")
    content = flat_text(value) or flat_text(item.get("summary"))
    return [reasoning_part(content)] if content else []


def _bedrock_reasoning(item: Object) -> list[Part]:
    content = item["reasoningContent"]
    return [reasoning_part(flat_text(first(content, "reasoningText", "text")))] if isinstance(content, dict) else []


_NAMES: Final = ("name", "tool_name", "toolName", "tool.name", "tool_function")
_ARGUMENTS: Final = (
    *("arguments", "args", "input", "parameters", "tool_kwargs", "tool_args", "kwargs", "params"),
    *("tool_arguments", "tool.arguments", "tool.args"),
)
_CALL_IDS: Final = (
    *("call_id", "tool_call_id", "toolCallId", "toolUseId", "tool_use_id", "id", "tool_id", "tool.id", "tool.call.id"),
    "ref",
)


def _tool_call(item: Object) -> list[Part]:
    inner = first(item, "tool_call", "function_call", "functionCall", "toolUse", "tool_use", "toolCall", "toolRequest")
    if isinstance(inner, dict):
        return _tool_call({"id": first(item, "id", "call_id"), **cast("Object", inner)})
    function = item.get("function")
    named: Mapping[str, Any] = cast("Object", function) if isinstance(function, dict) else item
    name = first(named, *_NAMES) or (function if isinstance(function, str) else None)
    arguments = first(named, *_ARGUMENTS)
    call_id = first(item, *_CALL_IDS)
    if arguments is None:
        arguments = item.get("arguments", item.get("args", item.get("input")))
    return [tool_call_part(call_id, name, arguments)]


def _tool_response(item: Object) -> list[Part]:
    inner = first(
        item, "toolResult", "function_response", "functionResponse", "tool_call_result", "tool_result", "toolResponse"
    )
    if isinstance(inner, dict):
        return _tool_response({"id": item.get("id"), **cast("Object", inner)})
    origin = item.get("origin")
    asked: Mapping[str, Any] = cast("Object", origin) if isinstance(origin, dict) else item
    call_id = first(asked, "tool_use_id", "tool_call_id", "toolCallId", "toolUseId", "call_id", "id", "ref")
    response = first(item, "response", "result", "output", "content", "outputs", "text")
    name = first(asked, "name", "tool_name", "toolName")
    return [tool_response_part(call_id, _response_value(response), name)]


def _response_value(response: object) -> object:
    if isinstance(response, list) and not isinstance(response, str) and all(is_part_like(item) for item in response):
        parts = read_parts(response)
        if all(part.get("type") == "text" for part in parts):
            return "\n".join(str(part.get("content")) for part in parts)
        return parts
    if isinstance(response, dict) and response.get("type") in ("text", "json") and "value" in response:
        return response["value"]
    return response


def _bedrock_json(item: Object) -> list[Part]:
    return [text_part(to_json(item["json"]))]


def _code(item: Object) -> list[Part]:
    inner = first(item, "executableCode", "executable_code", "codeExecutionResult", "code_execution_result")
    return [text_part(flat_text(first(inner, "code", "output")))] if isinstance(inner, dict) else []


def _whole(item: Object) -> list[Part]:
    return [cast("Part", dict(item))]


def _nothing(_: Object) -> list[Part]:
    return []


_BY_TYPE: Final[dict[str, _Reader]] = {
    **dict.fromkeys(("text", "input_text", "output_text", "refusal", "text-delta", "summary_text", "Text"), _text),
    **dict.fromkeys(
        ("reasoning", "thinking", "thought", "reasoning_text", "reasoning_content", "thinking_delta"), _reasoning
    ),
    "redacted_thinking": _nothing,
    "redacted-reasoning": _nothing,
    **dict.fromkeys(
        (
            "tool_call",
            "tool-call",
            "toolCall",
            "tool_use",
            "toolUse",
            "function",
            "function_call",
            "functionCall",
            "server_tool_use",
            "mcp_tool_use",
            "mcp_call",
            "custom_tool_call",
            "builtin-tool-call",
            "tool_calls",
        ),
        _tool_call,
    ),
    **dict.fromkeys(
        (
            "tool_call_response",
            "tool_call_result",
            "tool_result",
            "tool-result",
            "toolResult",
            "tool_response",
            "tool-return",
            "function_response",
            "functionResponse",
            "function_result",
            "function_call_output",
            "custom_tool_call_output",
            "mcp_tool_result",
            "retry-prompt",
            "builtin-tool-return",
        ),
        _tool_response,
    ),
    **dict.fromkeys(("user-prompt", "system-prompt"), lambda item: read_parts(item.get("content"), 1)),
    **dict.fromkeys(media.TYPES, media.read_media),
}

_BY_KEY: Final[dict[str, _Reader]] = {
    "toolUse": _tool_call,
    "toolResult": _tool_response,
    "toolRequest": _tool_call,
    "toolResponse": _tool_response,
    "reasoningContent": _bedrock_reasoning,
    "functionCall": _tool_call,
    "function_call": _tool_call,
    "functionResponse": _tool_response,
    "function_response": _tool_response,
    "tool_call_result": _tool_response,
    "tool_call": _tool_call,
    "toolCallId": _tool_call,
    "tool_name": _tool_call,
    "tool.name": _tool_call,
    "tool_function": _tool_call,
    "origin": _tool_response,
    "executableCode": _code,
    "executable_code": _code,
    "codeExecutionResult": _code,
    "code_execution_result": _code,
    "reasoning": _reasoning,
    "thinking": _reasoning,
    **dict.fromkeys(media.KEYS, media.read_media),
    "json": _bedrock_json,
    "cachePoint": _nothing,
    "thought_signature": _nothing,
    "text": _text,
}
"""Readers of parts without a type, by the key that tells them; of several, the first one here decides."""

_PRECEDENCE: Final = {key: place for place, key in enumerate(_BY_KEY)}
