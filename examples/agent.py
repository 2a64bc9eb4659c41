"""Record an agent with a tool: the agent's run, its model calls and its tool calls are one trace.

Run it:  pip install ".[examples]" && python examples/agent.py

The agent is a Pydantic AI one, which traces itself. With OPENAI_API_KEY set it talks to the real API, without, to a
stand-in on this machine.
"""

from __future__ import annotations

import os
import time
from contextlib import nullcontext

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from show import show, show_tree
from standin import StandIn

from otel_sqlite_exporter import SQLiteSpanProcessor

DATABASE = "llm_traces.db"


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"21 °C and sunny in {city}."


def main() -> None:
    """Set up recording, run the agent, print what was recorded."""
    provider = TracerProvider(resource=Resource.create({"service.name": "agent"}))
    provider.add_span_processor(SQLiteSpanProcessor(DATABASE))
    Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))

    started = time.time_ns()
    with nullcontext() if "OPENAI_API_KEY" in os.environ else StandIn(pause=0.02) as stand_in:
        api = OpenAIProvider() if stand_in is None else OpenAIProvider(base_url=f"{stand_in.url}/v1", api_key="none")
        agent = Agent(
            OpenAIChatModel("gpt-5.4-mini", provider=api),
            name="weather_agent",
            instructions="Use the tool. Answer in one sentence.",
            tools=[get_weather],
        )
        agent.run_sync("What is the weather in Paris?")
    provider.shutdown()

    show(DATABASE, since=started)
    show_tree(DATABASE)


if __name__ == "__main__":
    main()
