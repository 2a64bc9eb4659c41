"""pydantic-ai: it reports its calls itself.

pip install "pydantic-ai-slim[openai]"
"""

from pydantic_ai import Agent

from otel_sqlite_exporter import record

record("traces.db")
agent = Agent("openai-chat:gpt-5.4-mini")


@agent.tool_plain
def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"21 °C and sunny in {city}"


print(agent.run_sync("What is the weather in Paris?").output)
