"""The dialect of Cohere's second chat API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from standin import openai

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.model import JSON, Answer, Prompt


def error(_status: int, message: str) -> JSON:
    """Say what went wrong."""
    return {"id": "00000000-0000-0000-0000-000000000001", "message": message}


parse = openai.parse_chat


def chat(_prompt: Prompt, answer: Answer) -> JSON:
    """Write a chat response."""
    message: JSON = {"role": "assistant"}
    if answer.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in answer.tool_calls
        ]
    else:
        message["content"] = [{"type": "text", "text": answer.text}]
    return {
        "id": f"co-{answer.id}",
        "finish_reason": _finish_reason(answer),
        "message": message,
        "usage": _usage(answer),
    }


def chat_events(prompt: Prompt, answer: Answer) -> Iterator[tuple[str, str]]:
    """Write a chat response event by event."""
    whole = chat(prompt, answer)
    start = {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}
    events: list[JSON] = [{"type": "message-start", "id": whole["id"], "delta": start}]
    if answer.tool_calls:
        for index, call in enumerate(whole["message"]["tool_calls"]):
            delta: JSON = {"message": {"tool_calls": call}}
            events.append({"type": "tool-call-start", "index": index, "delta": delta})
            events.append({"type": "tool-call-end", "index": index})
    else:
        empty = {"message": {"content": {"type": "text", "text": ""}}}
        events.append({"type": "content-start", "index": 0, "delta": empty})
        for word in answer.words:
            piece = {"message": {"content": {"text": word}}}
            events.append({"type": "content-delta", "index": 0, "delta": piece})
        events.append({"type": "content-end", "index": 0})
    end = {"finish_reason": whole["finish_reason"], "usage": whole["usage"]}
    events.append({"type": "message-end", "id": whole["id"], "delta": end})
    for event in events:
        yield event["type"], json.dumps(event)


def _finish_reason(answer: Answer) -> str:
    return "TOOL_CALL" if answer.tool_calls else "COMPLETE"


def _usage(answer: Answer) -> JSON:
    tokens = {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    return {"billed_units": tokens, "tokens": tokens}
