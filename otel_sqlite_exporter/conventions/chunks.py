"""Put the pieces of a streamed answer together: some emitters keep them as they came."""

from __future__ import annotations

from typing import Any, Final

_CHUNK: Final = "chat.completion.chunk"
_LAST_EVENTS: Final = ("response.completed", "response.incomplete", "response.failed")


def chunk_of(piece: str) -> dict[str, Any]:
    """Return a piece of a streamed text as a chunk that :func:`joined_chunks` reads.

    Args:
        piece: As it came, blanks and all.
    """
    return {"object": _CHUNK, "choices": [{"index": 0, "delta": {"content": piece}}]}


def joined_chunks(items: list[Any]) -> list[Any]:
    """Return the whole answers that a list of a stream's pieces makes, and any other list as it is.

    Args:
        items: The decoded list.
    """
    first = items[0] if items else None
    if not isinstance(first, dict):
        return items
    if first.get("object") == _CHUNK:
        return [_joined_chat(items)]
    kind = first.get("type")
    if kind == "message_start":
        return [_joined_message(items)]
    if isinstance(kind, str) and kind.startswith("response."):
        return [
            item["response"]
            for item in items
            if isinstance(item, dict) and item.get("type") in _LAST_EVENTS and isinstance(item.get("response"), dict)
        ] or items
    return items


def _joined_chat(chunks: list[Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    choices: dict[Any, dict[str, Any]] = {}
    for chunk in chunks:
        if not isinstance(chunk, dict):
            continue
        whole.update({key: value for key, value in chunk.items() if key != "choices" and value is not None})
        for choice in _dicts(chunk.get("choices")):
            known = choices.setdefault(choice.get("index"), {"message": {"role": "assistant"}})
            if choice.get("finish_reason"):
                known["finish_reason"] = choice["finish_reason"]
            delta = choice.get("delta")
            if isinstance(delta, dict):
                _extend(known["message"], delta)
    whole["object"] = "chat.completion"
    whole["choices"] = list(choices.values())
    for choice in whole["choices"]:
        calls = choice["message"].pop("calls", None)
        if calls:
            choice["message"]["tool_calls"] = list(calls.values())
    return whole


def _joined_message(events: list[Any]) -> dict[str, Any]:
    """Return the message that the events of an Anthropic stream make."""
    whole: dict[str, Any] = {}
    blocks: dict[Any, dict[str, Any]] = {}
    for event in _dicts(events):
        kind, delta = event.get("type"), event.get("delta")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            whole = dict(event["message"])
        elif kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            blocks[event.get("index")] = dict(event["content_block"])
        elif kind == "content_block_delta" and isinstance(delta, dict):
            _extend_block(blocks.setdefault(event.get("index"), {"type": "text"}), delta)
        elif kind == "message_delta" and isinstance(delta, dict):
            whole.update({key: value for key, value in delta.items() if value is not None})
            if isinstance(event.get("usage"), dict):
                whole["usage"] = {**(whole.get("usage") or {}), **event["usage"]}
    whole["content"] = list(blocks.values())
    return whole


def _extend_block(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for piece, field in (("text", "text"), ("thinking", "thinking"), ("partial_json", "input")):
        if isinstance(delta.get(piece), str):
            known = block.get(field)
            block[field] = (known if isinstance(known, str) else "") + delta[piece]


def _extend(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("content", "refusal", "reasoning_content", "reasoning"):
        piece = delta.get(key)
        if isinstance(piece, str) and piece:
            message[key] = message.get(key, "") + piece
    for piece in _dicts(delta.get("tool_calls")):
        calls = message.setdefault("calls", {})
        call = calls.setdefault(piece.get("index", len(calls)), {"function": {"name": None, "arguments": ""}})
        function = piece.get("function")
        if piece.get("id"):
            call["id"] = piece["id"]
        if isinstance(function, dict):
            call["function"]["name"] = call["function"]["name"] or function.get("name")
            arguments = function.get("arguments")
            call["function"]["arguments"] += arguments if isinstance(arguments, str) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
