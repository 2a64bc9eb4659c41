"""Calls of LangChain, with OpenAI's models, and an agent of LangGraph."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from tests.live import asking

if TYPE_CHECKING:
    from standin import StandIn

PROVIDER = "openai"


def _model(stand_in: StandIn) -> Any:
    options: dict[str, Any] = {"base_url": f"{stand_in.url}/v1", "api_key": "none", "max_retries": 0}
    return ChatOpenAI(model=asking.OPENAI_MODEL, stream_usage=True, **options)


def _ask(question: str = asking.QUESTION) -> list[tuple[str, str]]:
    return [("system", asking.SYSTEM), ("user", question)]


def chat(stand_in: StandIn) -> None:
    """Ask and wait."""
    _model(stand_in).invoke(_ask())


def stream(stand_in: StandIn) -> None:
    """Read the answer while it is written."""
    list(_model(stand_in).stream(_ask(asking.STREAMED_QUESTION)))


async def async_chat(stand_in: StandIn) -> None:
    """Ask and await."""
    await _model(stand_in).ainvoke(_ask())


async def async_stream(stand_in: StandIn) -> None:
    """Read the answer asynchronously while it is written."""
    async for _ in _model(stand_in).astream(_ask(asking.STREAMED_QUESTION)):
        pass


async def parallel(stand_in: StandIn) -> None:
    """Ask the same three times at once."""
    model = _model(stand_in)
    await asyncio.gather(*(model.ainvoke(_ask()) for _ in range(3)))


def agent(stand_in: StandIn) -> None:
    """Run an agent that has a tool."""
    runner: Any = create_agent(_model(stand_in), tools=[tool(asking.get_weather)], system_prompt=asking.SYSTEM)
    runner.invoke({"messages": [("user", asking.WEATHER_QUESTION)]})


def error(stand_in: StandIn) -> None:
    """Be told to slow down."""
    stand_in.refuse_next()
    try:
        _model(stand_in).invoke(_ask())
    except openai.RateLimitError:
        return
    raise AssertionError


SCENARIOS = (chat, stream, async_chat, async_stream, parallel, agent, error)
