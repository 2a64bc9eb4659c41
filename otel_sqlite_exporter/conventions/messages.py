"""Read whatever emitters put where messages belong into a list of :class:`Message`.

One message is told by its role, or by the class name a framework dumped it under; containers of messages are
:mod:`containers`' business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from otel_sqlite_exporter.conventions.call import Message, Part
from otel_sqlite_exporter.conventions.parse import NOT_JSON, parse_text, to_json
from otel_sqlite_exporter.conventions.parts import (
    MAX_DEPTH,
    Object,
    first,
    flat_text,
    is_part_like,
    read_parts,
    reasoning_part,
    tool_call_part,
    tool_response_part,
)
from otel_sqlite_exporter.conventions.values import enum_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROLES: Final[dict[str, str]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "tool": "tool",
    "developer": "developer",
    "human": "user",
    "humanmessage": "user",
    "humanmessagechunk": "user",
    "ai": "assistant",
    "aimessage": "assistant",
    "aimessagechunk": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "assistant_agent": "assistant",
    "tool-call": "assistant",
    "systemmessage": "system",
    "toolmessage": "tool",
    "functionmessage": "tool",
    "function": "tool",
    # smolagents sends it with the role user
    "tool-response": "user",
    "tool_response": "tool",
    "tool_result": "tool",
    "ipython": "tool",
    "environment": "tool",
}
"""Each spelling of a role, in lower case; an unknown role is kept as it is."""

_NATIVE_PARTS: Final = frozenset({"text", "tool_call", "tool_call_response", "reasoning", "blob", "uri", "file"})
_PART_KINDS: Final = {"system-prompt": "system", "user-prompt": "user", "tool-return": "tool", "retry-prompt": "tool"}
_CALL_ITEM: Final = "_call"
_ANSWER_ITEM: Final = "_call_output"
_ITEMS: Final = (_CALL_ITEM, _ANSWER_ITEM)
"""How the types of items end that call a tool, or answer such a call, whoever runs the tool."""

_RESULTS: Final = ("output", "outputs", "results", "result", "error")
_ABOUT_ITEM: Final = frozenset({"type", "id", "status", "call_id", *_RESULTS})
_STATUS_ITEMS: Final = ("message", "function_call", "custom_tool_call")
_CONTENT_KEYS: Final = ("content", "parts", "contents", "blocks", "_content", "text", "texts", "message", "value")
_FINISH_KEYS: Final = frozenset(
    {"finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason", "completion_reason"}
)
_FINISH_HOLDERS: Final = frozenset({"response_metadata", "generation_info", "meta", "_meta"})


def role_of(word: object, default: str | None) -> str | None:
    """Return a role in its GenAI spelling; a Python enum's repr counts as its member."""
    if not isinstance(word, str) or not word:
        return default
    known = ROLES.get(word)
    if known is not None:
        return known
    shown = enum_text(word) or word
    return ROLES.get(shown.lower(), shown.lower() if shown.isupper() else shown)


def finish_of(item: Mapping[str, Any]) -> str | None:
    """Return the finish reason that a message or a choice carries."""
    holders = []
    for key, value in item.items():
        if key in _FINISH_KEYS:
            if isinstance(value, str) and value:
                return enum_text(value)
        elif key in _FINISH_HOLDERS and isinstance(value, dict):
            holders.append(value)
    if item.get("object") == "response" or item.get("type") in _STATUS_ITEMS:
        status = item.get("status")
        if isinstance(status, str) and status:
            return status
    for holder in holders:
        reason = finish_of(holder)
        if reason is not None:
            return reason
    return None


def native_messages(items: Sequence[object]) -> list[Message] | None:
    """Return messages that are in the GenAI form already, None when any of them is not: the quick way.

    Args:
        items: The decoded list.
    """
    messages = []
    for item in items:
        if type(item) is not dict:
            return None
        role = item.get("role")
        parts = item.get("parts")
        if type(parts) is not list or type(role) is not str or "tool_calls" in item:
            return None
        for part in parts:
            if type(part) is not dict:
                return None
            is_text = part.get("type") == "text" and type(part.get("content")) is str  # as most are: a call less
            if not (is_text or _is_native(part)):
                return None
        reason = item.get("finish_reason")
        messages.append(Message(ROLES.get(role, role), parts, reason if type(reason) is str and reason else None))
    return messages


