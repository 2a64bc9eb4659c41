"""AG2: its telemetry middleware reports agents, tools and calls.

pip install "ag2[openai]>=1"
"""

import asyncio

from ag2 import Agent
from ag2.config import OpenAIConfig
from ag2.middleware import TelemetryMiddleware

from otel_sqlite_exporter import record


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"21 °C and sunny in {city}"


async def main() -> None:
    """Ask an agent that has a tool."""
    record("traces.db")
    telemetry = TelemetryMiddleware(agent_name="weather", provider_name="openai", model_name="gpt-5.4-mini")
    agent = Agent("weather", config=OpenAIConfig("gpt-5.4-mini"), tools=[get_weather], middleware=[telemetry])
    print((await agent.ask("What is the weather in Paris?")).body)


asyncio.run(main())
