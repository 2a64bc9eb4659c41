"""Calls of the Mistral SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mistralai.client import Mistral
from mistralai.client.errors import MistralError

from tests.live import asking

if TYPE_CHECKING:
    from standin import StandIn

PROVIDER = "mistral_ai"


def _client(stand_in: StandIn) -> Any:
    return Mistral(api_key="none", server_url=f"{stand_in.url}/mistral")


def _ask(question: str = asking.QUESTION, system: str = asking.SYSTEM, **options: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return {"model": asking.MISTRAL_MODEL, "messages": messages, **options}


def chat(stand_in: StandIn) -> None:
    """Ask and wait."""
    _client(stand_in).chat.complete(**_ask())


def stream(stand_in: StandIn) -> None:
    """Read the answer while it is written."""
    list(_client(stand_in).chat.stream(**_ask(asking.STREAMED_QUESTION)))


async def async_chat(stand_in: StandIn) -> None:
    """Ask and await."""
    await _client(stand_in).chat.complete_async(**_ask())


async def async_stream(stand_in: StandIn) -> None:
    """Read the answer asynchronously while it is written."""
    async for _ in await _client(stand_in).chat.stream_async(**_ask(asking.STREAMED_QUESTION)):
        pass


async def parallel(stand_in: StandIn) -> None:
    """Ask the same three times at once."""
    client = _client(stand_in)
    await asyncio.gather(*(client.chat.complete_async(**_ask()) for _ in range(3)))


def tools(stand_in: StandIn) -> None:
    """Let the model call a tool, tell it the result."""
    client = _client(stand_in)
    request = _ask(asking.WEATHER_QUESTION, tools=[asking.WEATHER_FUNCTION])
    reply = client.chat.complete(**request).choices[0].message
    result = {
        "role": "tool",
        "name": "get_weather",
        "tool_call_id": reply.tool_calls[0].id,
        "content": asking.WEATHER,
    }
    request["messages"] += [reply, result]
    client.chat.complete(**request)


def error(stand_in: StandIn) -> None:
    """Be told to slow down."""
    stand_in.refuse_next()
    try:
        _client(stand_in).chat.complete(**_ask())
    except MistralError:
        return
    raise AssertionError


SCENARIOS = (chat, stream, async_chat, async_stream, parallel, tools, error)
