"""Take the messages out of whatever holds them: request and response bodies, choices, generations, states, lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from otel_sqlite_exporter.conventions.call import Message
from otel_sqlite_exporter.conventions.chunks import joined_chunks
from otel_sqlite_exporter.conventions.histories import Histories
from otel_sqlite_exporter.conventions.messages import finish_of, is_message_like, native_messages, read_message
from otel_sqlite_exporter.conventions.parse import NOT_JSON, parse_json, parse_lines, parse_text, plain, to_json
from otel_sqlite_exporter.conventions.parts import MAX_DEPTH, Object, first, flat_text, is_part_like, read_parts

_SYSTEM_KEYS: Final = ("system", "system_instruction", "systemInstruction", "instructions", "preamble")
_SPEAKERS: Final = ("system", "user", "assistant", "tool")
"""What an object may have for its only key, which then says whose message its value is."""

_CLOSING: Final = ("}", "]", ")")
_Reader: TypeAlias = Callable[[Object, "str | None", int], "list[Message] | None"]

_histories = Histories()


def read_input(value: object) -> list[Message]:
    """Return the messages of what was sent: a request body, a list, one message, a prompt.

    Args:
        value: A decoded structure or a text, which is decoded when it holds one.
    """
    messages = _read(value, "user", 0)
    return _unpacked(messages, "user") if len(messages) == 1 else messages


def read_output(value: object) -> list[Message]:
    """Return the messages of what came back: a response body, choices, one message, an answer.

    Args:
        value: As for :func:`read_input`.
    """
    messages = _read(value, "assistant", 0)
    return _unpacked(messages, "assistant") if len(messages) == 1 else messages


def read_system(value: object) -> list[Message]:
    """Return system instructions: one message, whatever the emitter gave as its role.

    Args:
        value: Text, a list of parts or texts, or messages.
    """
    messages = _read(value, "system", 0)
    parts = [part for message in messages for part in message.parts]
    return [Message("system", parts)] if parts else []


def read_one(value: object, role: str | None) -> list[Message]:
    """Return a value that is known to be one message's content or one message.

    Args:
        value: Text, parts or a message object.
        role: The role where it names none.
    """
    return _read(value, role, 0)


def _read(value: object, role: str | None, depth: int) -> list[Message]:
    if not value:
        return [] if value != 0 or value is False else [Message(role, read_parts(value))]
    if isinstance(value, str):
        continued = _histories.continued(value) if depth == 0 else None
        if continued is not None:
            return continued
        if value[:1] == '"' and depth < MAX_DEPTH:
            encoded = parse_json(value)
            if isinstance(encoded, str) and encoded:
                return _read(encoded, role, depth + 1)
        parsed = parse_text(value)
        if parsed is NOT_JSON:
            parsed = parse_lines(value)
        if parsed is NOT_JSON:
            return [Message(role, read_parts(value))]
        return _decoded(parsed, role, depth + 1, value)
    return _decoded(plain(value) if depth == 0 else value, role, depth, None)


def _unpacked(messages: list[Message], role: str) -> list[Message]:
    """Return the messages that an emitter wrote as the text of one: as JSON, or as the repr of the SDK's object."""
    (message,) = messages
    if len(message.parts) != 1 or message.role not in (role, None):
        return messages
    said = message.parts[0].get("content")
    if not isinstance(said, str) or said[-1:] not in _CLOSING or message.parts[0].get("type") != "text":
        return messages
    inner = parse_text(said)
    items = inner if isinstance(inner, list) else [inner]
    if not items or not all(_is_whole_message(item) for item in items):
        return messages
    found = _decoded(inner, role, 1, said)
    if len(found) == 1 and message.finish_reason is not None:
        found[0].finish_reason = found[0].finish_reason or message.finish_reason
    return found or messages


def _is_whole_message(item: object) -> bool:
    """Tell a message from data that a model may write or a user may send."""
    return isinstance(item, dict) and (
        ("role" in item and not item.keys().isdisjoint(("content", "parts", "tool_calls")))
        or (isinstance(item.get("tool_calls"), list) and item.keys() <= {"tool_calls", "content", "refusal"})
        or item.get("type") == "function_call"
    )


def _decoded(value: object, role: str | None, depth: int, source: str | None) -> list[Message]:
    if isinstance(value, list):
        messages = native_messages(value)
        if messages is None:
            messages = _list(joined_chunks(value), role, depth)
        elif source is not None and depth == 1:
            _histories.remember(source, messages)
    elif isinstance(value, dict):
        messages = _object(value, role, depth)
    else:
        messages = [Message(role, read_parts(value))] if value is not None else []
    if messages is None:
        return [Message(role, read_parts(to_json(value) if source is None else source, MAX_DEPTH))]
    return messages


