"""Calls of the OpenAI SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai

from tests.live import asking

if TYPE_CHECKING:
    from standin import StandIn

PROVIDER = "openai"


def _client(stand_in: StandIn) -> Any:
    return openai.OpenAI(base_url=f"{stand_in.url}/v1", api_key="none", max_retries=0)


def _async_client(stand_in: StandIn) -> Any:
    return openai.AsyncOpenAI(base_url=f"{stand_in.url}/v1", api_key="none", max_retries=0)


def _ask(question: str = asking.QUESTION, system: str = asking.SYSTEM, **options: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return {"model": asking.OPENAI_MODEL, "messages": messages, **options}


_STREAM: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def chat(stand_in: StandIn) -> None:
    """Ask and wait."""
    _client(stand_in).chat.completions.create(**_ask())


def cached_chat(stand_in: StandIn) -> None:
    """Ask with a system prompt that is in the provider's cache."""
    _client(stand_in).chat.completions.create(**_ask(system=asking.LONG_SYSTEM))


def stream(stand_in: StandIn) -> None:
    """Read the answer while it is written."""
    list(_client(stand_in).chat.completions.create(**_ask(asking.STREAMED_QUESTION, **_STREAM)))


async def async_chat(stand_in: StandIn) -> None:
    """Ask and await."""
    await _async_client(stand_in).chat.completions.create(**_ask())


async def async_stream(stand_in: StandIn) -> None:
    """Read the answer asynchronously while it is written."""
    async for _ in await _async_client(stand_in).chat.completions.create(**_ask(asking.STREAMED_QUESTION, **_STREAM)):
        pass


async def parallel(stand_in: StandIn) -> None:
    """Ask the same three times at once."""
    client = _async_client(stand_in)
    await asyncio.gather(*(client.chat.completions.create(**_ask()) for _ in range(3)))


def tools(stand_in: StandIn) -> None:
    """Let the model call a tool, tell it the result."""
    client = _client(stand_in)
    request = _ask(asking.WEATHER_QUESTION, tools=[asking.WEATHER_FUNCTION])
    reply = client.chat.completions.create(**request).choices[0].message
    (call,) = reply.tool_calls
    request["messages"] += [
        {"role": "assistant", "tool_calls": [call.model_dump(exclude_none=True)]},
        {"role": "tool", "tool_call_id": call.id, "content": asking.WEATHER},
    ]
    client.chat.completions.create(**request)


def streamed_tools(stand_in: StandIn) -> None:
    """Read a tool call while it is written."""
    request = _ask(asking.WEATHER_QUESTION, tools=[asking.WEATHER_FUNCTION], **_STREAM)
    list(_client(stand_in).chat.completions.create(**request))


def error(stand_in: StandIn) -> None:
    """Be told to slow down."""
    stand_in.refuse_next()
    try:
        _client(stand_in).chat.completions.create(**_ask())
    except openai.RateLimitError:
        return
    raise AssertionError


def streamed_error(stand_in: StandIn) -> None:
    """Have a stream refused."""
    stand_in.refuse_next(500, "The server had an error.")
    try:
        _client(stand_in).chat.completions.create(**_ask(**_STREAM))
    except openai.InternalServerError:
        return
    raise AssertionError


def embeddings(stand_in: StandIn) -> None:
    """Ask for a vector."""
    _client(stand_in).embeddings.create(model=asking.EMBEDDING_MODEL, input=asking.QUESTION)


def response(stand_in: StandIn) -> None:
    """Ask through the responses API."""
    _client(stand_in).responses.create(
        model=asking.OPENAI_MODEL, instructions=asking.SYSTEM, input=[{"role": "user", "content": asking.QUESTION}]
    )


def streamed_response(stand_in: StandIn) -> None:
    """Read the answer of the responses API while it is written."""
    list(
        _client(stand_in).responses.create(
            model=asking.OPENAI_MODEL, instructions=asking.SYSTEM, input=asking.STREAMED_QUESTION, stream=True
        )
    )


def response_tools(stand_in: StandIn) -> None:
    """Let the model call a tool through the responses API."""
    tool = {"type": "function", **asking.WEATHER_FUNCTION["function"]}
    _client(stand_in).responses.create(model=asking.OPENAI_MODEL, input=asking.WEATHER_QUESTION, tools=[tool])


SCENARIOS = (
    chat,
    cached_chat,
    stream,
    async_chat,
    async_stream,
    parallel,
    tools,
    streamed_tools,
    error,
    streamed_error,
    embeddings,
    response,
    streamed_response,
    response_tools,
)
