"""The dialect of OpenAI: chat completions (also spoken by Mistral and many others), responses and embeddings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from standin.model import JSON, Answer, Prompt

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREATED = 1_767_225_600


def error(status: int, message: str) -> JSON:
    """Say what went wrong."""
    kind = "rate_limit_exceeded" if status == 429 else "server_error"  # noqa: PLR2004 - a well-known status
    return {"error": {"message": message, "type": kind, "param": None, "code": kind}}


def parse_chat(_path: str, body: JSON) -> Prompt:
    """Read a chat completion request."""
    messages = body["messages"]
    users = [text_of(message["content"]) for message in messages if message["role"] == "user"]
    systems = [text_of(message["content"]) for message in messages if message["role"] in {"system", "developer"}]
    last = messages[-1]
    return Prompt(
        model=body["model"],
        question=users[-1] if users else "",
        system="\n".join(systems),
        tools={tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in body.get("tools") or ()},
        tool_result=text_of(last["content"]) if last["role"] == "tool" else None,
        stream=bool(body.get("stream")),
        text=json.dumps([message for message in messages if message["role"] not in {"system", "developer"}]),
    )


def text_of(content: str | list[JSON] | None) -> str:
    """Join the text parts of a message's content."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content or ())


def chat(_prompt: Prompt, answer: Answer) -> JSON:
    """Write a chat completion."""
    message: JSON = {"role": "assistant", "content": answer.text or None}
    if answer.tool_calls:
        message["tool_calls"] = _tool_calls(answer)
    choice: JSON = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(answer)}
    return {
        "id": f"chatcmpl-{answer.id}",
        "object": "chat.completion",
        "created": _CREATED,
        "model": answer.model,
        "choices": [choice],
        "usage": _chat_usage(answer),
    }


def chat_events(_prompt: Prompt, answer: Answer) -> Iterator[tuple[None, str]]:
    """Write a chat completion in chunks, the usage last."""
    calls = [{"index": index, **call} for index, call in enumerate(_tool_calls(answer))]
    deltas: list[JSON] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in answer.words if word]
    deltas += [{"tool_calls": [call]} for call in calls]
    choices: list[JSON] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": _finish_reason(answer)})
    chunk: JSON = {
        "id": f"chatcmpl-{answer.id}",
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": answer.model,
    }
    for choice in choices:
        yield None, json.dumps({**chunk, "choices": [choice], "usage": None})
    yield None, json.dumps({**chunk, "choices": [], "usage": _chat_usage(answer)})
    yield None, "[DONE]"


def _tool_calls(answer: Answer) -> list[JSON]:
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
        }
        for call in answer.tool_calls
    ]


def _finish_reason(answer: Answer) -> str:
    return "tool_calls" if answer.tool_calls else "stop"


def _chat_usage(answer: Answer) -> JSON:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def parse_embeddings(_path: str, body: JSON) -> Prompt:
    """Read an embeddings request."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    return Prompt(model=body["model"], question=str(texts[0]), text="".join(map(str, texts)), inputs=len(texts))


def embeddings(prompt: Prompt, answer: Answer) -> JSON:
    """Write small, fixed vectors."""
    return {
        "object": "list",
        "model": answer.model,
        "data": [
            {"object": "embedding", "index": index, "embedding": [0.1, 0.2, 0.3]} for index in range(prompt.inputs)
        ],
        "usage": {"prompt_tokens": answer.input_tokens, "total_tokens": answer.input_tokens},
    }


def parse_response(_path: str, body: JSON) -> Prompt:
    """Read a request to the responses API."""
    given = body["input"]
    items: list[JSON] = [{"role": "user", "content": given}] if isinstance(given, str) else given
    users = [text_of(item["content"]) for item in items if item.get("role") == "user"]
    last = items[-1]
    return Prompt(
        model=body["model"],
        question=users[-1] if users else "",
        system=body.get("instructions") or "",
        tools={tool["name"]: tool.get("parameters") or {} for tool in body.get("tools") or ()},
        tool_result=str(last["output"]) if last.get("type") == "function_call_output" else None,
        stream=bool(body.get("stream")),
        text=json.dumps(items),
    )


def response(prompt: Prompt, answer: Answer) -> JSON:
    """Write a response."""
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": _CREATED,
        "status": "completed",
        "model": answer.model,
        "instructions": prompt.system or None,
        "output": _output_items(answer),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "metadata": {},
        "usage": {
            "input_tokens": answer.input_tokens,
            "input_tokens_details": {"cached_tokens": answer.cached_tokens},
            "output_tokens": answer.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": answer.input_tokens + answer.output_tokens,
        },
    }


def response_events(prompt: Prompt, answer: Answer) -> Iterator[tuple[str, str]]:
    """Write a response event by event."""
    whole = response(prompt, answer)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[JSON] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(whole["output"]):
        place: JSON = {"output_index": index, "item_id": item["id"]}
        events.append({"type": "response.output_item.added", "output_index": index, "item": {**item, "content": []}})
        if item["type"] == "message":
            place["content_index"] = 0
            empty = {"type": "output_text", "text": "", "annotations": []}
            events.append({"type": "response.content_part.added", **place, "part": empty})
            events += [{"type": "response.output_text.delta", **place, "delta": word} for word in answer.words]
            events.append({"type": "response.output_text.done", **place, "text": answer.text})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": whole})
    for number, event in enumerate(events):
        yield event["type"], json.dumps({**event, "sequence_number": number})


def _output_items(answer: Answer) -> list[JSON]:
    calls: list[JSON] = [
        {
            "type": "function_call",
            "id": f"fc_{answer.id}",
            "call_id": call.id,
            "name": call.name,
            "arguments": json.dumps(call.arguments),
            "status": "completed",
        }
        for call in answer.tool_calls
    ]
    if calls:
        return calls
    text = {"type": "output_text", "text": answer.text, "annotations": []}
    return [
        {"type": "message", "id": f"msg_{answer.id}", "role": "assistant", "status": "completed", "content": [text]}
    ]
