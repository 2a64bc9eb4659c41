"""OpenLIT: GenAI keys, some of its own, and requested parameters that were never sent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.call import Message
from otel_sqlite_exporter.conventions.vocabulary import Family

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, Part, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet


_ROLE: Final = 12
"""Made-up tokens of a message's role at most, which is counted with its text."""

_NOTHING: Final[list[Part]] = [{"type": "text", "content": "None"}]


def _adjust(call: Call, _sheet: Sheet, _facts: SpanFacts) -> None:
    """Take back made-up answers and counts."""
    if len(call.output) == 1 and call.output[0].parts[:1] == _NOTHING:
        answer = call.output[0]  # what is called stands beside it
        called = answer.parts[1:]
        call.output = [Message(answer.role, called, answer.finish_reason)] if called else []
    _withdraw_counts(call)


def _withdraw_counts(call: Call) -> None:
    """Withdraw counts that it made up: a stream that sent none is said to have half as many tokens as letters.

    Both counts must show it: an answer of a token or two may well have half as many tokens as letters.
    """
    if not call.streaming or call.output_tokens is None or call.output_tokens != math.ceil(_letters(call.output) / 2):
        return
    asked = [*call.system, *call.input]
    letters = _letters(asked)
    if letters and math.ceil(letters / 2) <= (call.input_tokens or 0) <= math.ceil(letters / 2) + len(asked) * _ROLE:
        call.input_tokens = call.output_tokens = call.cache_read_tokens = None
        call.cache_write_tokens = call.reasoning_tokens = call.cost_usd = call.cost_source = None


def _letters(messages: list[Message]) -> int:
    return sum(len(str(part["content"])) for message in messages for part in message.parts if part["type"] == "text")


OPENLIT: Final = Family(
    name="openlit",
    columns={
        "total_tokens": ("gen_ai.client.token.usage",),
        "reasoning_tokens": ("gen_ai.usage.completion_tokens_details.reasoning",),
        "cache_read_tokens": ("gen_ai.usage.prompt_tokens_details.cache_read",),
        "cache_write_tokens": ("gen_ai.usage.prompt_tokens_details.cache_write",),
        "tool_name": ("gen_ai.agent.tool.name",),
        "step": ("gen_ai.type",),
    },
    contents={
        "input": ("gen_ai.content.prompt", "gen_ai.agent.input", "gen_ai.workflow.input"),
        "output": ("gen_ai.content.completion", "gen_ai.agent.output", "gen_ai.workflow.output"),
        "output_calls": ("gen_ai.response.tool_calls",),
        "system": ("gen_ai.agent.instructions",),
    },
    scopes=("openlit",),
    adjust=_adjust,
)
