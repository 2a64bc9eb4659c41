"""The dialect of Anthropic's messages API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from standin.model import JSON, Answer, Prompt
from standin.openai import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def error(status: int, message: str) -> JSON:
    """Say what went wrong."""
    kind = "rate_limit_error" if status == 429 else "api_error"  # noqa: PLR2004 - a well-known status
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_0001"}


def parse(_path: str, body: JSON) -> Prompt:
    """Read a request for a message."""
    messages = body["messages"]
    questions = [text for message in messages if message["role"] == "user" if (text := text_of(message["content"]))]
    last = messages[-1]["content"]
    results = [part for part in last if part["type"] == "tool_result"] if isinstance(last, list) else []
    return Prompt(
        model=body["model"],
        question=questions[-1] if questions else "",
        system=text_of(body.get("system")),
        tools={tool["name"]: tool["input_schema"] for tool in body.get("tools") or ()},
        tool_result=text_of(results[-1]["content"]) if results else None,
        stream=bool(body.get("stream")),
        text=json.dumps(messages),
    )


def message(_prompt: Prompt, answer: Answer) -> JSON:
    """Write a message."""
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": _content(answer),
        "stop_reason": "tool_use" if answer.tool_calls else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": answer.input_tokens - answer.cached_tokens,  # Anthropic leaves the cached ones out
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": answer.cached_tokens,
            "output_tokens": answer.output_tokens,
            "service_tier": "standard",
        },
    }


def message_events(prompt: Prompt, answer: Answer) -> Iterator[tuple[str, str]]:
    """Write a message event by event."""
    whole = message(prompt, answer)
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    events: list[JSON] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(whole["content"]):
        if block["type"] == "text":
            start = {**block, "text": ""}
            deltas: list[JSON] = [{"type": "text_delta", "text": word} for word in answer.words]
        else:
            start = {**block, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append(
        {
            "type": "message_delta",
            "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
            "usage": {"output_tokens": answer.output_tokens},
        },
    )
    events.append({"type": "message_stop"})
    for event in events:
        yield event["type"], json.dumps(event)


def _content(answer: Answer) -> list[JSON]:
    if answer.tool_calls:
        return [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
            for call in answer.tool_calls
        ]
    return [{"type": "text", "text": answer.text}]
