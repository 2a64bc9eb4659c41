"""OpenAI Agents.

pip install openai-agents openinference-instrumentation-openai-agents
"""

from agents import Agent, Runner, function_tool

from otel_sqlite_exporter import record

record("traces.db")


@function_tool
def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"21 °C and sunny in {city}"


print(
    Runner.run_sync(Agent(name="Weather", model="gpt-5.4-mini", tools=[get_weather]), "What is the weather in Paris?")
)
