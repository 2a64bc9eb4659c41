"""MCP: an agent whose tools are a server's; calls, tools and their results are in one trace.

pip install openai-agents openinference-instrumentation-openai-agents
"""

import asyncio
import sys

from agents import Agent, Runner
from agents.mcp import MCPServerStdio
from mcp.server.mcpserver import MCPServer

from otel_sqlite_exporter import record

server = MCPServer("weather")


@server.tool()
def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"21 °C and sunny in {city}"


async def main() -> None:
    """Ask an agent that has the server's tools."""
    record("traces.db")
    async with MCPServerStdio(
        {"command": sys.executable, "args": [__file__, "serve"]}, client_session_timeout_seconds=60
    ) as tools:
        agent = Agent(name="Weather", model="gpt-5.4-mini", mcp_servers=[tools])
        answer = await Runner.run(agent, "What is the weather in Paris?")
        print(answer.final_output)


if sys.argv[1:] == ["serve"]:
    server.run()
else:
    asyncio.run(main())