def _is_native(part: dict[str, Any]) -> bool:
    kind = part.get("type")
    if kind in ("text", "reasoning"):
        return type(part.get("content")) is str
    if kind == "tool_call":
        return type(part.get("arguments")) is not str and "name" in part
    if kind == "tool_call_response":
        return "response" in part
    return kind in _NATIVE_PARTS


def is_message_like(item: object) -> bool:
    """Tell whether an object is one message, one item of a Responses list, or a framework's dump of one."""
    if not isinstance(item, dict):
        return False
    if "role" in item or "_role" in item:
        return True
    if "lc" in item and "kwargs" in item:
        return _class_name(item) is not None
    kind = item.get("type")
    if isinstance(kind, str) and _is_typed_message(item, kind):
        return True
    return item.get("kind") in ("request", "response") and "parts" in item


def _is_typed_message(item: Mapping[str, Any], kind: str) -> bool:
    if kind.endswith(_ITEMS) or kind == "reasoning":
        return kind not in ("tool_call", "tool-call") and "function" not in item
    if kind.lower() in ROLES and kind != "function":
        return "content" in item or "data" in item
    return kind == "message" and "content" in item


def read_message(item: Object, default: str | None, depth: int = 0) -> list[Message]:
    """Return what one message object says: usually one message, more where it packs several roles.

    Args:
        item: The object, message-like or not.
        default: The role where it names none.
        depth: How many wrappings were already taken off.
    """
    if depth >= MAX_DEPTH:
        return [Message(default, read_parts(to_json(item)))]
    for wrapper in ("kwargs", "data"):
        inner = item.get(wrapper)
        if isinstance(inner, dict) and ("lc" in item or "content" in inner) and "role" not in item:
            word = _class_name(item) or item.get("type")
            return read_message(cast("Object", inner), role_of(word, default), depth + 1)
    kind = item.get("type")
    if "role" not in item and isinstance(kind, str):
        if kind.endswith(_ANSWER_ITEM):
            return [Message("tool", read_parts({**item, "type": "function_call_output"}))]
        if kind.endswith(_CALL_ITEM) or kind == "reasoning":
            return [Message("assistant", _item_parts(item, kind))]
    if item.get("kind") in ("request", "response") and "parts" in item:
        return _by_part_kind(item)
    role = role_of(first(item, "role", "_role"), None)
    if role is None:
        role = role_of(kind, default) if isinstance(kind, str) and kind.lower() in ROLES else default
    elif role == "user" and item.get("tool_call_id"):
        role = "tool"  # an API that knows no such role wants tool results from the user
    return [Message(role, _message_parts(item, role, depth), finish_of(item))]


def _item_parts(item: Object, kind: str) -> list[Part]:
    """Return the parts of one item of a Responses list; a tool that the provider runs has its result beside it."""
    if kind == "reasoning":
        return read_parts(item)
    call_id = first(item, "call_id", "id")
    if "name" in item or "arguments" in item:
        parts = read_parts({**item, "type": "function_call"})
    else:
        arguments = {key: value for key, value in item.items() if key not in _ABOUT_ITEM}
        parts = [tool_call_part(call_id, kind.removesuffix(_CALL_ITEM), arguments)]
    result = first(item, *_RESULTS)
    if result is not None:
        parts.append(tool_response_part(call_id, result, item.get("name")))
    return parts


def _by_part_kind(item: Object) -> list[Message]:
    default = "user" if item["kind"] == "request" else "assistant"
    messages: list[Message] = []
    for part in cast("Sequence[Any]", item["parts"]):
        kind = part.get("part_kind") if isinstance(part, dict) else None
        role = _PART_KINDS.get(kind, default) if isinstance(kind, str) else default
        if not messages or messages[-1].role != role:
            messages.append(Message(role, []))
        messages[-1].parts.extend(read_parts(part, 1))
    if messages:
        messages[-1].finish_reason = finish_of(item)
    return messages


