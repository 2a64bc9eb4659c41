"""One exchange as the bodies of each provider's API, and one tool call in the shape of each."""

from __future__ import annotations

import json
from typing import Any

MODEL, ANSWERED = "gpt-5.4-mini", "gpt-5.4-mini-2026-03-17"
SYSTEM, QUESTION, ANSWER = "Answer in one sentence.", "What is the capital of France?", "Paris is its capital."
ARGUMENTS = {"city": "Paris", "days": 2}
INPUT, OUTPUT, CACHED = 1201, 34, 1024

_ASKED = {"role": "user", "content": QUESTION}
_CHAT = {"model": MODEL, "messages": [{"role": "system", "content": SYSTEM}, _ASKED]}
_SAID = {"role": "assistant", "content": ANSWER}

BODIES: dict[str, tuple[Any, Any]] = {
    "openai": (
        _CHAT,
        {
            "id": "r-1",
            "object": "chat.completion",
            "model": ANSWERED,
            "choices": [{"index": 0, "message": _SAID, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": INPUT,
                "completion_tokens": OUTPUT,
                "total_tokens": INPUT + OUTPUT,
                "prompt_tokens_details": {"cached_tokens": CACHED},
            },
        },
    ),
    "responses": (
        {"model": MODEL, "instructions": SYSTEM, "input": QUESTION},
        {
            "id": "r-1",
            "object": "response",
            "model": ANSWERED,
            "status": "completed",
            "output": [
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ANSWER}]},
            ],
            "usage": {
                "input_tokens": INPUT,
                "output_tokens": OUTPUT,
                "total_tokens": INPUT + OUTPUT,
                "input_tokens_details": {"cached_tokens": CACHED},
            },
        },
    ),
    "anthropic": (
        {"model": MODEL, "system": SYSTEM, "max_tokens": 9, "messages": [_ASKED]},
        {
            "id": "r-1",
            "type": "message",
            "role": "assistant",
            "model": ANSWERED,
            "content": [{"type": "text", "text": ANSWER}],
            "stop_reason": "end_turn",
            "usage": {
                "input_tokens": INPUT - CACHED,
                "output_tokens": OUTPUT,
                "cache_read_input_tokens": CACHED,
                "cache_creation_input_tokens": 0,
            },
        },
    ),
    "gemini": (
        {
            "model": MODEL,
            "systemInstruction": {"parts": [{"text": SYSTEM}]},
            "contents": [{"role": "user", "parts": [{"text": QUESTION}]}],
        },
        {
            "candidates": [{"content": {"role": "model", "parts": [{"text": ANSWER}]}, "finishReason": "STOP"}],
            "modelVersion": ANSWERED,
            "responseId": "r-1",
            "usageMetadata": {
                "promptTokenCount": INPUT,
                "candidatesTokenCount": OUTPUT,
                "totalTokenCount": INPUT + OUTPUT,
                "cachedContentTokenCount": CACHED,
            },
        },
    ),
    "bedrock": (
        {
            "modelId": MODEL,
            "system": [{"text": SYSTEM}],
            "messages": [{"role": "user", "content": [{"text": QUESTION}]}],
        },
        {
            "output": {"message": {"role": "assistant", "content": [{"text": ANSWER}]}},
            "stopReason": "end_turn",
            "usage": {
                "inputTokens": INPUT - CACHED,
                "outputTokens": OUTPUT,
                "cacheReadInputTokens": CACHED,
                "totalTokens": INPUT + OUTPUT,
            },
        },
    ),
    "cohere": (
        _CHAT,
        {
            "id": "r-1",
            "finish_reason": "COMPLETE",
            "message": {"role": "assistant", "content": [{"type": "text", "text": ANSWER}]},
            "usage": {"tokens": {"input_tokens": INPUT, "output_tokens": OUTPUT}},
        },
    ),
    "ollama": (
        _CHAT,
        {
            "model": ANSWERED,
            "message": _SAID,
            "done_reason": "stop",
            "prompt_eval_count": INPUT,
            "eval_count": OUTPUT,
        },
    ),
}
"""Request and response of one exchange: the same facts in each."""

CALLING: dict[str, dict[str, Any]] = {
    "openai": {
        "content": None,
        "tool_calls": [
            {"id": "c-1", "type": "function", "function": {"name": "look", "arguments": json.dumps(ARGUMENTS)}},
        ],
    },
    "anthropic": {"content": [{"type": "tool_use", "id": "c-1", "name": "look", "input": ARGUMENTS}]},
    "bedrock": {"content": [{"toolUse": {"toolUseId": "c-1", "name": "look", "input": ARGUMENTS}}]},
    "langchain": {
        "content": "",
        "tool_calls": [{"id": "c-1", "name": "look", "args": ARGUMENTS, "type": "tool_call"}],
    },
    "flat": {"content": None, "tool_calls": [{"id": "c-1", "name": "look", "arguments": json.dumps(ARGUMENTS)}]},
}
"""A message that calls one tool."""
