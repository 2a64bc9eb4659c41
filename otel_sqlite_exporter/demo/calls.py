"""One step as one span: attributes of the GenAI conventions, and times that add up."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from opentelemetry.trace import Status, StatusCode, set_span_in_context

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

Message: TypeAlias = dict[str, object]
Attributes: TypeAlias = "dict[str, str | int | float | bool]"

_SECOND: Final = 1_000_000_000
_CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Model:
    """A model, with its prices in US dollars per million tokens.

    Args:
        name: As asked for.
        provider: Who answers.
        dated: As answered.
        input_price: For what is not cached.
        cached_price: For what is.
        output_price: For the answer.
        tokens_per_second: How fast it answers.
    """

    name: str
    provider: str
    dated: str
    input_price: float
    cached_price: float
    output_price: float
    tokens_per_second: float


GPT: Final = Model("gpt-5.4", "openai", "gpt-5.4-2026-03-17", 1.25, 0.125, 10.0, 70)
GPT_MINI: Final = Model("gpt-5.4-mini", "openai", "gpt-5.4-mini-2026-03-17", 0.25, 0.025, 2.0, 140)
SONNET: Final = Model("claude-sonnet-5", "anthropic", "claude-sonnet-5-20260301", 3.0, 0.3, 15.0, 80)
GEMINI: Final = Model("gemini-3-flash", "gcp.gemini", "gemini-3-flash", 0.3, 0.03, 2.5, 180)
EMBEDDING: Final = Model("text-embedding-3-small", "openai", "text-embedding-3-small", 0.02, 0.02, 0.0, 1e6)


def said(role: str, *parts: dict[str, object] | str) -> Message:
    """Return a message; a text stands for a text part."""
    return {
        "role": role,
        "parts": [{"type": "text", "content": part} if isinstance(part, str) else part for part in parts],
    }


def asks(call_id: str, name: str, arguments: dict[str, object]) -> dict[str, object]:
    """Return a part that asks for a tool."""
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def answers(call_id: str, response: object) -> dict[str, object]:
    """Return a part that gives a tool's result."""
    return {"type": "tool_call_response", "id": call_id, "response": response}