def _class_name(item: Mapping[str, Any]) -> str | None:
    path = item.get("id")
    if isinstance(path, list) and path:
        name = str(path[-1])
        return name if name.lower() in ROLES or name.endswith(("Message", "MessageChunk")) else None
    return None


def _message_parts(item: Object, role: str | None, depth: int) -> list[Part]:
    parts: list[Part] = []
    thought = first(item, "reasoning_content", "thinking", "reasoning")
    if thought is not None and thought is not False and (words := flat_text(thought)):
        parts.append(reasoning_part(words))
    content = _content(item)
    if role == "tool" and (response := _tool_answer(item, content)) is not None:
        return response
    if isinstance(content, dict) and "content" in content and not is_part_like(content):
        content = content["content"]
    if role == "assistant" and "tool_call_id" in item and (called := _call_as_text(item, content)) is not None:
        return [called]
    parts.extend(read_parts(content, depth + 1))
    refusal = item.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts.extend(read_parts(refusal))
    for part in _media(item):
        parts.extend(read_parts(part))
    _add_calls(parts, item)
    return parts


def _call_as_text(item: Object, content: object) -> Part | None:
    """Return the tool call that stands as JSON where an answer's text belongs."""
    called = parse_text(content) if isinstance(content, str) else None
    if not isinstance(called, dict) or set(called) != {"name", "arguments"}:
        return None
    return tool_call_part(item["tool_call_id"], called["name"], called["arguments"])


def _content(item: Object) -> object:
    for key in _CONTENT_KEYS:
        value = item.get(key)
        if value is not None and value not in ("", []):
            return value
    return None


def _tool_answer(item: Object, content: object) -> list[Part] | None:
    """Return a tool message's content as the answer it is, unless its parts say so themselves."""
    call_id = first(item, "tool_call_id", "toolCallId", "id", "tool_use_id")
    if isinstance(content, str):
        inner = parse_text(content) if content[:2] == "[{" else NOT_JSON
        if not isinstance(inner, list) or not all(is_part_like(part) for part in inner):
            return [tool_response_part(call_id, content, item.get("name"))]
        content = inner
    parts = read_parts(content)
    if any(part.get("type") in ("tool_call_response", "tool_call") for part in parts):
        return parts
    if not parts:
        return None if call_id is None else [tool_response_part(call_id, content, item.get("name"))]
    if all(part.get("type") == "text" for part in parts):
        return [tool_response_part(call_id, "\n".join(str(part["content"]) for part in parts), item.get("name"))]
    return [tool_response_part(call_id, parts, item.get("name"))]


def _media(item: Object) -> list[object]:
    found: list[object] = [{"type": "image", "data": image} for image in as_list(item.get("images")) if image]
    audio = item.get("audio")
    return [*found, {"type": "audio", **audio}] if isinstance(audio, dict) else found


def as_list(value: object) -> Sequence[Any]:
    """Return a list as it is, and nothing for anything else."""
    return value if isinstance(value, list) else ()


def _calls(item: Object) -> object:
    calls = first(item, "tool_calls", "toolCalls", "_tool_calls")
    extra = item.get("additional_kwargs")
    if calls is None and isinstance(extra, dict):
        calls = first(extra, "tool_calls", "function_call")
    if calls is None or calls == []:
        calls = item.get("function_call")
    if calls is None and "function_call_name" in item:
        calls = {"name": item["function_call_name"], "arguments": item.get("function_call_arguments_json")}
    if isinstance(calls, str):
        parsed = parse_text(calls)
        return None if parsed is NOT_JSON else parsed
    return calls


def _add_calls(parts: list[Part], item: Object) -> None:
    """Append the tool calls that a message carries beside its content, unless the content has them as well."""
    calls = _calls(item)
    known = {(part.get("id"), part.get("name")) for part in parts if part.get("type") == "tool_call"}
    for call in [calls] if isinstance(calls, dict) else as_list(calls):
        read = read_parts({"type": "tool_call", **call} if isinstance(call, dict) else call)
        parts.extend(
            part for part in read if part["type"] != "tool_call" or (part.get("id"), part.get("name")) not in known
        )
