"""Put the messages of a span where they belong, by its kind: the first candidate that says something is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from otel_sqlite_exporter.conventions import instructions
from otel_sqlite_exporter.conventions.call import Call, JSONValue, Message, Part, Shared
from otel_sqlite_exporter.conventions.containers import read_input, read_one, read_output, read_system
from otel_sqlite_exporter.conventions.documents import read_documents
from otel_sqlite_exporter.conventions.events import read_event_list
from otel_sqlite_exporter.conventions.parse import NOT_JSON, UNREADABLE, parse_text, plain
from otel_sqlite_exporter.conventions.parts import read_arguments, tool_call_part, tool_response_part

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.sheet import Sheet

Reader: TypeAlias = Callable[[object], "list[Message]"]

WITHHELD: Final = frozenset(
    {"__REDACTED__", "[REDACTED]", "<REDACTED>", "REDACTED", "[]", "{}", "***", "<redacted>", "<elided>"}
)
"""Marks that stand where the user withheld content: content they are, a prompt they are not."""

_LONGEST_REMEMBERED_TOOLS: Final = 32_768
_LONGEST_MARK: Final = max(map(len, WITHHELD))


def fill(call: Call, sheet: Sheet) -> None:
    """Fill the messages of a call.

    Args:
        call: Its kind is set already.
        sheet: What the span's attributes and events said.
    """
    _FILLERS.get(call.kind, _fill_messages)(call, sheet)
    if "tools" in sheet.contents:
        _fill_tools(call, sheet)


def is_withheld(message: Message) -> bool:
    """Tell whether a message is nothing but a mark of redaction."""
    for part in message.parts:
        content = part.get("content")
        if type(content) is not str or len(content) > _LONGEST_MARK or content not in WITHHELD:
            return False
    return True


def pick(candidates: list[tuple[int, object]], reader: Reader) -> list[Message]:
    """Return the messages of the first candidate that says something, else of the first that is withheld.

    Args:
        candidates: Values with their place in the reading order, sorted; messages are taken as they are.
        reader: Reads one value.
    """
    spare: list[Message] = []
    for _, value in candidates:
        messages = _messages(value, reader)
        for message in messages:
            if message.parts and not is_withheld(message):
                return messages
        if not any(message.parts for message in spare):
            spare = messages
    return spare


def _messages(value: object, reader: Reader) -> list[Message]:
    if isinstance(value, list) and value and isinstance(value[0], Message):
        return value
    try:
        return reader(value)
    except UNREADABLE:
        return [Message(None, [{"type": "text", "content": value if isinstance(value, str) else str(plain(value))}])]


def _fill_messages(call: Call, sheet: Sheet) -> None:
    contents = sheet.contents
    if "input" in contents:
        call.input = pick(sheet.candidates("input"), read_input)
    if "output" in contents:
        call.output = pick(sheet.candidates("output"), read_output)
    if "output_pieces" in contents and not any(message.parts for message in call.output):
        call.output = _assembled(sheet.candidates("output_pieces"))
    if "output_chunks" in contents and not any(message.parts for message in call.output):
        call.output = read_output("[" + ",".join(str(chunk) for _, chunk in contents["output_chunks"]) + "]")
    if "output_calls" in contents:
        _add_calls_beside(call, sheet.candidates("output_calls"))
    if "conversation" in contents:
        _fill_conversation(call, sheet.candidates("conversation"))
    instructions.fill(call, sheet, pick(sheet.candidates("system"), read_system) if "system" in contents else [])


def _assembled(pieces: list[tuple[int, object]]) -> list[Message]:
    parts = [part for _, piece in pieces for message in _messages(piece, read_output) for part in message.parts]
    return [Message("assistant", parts)] if parts else []


def _add_calls_beside(call: Call, candidates: list[tuple[int, object]]) -> None:
    """Add the tool calls that stand beside the answer, unless it has them itself."""
    if any(part.get("type") == "tool_call" for message in call.output for part in message.parts):
        return
    called = pick(candidates, _read_calls)
    if called and call.output:
        said = call.output[-1]  # which others may share
        parts = [part for message in called for part in message.parts]
        call.output = [*call.output[:-1], Message(said.role, [*said.parts, *parts], said.finish_reason)]
    elif called:
        call.output = called


def _read_calls(value: object) -> list[Message]:
    calls = parse_text(value) if isinstance(value, str) else plain(value)
    found = read_output({"role": "assistant", "tool_calls": calls}) if isinstance(calls, (list, dict)) else []
    return [message for message in found if any(part.get("type") == "tool_call" for part in message.parts)]


def _fill_conversation(call: Call, conversation: list[tuple[int, object]]) -> None:
    """Split a whole conversation: what the last messages of the assistant say is the output."""
    messages = pick(conversation, _read_conversation)
    end = len(messages)
    while end and messages[end - 1].role == "assistant":
        end -= 1
    call.input = messages[:end] or call.input
    call.output = messages[end:] or call.output


def _read_conversation(value: object) -> list[Message]:
    items = parse_text(value) if isinstance(value, str) else plain(value)
    if isinstance(items, list) and any(isinstance(item, dict) and "event.name" in item for item in items):
        received, sent = read_event_list(items)
        return [*received, *sent]
    return read_input(value)


def _fill_tool(call: Call, sheet: Sheet) -> None:
    arguments = _first_value(sheet.candidates("arguments")) or _first_value(sheet.candidates("input"))
    if arguments is not None:
        part = _called(arguments.value, call) if not arguments.parts else arguments.parts[0]
        call.input = [Message("assistant", [part])]
    result = _first_value(sheet.candidates("result")) or _first_value(sheet.candidates("output"))
    if result is not None:
        answer = result.parts or [tool_response_part(call.tool_call_id, cast("Any", result.value))]
        call.output = [Message("tool", answer)]


class _Value:
    """A tool's arguments or result: the value itself, or the parts that an event already made of it."""

    __slots__ = ("parts", "value")

    def __init__(self, value: object, parts: list[Part]) -> None:
        self.value = value
        self.parts = parts


