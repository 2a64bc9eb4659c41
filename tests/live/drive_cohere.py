"""Calls of the Cohere SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cohere

from tests.live import asking

if TYPE_CHECKING:
    from standin import StandIn

PROVIDER = "cohere"
UNTOLD = {"response_model"}  # this API does not say which model answered


def _client(stand_in: StandIn) -> Any:
    return cohere.ClientV2(api_key="none", base_url=stand_in.url)


def _async_client(stand_in: StandIn) -> Any:
    return cohere.AsyncClientV2(api_key="none", base_url=stand_in.url)


def _ask(question: str = asking.QUESTION, **options: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": asking.SYSTEM}, {"role": "user", "content": question}]
    return {
        "model": asking.COHERE_MODEL,
        "messages": messages,
        "request_options": {"max_retries": 0},
        **options,
    }


def chat(stand_in: StandIn) -> None:
    """Ask and wait."""
    _client(stand_in).chat(**_ask())


def stream(stand_in: StandIn) -> None:
    """Read the answer while it is written."""
    list(_client(stand_in).chat_stream(**_ask(asking.STREAMED_QUESTION)))


async def async_chat(stand_in: StandIn) -> None:
    """Ask and await."""
    await _async_client(stand_in).chat(**_ask())


def tools(stand_in: StandIn) -> None:
    """Let the model call a tool, tell it the result."""
    client = _client(stand_in)
    request = _ask(asking.WEATHER_QUESTION, tools=[asking.WEATHER_FUNCTION])
    (call,) = client.chat(**request).message.tool_calls
    request["messages"] += [
        {"role": "assistant", "tool_calls": [call.model_dump(exclude_none=True)]},
        {"role": "tool", "tool_call_id": call.id, "content": asking.WEATHER},
    ]
    client.chat(**request)


def error(stand_in: StandIn) -> None:
    """Be told to slow down."""
    stand_in.refuse_next()
    try:
        _client(stand_in).chat(**_ask())
    except cohere.TooManyRequestsError:
        return
    raise AssertionError


SCENARIOS = (chat, stream, async_chat, tools, error)
