"""Record the Anthropic SDK: a message, a streamed message, and a tool call.

Run it:  pip install ".[examples]" && python examples/anthropic_traced.py

With ANTHROPIC_API_KEY set the calls go to the real API; without, to a stand-in on this machine. New versions of the SDK
trace themselves, so here two instrumentations report every call: the file still counts each call once.
"""

from __future__ import annotations

import os
import time
from contextlib import nullcontext

import anthropic
from opentelemetry import trace
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from show import show
from standin import StandIn

from otel_sqlite_exporter import SQLiteSpanProcessor

DATABASE = "llm_traces.db"
MODEL = "claude-haiku-4-5"


def main() -> None:
    """Set up recording, make calls, print what was recorded."""
    provider = TracerProvider(resource=Resource.create({"service.name": "anthropic-traced"}))
    provider.add_span_processor(SQLiteSpanProcessor(DATABASE))
    trace.set_tracer_provider(provider)
    AnthropicInstrumentor().instrument()

    started = time.time_ns()
    with nullcontext() if "ANTHROPIC_API_KEY" in os.environ else StandIn(pause=0.02) as stand_in:
        if stand_in is None:
            client = anthropic.Anthropic()
        else:
            client = anthropic.Anthropic(base_url=stand_in.url, api_key="none")
        message(client)
        streamed_message(client)
        tool_call(client)
    provider.shutdown()

    show(DATABASE, since=started)


def message(client: anthropic.Anthropic) -> None:
    """Ask a question."""
    client.messages.create(
        model=MODEL,
        max_tokens=200,
        system="Answer in one sentence.",
        messages=[{"role": "user", "content": "Why is the sky blue?"}],
    )


def streamed_message(client: anthropic.Anthropic) -> None:
    """Read an answer while it is written."""
    question: anthropic.types.MessageParam = {"role": "user", "content": "Write a haiku about SQLite."}
    for _event in client.messages.create(model=MODEL, max_tokens=200, messages=[question], stream=True):
        pass


def tool_call(client: anthropic.Anthropic) -> None:
    """Let the model call a function, and tell it the result."""
    weather: anthropic.types.ToolParam = {
        "name": "get_weather",
        "description": "Tell the weather in a city.",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": "What is the weather in Paris?"}]
    reply = client.messages.create(model=MODEL, max_tokens=200, messages=messages, tools=[weather])
    results: list[anthropic.types.ToolResultBlockParam] = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "21 °C and sunny."}
        for block in reply.content
        if block.type == "tool_use"
    ]
    if results:
        messages += [{"role": "assistant", "content": reply.content}, {"role": "user", "content": results}]
        client.messages.create(model=MODEL, max_tokens=200, messages=messages, tools=[weather])


if __name__ == "__main__":
    main()
