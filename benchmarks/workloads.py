"""Ended spans as real instrumentations make them, for every measurement to use the same ones."""

from __future__ import annotations

import json
import random
from itertools import count
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import Span, SpanKind, set_span_in_context

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPENAI_SCOPE: Final = "opentelemetry.instrumentation.openai_v2"

_WORDS: Final = [
    "the",
    "model",
    "answers",
    "every",
    "question",
    "about",
    "invoices",
    "with",
    "one",
    "short",
    "paragraph",
    "and",
    "a",
    "table",
    "of",
    "the",
    "amounts",
    "that",
    "were",
    "due",
    "last",
    "quarter",
    "while",
    "customers",
    "wait",
    "for",
    "refunds",
    "and",
    "shipping",
    "dates",
    "in",
    "several",
    "countries",
]

_TURNS: Final = 20
_serial = count(1)


class Collector(SpanProcessor):
    """Keep the spans that end."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep the span."""
        self.spans.append(span)


def prose(characters: int, seed: int) -> str:
    """Return text of a given length that no other seed gives."""
    dice = random.Random(seed)
    words = [f"#{seed}"]
    length = len(words[0])
    while length < characters:
        word = dice.choice(_WORDS)
        words.append(word)
        length += 1 + len(word)
    return " ".join(words)[:characters]


def message(role: str, text: str, **more: str) -> dict[str, object]:
    """Return a message in the GenAI form."""
    return {"role": role, "parts": [{"type": "text", "content": text}], **more}


def chat_attributes(messages: Sequence[dict[str, object]], answer: str) -> dict[str, object]:
    """Return what the GenAI conventions say of a chat, with its content."""
    serial = next(_serial)
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 1024,
        "server.address": "api.openai.com",
        "server.port": 443,
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": f"chatcmpl-{serial:024x}",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 100 + serial % 1000,
        "gen_ai.usage.output_tokens": 10 + serial % 100,
        "gen_ai.input.messages": json.dumps(messages),
        "gen_ai.output.messages": json.dumps([message("assistant", answer, finish_reason="stop")]),
    }


def short_chat(index: int) -> dict[str, object]:
    """Return a system prompt that all share, a question of 1,500 characters and an answer of 300."""
    return chat_attributes(
        [message("system", "You are a helpful assistant."), message("user", prose(1500, index))],
        prose(300, -index),
    )


def long_prompt(index: int) -> dict[str, object]:
    """Return a question of 4,000 characters and an answer of 2,500: both longer than hashlib takes with the GIL."""
    return chat_attributes([message("user", prose(4000, index))], prose(2500, -index))


def long_chat(index: int) -> dict[str, object]:
    """Return a chat of 20 messages, none of them seen before."""
    roles = ("user", "assistant")
    return chat_attributes([message(roles[i % 2], prose(400, index * 20 + i)) for i in range(19)], prose(300, -index))


def rag_prompt(index: int) -> dict[str, object]:
    """Return a question with 200 kB of retrieved text around it."""
    return chat_attributes([message("user", _RAG_CONTEXT + prose(500, index))], prose(300, -index))


def agent_turn(index: int) -> dict[str, object]:
    """Return a turn of an agent: eight tools offered, four calls made and answered, two more wanted."""
    calls: list[dict[str, object]] = [
        {
            "type": "tool_call",
            "id": f"call_{index}_{i}",
            "name": f"tool_{i}",
            "arguments": {"query": prose(80, index + i)},
        }
        for i in range(6)
    ]
    results: list[dict[str, object]] = [
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": f"call_{index}_{i}", "response": prose(300, index * 4 + i)}],
        }
        for i in range(4)
    ]
    messages: list[dict[str, object]] = [
        message("system", "You are an agent with tools."),
        message("user", prose(300, index)),
        {"role": "assistant", "parts": calls[:4]},
        *results,
    ]
    attributes = chat_attributes(messages, "")
    attributes["gen_ai.output.messages"] = json.dumps(
        [{"role": "assistant", "parts": list(calls[4:]), "finish_reason": "tool_calls"}]
    )
    attributes["gen_ai.tool.definitions"] = _TOOLS
    return attributes


def conversation_turn(turn: int, conversation: int, characters: int = 400) -> dict[str, object]:
    """Return turn ``turn`` (from 0) of a chat that sends its whole history every time."""
    roles = ("user", "assistant")
    history = [message(roles[i % 2], prose(characters, conversation * 1000 + i)) for i in range(2 * turn + 1)]
    answer = prose(characters, conversation * 1000 + 2 * turn + 1)
    return chat_attributes([message("system", "You are a helpful assistant."), *history], answer)


def history(index: int) -> dict[str, object]:
    """Return the turns of one chat after another, 20 turns each, every one sending the messages of those before."""
    return conversation_turn(index % _TURNS, index // _TURNS)


def http_call(index: int) -> dict[str, object]:
    """Return what an HTTP instrumentation says: a span that is not recorded."""
    return {
        "http.request.method": "GET",
        "url.full": f"https://example.com/{index}",
        "http.response.status_code": 200,
        "server.address": "example.com",
        "server.port": 443,
        "network.protocol.version": "1.1",
        "user_agent.original": "python-httpx",
        "http.route": "/{index}",
    }


WORKLOADS: Final[dict[str, Callable[[int], dict[str, object]]]] = {
    "short chat": short_chat,
    "20-message chat": long_chat,
    "20-turn history": history,
    "200 kB RAG prompt": rag_prompt,
    "tool-heavy agent turn": agent_turn,
}


def ended_spans(
    make: Callable[[int], dict[str, object]],
    number: int,
    *,
    name: str = "chat gpt-4o",
    scope: str = OPENAI_SCOPE,
    spans_per_trace: int = 1,
) -> list[ReadableSpan]:
    """Return ended spans of the SDK."""
    collector = Collector()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(collector)
    tracer = provider.get_tracer(scope, "1.0")
    start = next(_serial) * 1_000_000
    parent: Span | None = None
    for index in range(start, start + number):
        if index % spans_per_trace == 0:
            parent = None
        context = None if parent is None else set_span_in_context(parent)
        span = tracer.start_span(name, context, SpanKind.CLIENT, make(index))  # type: ignore[arg-type]
        span.end()
        parent = parent or span
    return collector.spans


_RAG_CONTEXT: Final = prose(200_000, 7)
_TOOLS: Final = json.dumps(
    [
        {
            "type": "function",
            "name": f"tool_{i}",
            "description": prose(120, i),
            "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        }
        for i in range(8)
    ]
)
