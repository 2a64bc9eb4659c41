"""The dialect of Mistral: OpenAI's, but for a stream's last chunk, which has the usage beside the finish reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from standin import openai

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.model import JSON, Answer, Prompt

parse = openai.parse_chat
chat = openai.chat


def error(_status: int, message: str) -> JSON:
    """Say what went wrong."""
    return {"object": "error", "message": message, "type": "rate_limited", "param": None, "code": "1300"}


def chat_events(prompt: Prompt, answer: Answer) -> Iterator[tuple[None, str]]:
    """Write a chat completion in chunks."""
    *chunks, finish, usage, _done = (data for _, data in openai.chat_events(prompt, answer))
    for chunk in chunks:
        yield None, chunk
    yield None, json.dumps({**json.loads(finish), "usage": json.loads(usage)["usage"]})
    yield None, "[DONE]"
