"""Runs of a Pydantic AI agent, with OpenAI's models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.live import asking

if TYPE_CHECKING:
    from standin import StandIn

PROVIDER = "openai"


def _agent(stand_in: StandIn, **options: Any) -> Any:
    client = openai.AsyncOpenAI(base_url=f"{stand_in.url}/v1", api_key="none", max_retries=0)
    model = OpenAIChatModel(asking.OPENAI_MODEL, provider=OpenAIProvider(openai_client=client))
    return Agent(model, instructions=asking.SYSTEM, **options)


async def chat(stand_in: StandIn) -> None:
    """Ask and wait."""
    await _agent(stand_in).run(asking.QUESTION)


async def stream(stand_in: StandIn) -> None:
    """Read the answer while it is written."""
    async with _agent(stand_in).run_stream(asking.STREAMED_QUESTION) as result:
        async for _ in result.stream_text():
            pass


async def parallel(stand_in: StandIn) -> None:
    """Ask the same three times at once."""
    agents = [_agent(stand_in) for _ in range(3)]
    await asyncio.gather(*(each.run(asking.QUESTION) for each in agents))


async def agent(stand_in: StandIn) -> None:
    """Run an agent that has a tool."""
    await _agent(stand_in, tools=[asking.get_weather]).run(asking.WEATHER_QUESTION)


async def error(stand_in: StandIn) -> None:
    """Be told to slow down."""
    stand_in.refuse_next()
    try:
        await _agent(stand_in).run(asking.QUESTION)
    except ModelHTTPError:
        return
    raise AssertionError


SCENARIOS = (chat, stream, parallel, agent, error)
