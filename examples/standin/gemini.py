"""The dialect of Gemini's generateContent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from standin.model import JSON, Answer, Prompt
from standin.openai import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARAMETERS = ("parameters", "parametersJsonSchema", "parameters_json_schema")


def error(status: int, message: str) -> JSON:
    """Say what went wrong."""
    kind = "RESOURCE_EXHAUSTED" if status == 429 else "INTERNAL"  # noqa: PLR2004 - a well-known status
    return {"error": {"code": status, "message": message, "status": kind}}


def parse(path: str, body: JSON) -> Prompt:
    """Read a request to generate content."""
    contents = body["contents"]
    questions = [text for content in contents if (text := text_of(content["parts"]))]
    results = [part["functionResponse"] for part in contents[-1]["parts"] if "functionResponse" in part]
    functions = [function for tool in body.get("tools") or () for function in tool.get("functionDeclarations") or ()]
    model, _, method = path.rpartition("/")[2].partition(":")
    return Prompt(
        model=model,
        question=questions[-1] if questions else "",
        system=text_of((body.get("systemInstruction") or {}).get("parts")),
        tools={
            function["name"]: next((function[key] for key in _PARAMETERS if key in function), {})
            for function in functions
        },
        tool_result=str(results[-1]["response"].get("result")) if results else None,
        stream=method == "streamGenerateContent",
        text=json.dumps(contents),
    )


def content(_prompt: Prompt, answer: Answer) -> JSON:
    """Write generated content."""
    calls: list[JSON] = [
        {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}} for call in answer.tool_calls
    ]
    return _chunk(answer, calls or [{"text": answer.text}], last=True)


def content_events(prompt: Prompt, answer: Answer) -> Iterator[tuple[None, str]]:
    """Write generated content in chunks."""
    if answer.tool_calls:
        yield None, json.dumps(content(prompt, answer))
        return
    for word in answer.words[:-1]:
        yield None, json.dumps(_chunk(answer, [{"text": word}], last=False))
    yield None, json.dumps(_chunk(answer, [{"text": answer.words[-1]}], last=True))


def _chunk(answer: Answer, parts: list[JSON], *, last: bool) -> JSON:
    candidate: JSON = {"index": 0, "content": {"role": "model", "parts": parts}}
    if last:
        candidate["finishReason"] = "STOP"
    usage = {
        "promptTokenCount": answer.input_tokens,
        "candidatesTokenCount": answer.output_tokens,
        "totalTokenCount": answer.input_tokens + answer.output_tokens,
    }
    if answer.cached_tokens:
        usage["cachedContentTokenCount"] = answer.cached_tokens
    return {
        "responseId": f"gen-{answer.id}",
        "modelVersion": answer.model,
        "candidates": [candidate],
        "usageMetadata": usage,
    }
