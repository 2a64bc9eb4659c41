"""Calls of the Google GenAI SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import errors, types

from tests.live import asking

if TYPE_CHECKING:
    from standin import StandIn

PROVIDER = "gcp.gemini"


def _client(stand_in: StandIn) -> Any:
    """Make a client, which closes its connections when nothing refers to it any longer."""
    return genai.Client(api_key="none", http_options=types.HttpOptions(base_url=stand_in.url))


def _ask(question: Any = asking.QUESTION, system: str = asking.SYSTEM, **options: Any) -> dict[str, Any]:
    config = types.GenerateContentConfig(system_instruction=system, **options)
    return {"model": asking.GEMINI_MODEL, "contents": question, "config": config}


_TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="Tell the weather in a city.",
            parameters_json_schema=asking.WEATHER_PARAMETERS,
        )
    ]
)


def chat(stand_in: StandIn) -> None:
    """Ask and wait."""
    client = _client(stand_in)
    client.models.generate_content(**_ask())


def cached_chat(stand_in: StandIn) -> None:
    """Ask with a system prompt that is in the provider's cache."""
    client = _client(stand_in)
    client.models.generate_content(**_ask(system=asking.LONG_SYSTEM))


def stream(stand_in: StandIn) -> None:
    """Read the answer while it is written."""
    client = _client(stand_in)
    list(client.models.generate_content_stream(**_ask(asking.STREAMED_QUESTION)))


async def async_chat(stand_in: StandIn) -> None:
    """Ask and await."""
    client = _client(stand_in)
    await client.aio.models.generate_content(**_ask())


async def async_stream(stand_in: StandIn) -> None:
    """Read the answer asynchronously while it is written."""
    client = _client(stand_in)
    async for _ in await client.aio.models.generate_content_stream(**_ask(asking.STREAMED_QUESTION)):
        pass


async def parallel(stand_in: StandIn) -> None:
    """Ask the same three times at once."""
    client = _client(stand_in)
    await asyncio.gather(*(client.aio.models.generate_content(**_ask()) for _ in range(3)))


def tools(stand_in: StandIn) -> None:
    """Let the model call a tool, tell it the result."""
    client = _client(stand_in)
    question = types.Content(role="user", parts=[types.Part.from_text(text=asking.WEATHER_QUESTION)])
    reply = client.models.generate_content(**_ask([question], tools=[_TOOL])).candidates[0].content
    result = types.Part.from_function_response(name="get_weather", response={"result": asking.WEATHER})
    history = [question, reply, types.Content(role="user", parts=[result])]
    client.models.generate_content(**_ask(history, tools=[_TOOL]))


def error(stand_in: StandIn) -> None:
    """Be told to slow down."""
    stand_in.refuse_next()
    client = _client(stand_in)
    try:
        client.models.generate_content(**_ask())
    except errors.ClientError:
        return
    raise AssertionError


SCENARIOS = (chat, cached_chat, stream, async_chat, async_stream, parallel, tools, error)