def _list(items: list[Any], role: str | None, depth: int) -> list[Message] | None:
    if depth >= MAX_DEPTH:
        return None
    if not items:
        return []
    if all(isinstance(item, (int, float)) for item in items[:4]):
        return None
    if all(is_part_like(item) and not is_message_like(item) and "object" not in item for item in items):
        return [Message(role, [part for item in items for part in read_parts(item, 1)])]
    if role == "assistant" and _are_pieces(items):
        return [Message(role, read_parts("".join(items)))]
    messages: list[Message] = []
    for item in items:
        of_nobody = type(item) is list and role == "user" and any(map(is_message_like, items))
        _join(messages, _read(item, None if of_nobody else role, depth + 1), item)
    return messages


def _are_pieces(items: list[Any]) -> bool:
    """Tell the pieces of one streamed text, which keep the blanks between their words, from several texts."""
    return (
        len(items) > 1 and all(isinstance(item, str) for item in items) and any(item != item.strip() for item in items)
    )


def _join(messages: list[Message], found: list[Message], item: object) -> None:
    """Append messages; the items of one Responses answer (reasoning, text, calls) become one message."""
    joins = isinstance(item, dict) and item.get("type") in ("reasoning", "function_call", "message")
    for message in found:
        last = messages[-1] if messages else None
        if joins and last is not None and last.role == message.role == "assistant":
            last.parts = [*last.parts, *message.parts]
            last.finish_reason = last.finish_reason or message.finish_reason
        else:
            messages.append(message)


def _object(item: Object, role: str | None, depth: int) -> list[Message] | None:
    if depth >= MAX_DEPTH:
        return None
    if is_message_like(item):
        return read_message(item, role, depth)
    readers = _OUTPUT_READERS if role == "assistant" else _INPUT_READERS
    told = [key for key in item if key in readers and item[key] is not None]
    if len(told) > 1:
        told.sort(key=list(readers).index)
    for key in told:
        messages = readers[key](item, role, depth + 1)
        if messages is not None:
            return messages
    return _untold(item, role, depth)


def _untold(item: Object, role: str | None, depth: int) -> list[Message] | None:
    """Return the messages of an object that no key tells to be a holder of some."""
    if is_part_like(item):
        return [Message(role, read_parts(item, 1), finish_of(item))]
    if len(item) == 1:
        ((speaker, said),) = item.items()
        if speaker in _SPEAKERS and (role != "assistant" or speaker == role):
            return _read(said, speaker, depth + 1)
    if "value" in item and len(item) == 2 and "type" in item:  # noqa: PLR2004 - these two
        return _read(item["value"], role, depth + 1)
    if role == "assistant" and isinstance(item.get("type"), str) and "object" not in item:
        return [Message(role, read_parts(item, 1))]  # an item of a type that nobody knows is no text
    if "model" in item and role == "user":
        return []  # the parameters of a request without its prompt
    reason = finish_of(item) if len(item) == 1 else None
    return [Message(role, [], reason)] if reason is not None else None


def system_of(item: Object) -> list[Message]:
    """Return the instructions that a request body or its configuration holds beside the messages.

    Args:
        item: The decoded object.
    """
    config = item.get("config")
    for holder in [item, config] if isinstance(config, dict) else [item]:
        system = first(holder, *_SYSTEM_KEYS)
        if system is not None:
            return read_system(system)
    return []


def _with_system(item: Object, messages: list[Message]) -> list[Message]:
    if any(message.role in ("system", "developer") for message in messages):
        return messages
    return [*system_of(item), *messages]


def _messages(item: Object, role: str | None, depth: int) -> list[Message]:
    return _with_system(item, _read(item["messages"], role, depth))


def _contents(item: Object, role: str | None, depth: int) -> list[Message]:
    return _with_system(item, _read(item["contents"], role, depth))


def _input(item: Object, role: str | None, depth: int) -> list[Message]:
    return _with_system(item, _read(item["input"], role, depth))


def _each(key: str) -> _Reader:
    def read(item: Object, role: str | None, depth: int) -> list[Message] | None:
        return _read(item[key], role, depth)

    return read


def _system_and(key: str) -> _Reader:
    def read(item: Object, role: str | None, depth: int) -> list[Message] | None:
        return _with_system(item, _read(item[key], role, depth))

    return read


def _choices(item: Object, role: str | None, depth: int) -> list[Message] | None:
    choices = item["choices"]
    if not isinstance(choices, list):
        return None
    return [message for choice in choices for message in _choice(choice, role, depth)]