def _first_value(candidates: list[tuple[int, object]]) -> _Value | None:
    for _, candidate in candidates:
        if isinstance(candidate, list) and candidate and isinstance(candidate[0], Message):
            parts = [part for message in candidate for part in message.parts]
            if parts:
                return _of_parts(parts)
            continue
        value = parse_text(candidate) if isinstance(candidate, str) else plain(candidate)
        if value is NOT_JSON:
            value = candidate
        if value is not None and value != "" and not _is_schema(value):
            return _unwrapped(value)
    return None


def _of_parts(parts: list[Part]) -> _Value:
    if len(parts) == 1 and parts[0].get("type") == "tool_call_response":
        response: Any = parts[0].get("response")
        return _Value(read_arguments(response), [])
    if all(part.get("type") == "text" for part in parts):
        return _Value("\n".join(str(part.get("content")) for part in parts), [])
    return _Value(None, parts)


def _is_schema(value: object) -> bool:
    return isinstance(value, dict) and "properties" in value and value.get("type") == "object"


_ARGUMENT_HOLDERS: Final = ("inputs", "arguments", "tool_args", "input_data", "kwargs", "input")
_RESULT_HOLDERS: Final = ("output", "outputs", "result", "return_value")
_WRAPPING: Final = frozenset(
    {
        "tags",
        "metadata",
        "inputs",
        "kwargs",
        "input_str",
        "tool_name",
        "args",
        "name",
        "color",
        "tool_call_id",
        "config",
    }
)


def _unwrapped(value: object) -> _Value:
    """Take arguments or a result out of the note a framework wrapped around it."""
    for _ in range(4):
        if not isinstance(value, dict):
            break
        if "lc" in value or (value.get("type") == "tool" and "content" in value) or "toolResult" in value:
            return _of_parts([part for message in read_one(value, "tool") for part in message.parts])
        holder = next((key for key in (*_ARGUMENT_HOLDERS, *_RESULT_HOLDERS) if key in value), None)
        others = set(value) - {holder}
        if holder is None or not others <= _WRAPPING or value[holder] in (None, [], {}):
            break
        value = value[holder]
    if isinstance(value, list) and value and all(isinstance(item, dict) and "toolResult" in item for item in value):
        return _of_parts([part for message in read_one(value, "tool") for part in message.parts])
    return _Value(value, [])


