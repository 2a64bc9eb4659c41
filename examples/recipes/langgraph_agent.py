"""LangChain and LangGraph: the graph, its nodes, the model calls and the tools are one trace.

pip install langchain langchain-openai openinference-instrumentation-langchain
"""

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from otel_sqlite_exporter import record

record("traces.db")


@tool
def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"21 °C and sunny in {city}"


agent = create_agent(ChatOpenAI(model="gpt-5.4-mini"), tools=[get_weather])
print(agent.invoke({"messages": [("user", "What is the weather in Paris?")]})["messages"][-1].content)