@dataclass(slots=True)
class Scene:
    """One run of an application: where it is in time, and what all of its spans say.

    Args:
        tracer: Starts the spans.
        now: The time, in Unix nanoseconds; every step moves it on.
        dice: Where chance comes from.
        shared: Attributes of every span.
        context: The span that is open.
    """

    tracer: Tracer
    now: int
    dice: random.Random
    shared: Attributes = field(default_factory=dict)
    context: Context | None = None

    def wait(self, seconds: float) -> None:
        """Let time pass, a little more or less of it than was asked for."""
        self.now += int(seconds * self.dice.uniform(0.8, 1.25) * _SECOND)

    def id_of(self, prefix: str) -> str:
        """Return a new id as providers give them."""
        return f"{prefix}_{self.dice.getrandbits(64):016x}"

    @contextmanager
    def step(self, name: str, attributes: Attributes) -> Iterator[Span]:
        """Open a span around other steps; it ends when the last of them has ended."""
        outer = self.context
        span = self.tracer.start_span(
            name, context=outer, start_time=self.now, attributes={**self.shared, **attributes}
        )
        self.context = set_span_in_context(span, outer)
        try:
            yield span
        finally:
            self.context = outer
            span.end(self.now)

    def fail(self, span: Span, error_type: str, message: str) -> None:
        """Let a step fail."""
        span.set_status(Status(StatusCode.ERROR, message))
        span.set_attribute("error.type", error_type)

    def chat(
        self,
        model: Model,
        messages: Sequence[Message],
        answer: Message | None,
        *,
        system: str,
        tools: Sequence[Mapping[str, object]] = (),
        cached: int = 0,
        reasoning: int = 0,
        is_streamed: bool = False,
        failure: tuple[str, str, float] | None = None,
    ) -> None:
        """Ask a model.

        Args:
            model: Which one.
            messages: The conversation so far.
            answer: What it says; None where it fails.
            system: The instructions.
            tools: What it may ask for.
            cached: Tokens of the prompt that the provider had already seen.
            reasoning: Tokens that it thought with.
            is_streamed: Whether the answer comes in pieces.
            failure: Type, message and seconds of an error.
        """
        attributes: Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": model.provider,
            "gen_ai.request.model": model.name,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.max_tokens": 2048,
            "gen_ai.system_instructions": _json([{"type": "text", "content": system}]),
            "gen_ai.input.messages": _json(list(messages)),
        }
        if tools:
            attributes["gen_ai.tool.definitions"] = _json(list(tools))
        with self.step(f"chat {model.name}", attributes) as span:
            if failure is not None:
                self.wait(failure[2])
                self.fail(span, failure[0], failure[1])
                return
            asked = _tokens([system, *messages, *tools])
            answered = _tokens([answer]) + reasoning
            cached = min(cached, asked)
            first = 0.25 + asked / 8000 + reasoning / model.tokens_per_second
            started = self.now
            self.wait(first)
            first_nanoseconds = self.now - started
            self.wait(answered / model.tokens_per_second)
            finish = "tool_calls" if "tool_call" in _json(answer) else "stop"
            span.set_attributes(
                {
                    "gen_ai.response.model": model.dated,
                    "gen_ai.response.id": self.id_of("resp"),
                    "gen_ai.output.messages": _json([{**(answer or {}), "finish_reason": finish}]),
                    "gen_ai.response.finish_reasons": [finish],
                    "gen_ai.usage.input_tokens": asked,
                    "gen_ai.usage.output_tokens": answered,
                    "gen_ai.usage.cost": round(_cost(model, asked, cached, answered), 9),
                }
            )
            if cached:
                span.set_attribute("gen_ai.usage.cache_read.input_tokens", cached)
            if reasoning:
                span.set_attribute("gen_ai.usage.reasoning.output_tokens", reasoning)
            if is_streamed:
                span.set_attribute("gen_ai.response.time_to_first_chunk", first_nanoseconds / _SECOND)

    def tool(
        self,
        name: str,
        call_id: str,
        arguments: dict[str, object],
        result: object,
        *,
        seconds: float,
        failure: tuple[str, str] | None = None,
    ) -> None:
        """Run a tool."""
        with self.step(
            f"execute_tool {name}",
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": name,
                "gen_ai.tool.call.id": call_id,
                "gen_ai.tool.call.arguments": _json(arguments),
            },
        ) as span:
            self.wait(seconds)
            if failure is not None:
                self.fail(span, *failure)
            else:
                span.set_attribute("gen_ai.tool.call.result", result if isinstance(result, str) else _json(result))

    def embed(self, texts: Sequence[str]) -> None:
        """Turn texts into vectors."""
        tokens = _tokens(list(texts))
        with self.step(
            f"embeddings {EMBEDDING.name}",
            {
                "gen_ai.operation.name": "embeddings",
                "gen_ai.provider.name": EMBEDDING.provider,
                "gen_ai.request.model": EMBEDDING.name,
                "gen_ai.response.model": EMBEDDING.dated,
                "gen_ai.input.messages": _json([said("user", *texts)]),
                "gen_ai.usage.input_tokens": tokens,
                "gen_ai.usage.cost": _cost(EMBEDDING, tokens, 0, 0),
            },
        ):
            self.wait(0.08)

    def retrieve(self, query: str, passages: Sequence[str]) -> None:
        """Find passages."""
        with self.step(
            "retrieval passages",
            {
                "openinference.span.kind": "RETRIEVER",
                "input.value": query,
                **{
                    f"retrieval.documents.{index}.document.{key}": value
                    for index, passage in enumerate(passages)
                    for key, value in (("content", passage), ("id", f"doc-{index}"), ("score", 0.91 - index * 0.07))
                },
            },
        ):
            self.wait(0.03)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _tokens(value: object) -> int:
    return len(_json(value)) // _CHARACTERS_PER_TOKEN


def _cost(model: Model, asked: int, cached: int, answered: int) -> float:
    return (
        (asked - cached) * model.input_price + cached * model.cached_price + answered * model.output_price
    ) / 1_000_000