def _called(arguments: object, call: Call) -> Part:
    return tool_call_part(call.tool_call_id, call.tool_name, arguments)


def _fill_retriever(call: Call, sheet: Sheet) -> None:
    call.input = [message for message in pick(sheet.candidates("query", "input"), read_input) if message.parts]
    call.output = pick(sheet.candidates("documents", "output"), read_documents)


def _fill_reranker(call: Call, sheet: Sheet) -> None:
    asked = pick(sheet.candidates("query", "input"), read_input)
    ranked = pick(sheet.candidates("input_documents"), read_documents)
    call.input = [message for message in [*asked, *ranked] if message.parts]
    call.output = pick(sheet.candidates("documents", "output"), read_documents)


def _fill_embedding(call: Call, sheet: Sheet) -> None:
    """Fill the embedded texts only: vectors are never stored."""
    messages = pick(sheet.candidates("input"), _read_texts)
    call.input = [Message(None, message.parts) for message in messages if message.parts]


def _read_texts(value: object) -> list[Message]:
    items = parse_text(value) if isinstance(value, str) else plain(value)
    if items is NOT_JSON:
        return read_one(value, None)
    if isinstance(items, Mapping):
        for key in (
            "input",
            "inputs",
            "texts",
            "text",
            "contents",
            "content",
            "documents",
            "inputText",
            "prompt",
            "query",
        ):
            if items.get(key):
                return _read_texts(items[key])
    if isinstance(items, list) and items and all(isinstance(item, (str, Mapping)) for item in items):
        return [message for item in items for message in _text_of(item)]
    return read_one(value, None)


def _text_of(item: str | Mapping[str, Any]) -> list[Message]:
    if isinstance(item, Mapping) and isinstance(item.get("embedding"), Mapping):
        item = cast("Mapping[str, Any]", item["embedding"])
    if isinstance(item, Mapping) and set(item) <= {"text", "vector", "embedding"}:
        item = item.get("text") or ""
    return read_one(item, None) if not isinstance(item, str) else [Message(None, [{"type": "text", "content": item}])]


def _fill_tools(call: Call, sheet: Sheet) -> None:
    for _, value in sheet.candidates("tools"):
        is_short = type(value) is str and len(value) <= _LONGEST_REMEMBERED_TOOLS
        definitions = _remembered_definitions(cast("str", value)) if is_short else _definitions(value)
        if definitions:
            call.tool_definitions = definitions
            return


def _definitions(value: object) -> list[JSONValue]:
    decoded = parse_text(value) if isinstance(value, str) else plain(value)
    if isinstance(decoded, Mapping):
        decoded = [decoded]
    return [_definition(item) for item in cast("Sequence[Any]", decoded)] if isinstance(decoded, list) else []


@lru_cache(maxsize=64)
def _remembered_definitions(value: str) -> list[JSONValue]:
    """Return what an agent sends with every call."""
    return Shared(_definitions(value))


def _definition(item: object) -> JSONValue:
    if isinstance(item, str):
        decoded = parse_text(item)
        item = item if decoded is NOT_JSON else decoded
    if isinstance(item, dict):
        inner = item.get("tool")
        if isinstance(inner, dict) and "json_schema" in inner:
            return _definition(inner["json_schema"])
        return {key: _definition(value) if key == "parameters" else value for key, value in item.items()}
    return cast("JSONValue", item)


_FILLERS: Final[dict[str, Callable[[Call, Sheet], None]]] = {
    "tool": _fill_tool,
    "retriever": _fill_retriever,
    "reranker": _fill_reranker,
    "embedding": _fill_embedding,
}
