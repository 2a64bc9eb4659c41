"""Calls of the Anthropic SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anthropic

from tests.live import asking

if TYPE_CHECKING:
    from standin import StandIn

PROVIDER = "anthropic"


def _client(stand_in: StandIn) -> Any:
    return anthropic.Anthropic(base_url=stand_in.url, api_key="none", max_retries=0)


def _async_client(stand_in: StandIn) -> Any:
    return anthropic.AsyncAnthropic(base_url=stand_in.url, api_key="none", max_retries=0)


def _ask(question: str = asking.QUESTION, system: str = asking.SYSTEM, **options: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}]
    return {"model": asking.ANTHROPIC_MODEL, "max_tokens": 100, "system": system, "messages": messages, **options}


_TOOL: dict[str, Any] = {
    "name": "get_weather",
    "description": "Tell the weather in a city.",
    "input_schema": asking.WEATHER_PARAMETERS,
}


def chat(stand_in: StandIn) -> None:
    """Ask and wait."""
    _client(stand_in).messages.create(**_ask())


def cached_chat(stand_in: StandIn) -> None:
    """Ask with a system prompt that is in the provider's cache."""
    system: Any = [{"type": "text", "text": asking.LONG_SYSTEM, "cache_control": {"type": "ephemeral"}}]
    _client(stand_in).messages.create(**_ask(system=system))


def stream(stand_in: StandIn) -> None:
    """Read the answer while it is written."""
    list(_client(stand_in).messages.create(**_ask(asking.STREAMED_QUESTION, stream=True)))


def stream_manager(stand_in: StandIn) -> None:
    """Read the answer through the SDK's helper for streams."""
    with _client(stand_in).messages.stream(**_ask(asking.STREAMED_QUESTION)) as events:
        events.get_final_message()


async def async_chat(stand_in: StandIn) -> None:
    """Ask and await."""
    await _async_client(stand_in).messages.create(**_ask())


async def async_stream(stand_in: StandIn) -> None:
    """Read the answer asynchronously while it is written."""
    async for _ in await _async_client(stand_in).messages.create(**_ask(asking.STREAMED_QUESTION, stream=True)):
        pass


async def parallel(stand_in: StandIn) -> None:
    """Ask the same three times at once."""
    client = _async_client(stand_in)
    await asyncio.gather(*(client.messages.create(**_ask()) for _ in range(3)))


def tools(stand_in: StandIn) -> None:
    """Let the model call a tool, tell it the result."""
    client = _client(stand_in)
    request = _ask(asking.WEATHER_QUESTION, tools=[_TOOL])
    reply = client.messages.create(**request)
    (call,) = reply.content
    result = {"type": "tool_result", "tool_use_id": call.id, "content": asking.WEATHER}
    request["messages"] += [{"role": "assistant", "content": reply.content}, {"role": "user", "content": [result]}]
    client.messages.create(**request)


def streamed_tools(stand_in: StandIn) -> None:
    """Read a tool call while it is written."""
    list(_client(stand_in).messages.create(**_ask(asking.WEATHER_QUESTION, tools=[_TOOL], stream=True)))


def error(stand_in: StandIn) -> None:
    """Be told to slow down."""
    stand_in.refuse_next()
    try:
        _client(stand_in).messages.create(**_ask())
    except anthropic.RateLimitError:
        return
    raise AssertionError


def streamed_error(stand_in: StandIn) -> None:
    """Have a stream refused."""
    stand_in.refuse_next(500, "The server had an error.")
    try:
        _client(stand_in).messages.create(**_ask(stream=True))
    except anthropic.InternalServerError:
        return
    raise AssertionError


SCENARIOS = (
    chat,
    cached_chat,
    stream,
    stream_manager,
    async_chat,
    async_stream,
    parallel,
    tools,
    streamed_tools,
    error,
    streamed_error,
)