def _choice(choice: object, role: str | None, depth: int) -> list[Message]:
    if not isinstance(choice, dict):
        return _read(choice, role, depth)
    inner = first(choice, "message", "delta", "completion", "text", "content")
    if isinstance(inner, dict) and "tool_calls" in inner:
        messages = read_message(inner, role, depth)
    else:
        messages = _read(inner, role, depth) if inner is not None else []
    calls = choice.get("tool_calls")
    if calls is not None and isinstance(calls, list):
        messages = messages or [Message(role, [])]
        messages[-1].parts.extend(read_message({"tool_calls": calls}, role)[0].parts)
    reason = finish_of(choice)
    if reason is not None:
        messages = messages or [Message(role, [])]
        messages[-1].finish_reason = reason
    return messages


def _message(item: Object, role: str | None, depth: int) -> list[Message] | None:
    return _choice(item, role, depth) if isinstance(item["message"], (dict, str)) else None


def _candidates(item: Object, role: str | None, depth: int) -> list[Message] | None:
    candidates = item["candidates"]
    if not isinstance(candidates, list):
        return None
    return [message for candidate in candidates for message in _choice(candidate, role, depth)]


def _generations(item: Object, role: str | None, depth: int) -> list[Message] | None:
    generations = item["generations"]
    if not isinstance(generations, list):
        return None
    flat = [inner for outer in generations for inner in (outer if isinstance(outer, list) else [outer])]
    messages: list[Message] = []
    for generation in flat:
        messages.extend(_choice(generation, role, depth))
    return messages


def _response_output(item: Object, role: str | None, depth: int) -> list[Message] | None:
    messages = _read(item["output"], role, depth)
    reason = finish_of(item)
    if messages and reason is not None and messages[-1].finish_reason is None:
        messages[-1].finish_reason = reason
    return messages


def _chat_history(item: Object, role: str | None, depth: int) -> list[Message] | None:
    said = _read(first(item, "message", "question", "text"), role, depth)
    return _with_system(item, [*_read(item["chat_history"], role, depth), *said])


def _content(item: Object, role: str | None, depth: int) -> list[Message]:
    return read_message(item, role, depth)


def _results(item: Object, role: str | None, _: int) -> list[Message] | None:
    results = item["results"]
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        return None
    texts = [(first(result, "outputText", "generated_text", "text"), finish_of(result)) for result in results]
    return [Message(role, read_parts(flat_text(text)), reason) for text, reason in texts if text is not None] or None


def _args(item: Object, role: str | None, depth: int) -> list[Message] | None:
    arguments, named = item["args"], item.get("kwargs", {})
    if not isinstance(arguments, list) or not isinstance(named, dict):
        return None
    said = next((given for given in arguments if isinstance(given, list) and any(map(is_message_like, given))), None)
    if said is not None:
        return _with_system(named, _read(said, role, depth))
    if len(arguments) == 1 and not named and "kwargs" in item:
        return _read(arguments[0], role, depth)
    return _object(named, role, depth) if not arguments and named else None


_INPUT_READERS: Final[dict[str, _Reader]] = {
    "messages": _messages,
    "chat_history": _chat_history,
    "contents": _contents,
    "input": _input,
    "inputs": _each("inputs"),
    "args": _args,
    "kwargs": _each("kwargs"),
    "prompt": _system_and("prompt"),
    "prompts": _each("prompts"),
    "inputText": _each("inputText"),
    "texts": _each("texts"),
    "new_messages": _each("new_messages"),
    "message": _message,
    "question": _each("question"),
    "query": _each("query"),
    "query_str": _each("query_str"),
    "query_bundle": _each("query_bundle"),
    "user_prompt": _each("user_prompt"),
    "parts": _content,
    "content": _content,
    "choices": _choices,
    "output": _response_output,
}
"""Keys that tell a request body or a holder of one, and how it is read; of several, the first one here decides."""

_OUTPUT_READERS: Final[dict[str, _Reader]] = {
    "choices": _choices,
    "candidates": _candidates,
    "generations": _generations,
    "replies": _each("replies"),
    "messages": _messages,
    "output": _response_output,
    "outputs": _each("outputs"),
    "results": _results,
    "raw_response": _each("raw_response"),
    "combined_chunk_content": _each("combined_chunk_content"),
    "message": _message,
    "generation": _each("generation"),
    "completion": _each("completion"),
    "completions": _each("completions"),
    "tool_calls": _content,
    "update": _each("update"),
    "parts": _content,
    "content": _content,
    "response": _each("response"),
    "result": _each("result"),
    "answer": _each("answer"),
    "generated_text": _each("generated_text"),
    "output_text": _each("output_text"),
    "final_output": _each("final_output"),
    "return_value": _each("return_value"),
    "text": _content,
}
"""The same for a response body."""
