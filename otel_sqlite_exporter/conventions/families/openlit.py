"""OpenLIT: GenAI keys, some of its own, and requested parameters that were never sent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.vocabulary import Family

if TYPE_CHECKING:
    from otel_sqlite_exporter.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet


def _adjust(call: Call, _sheet: Sheet, _facts: SpanFacts) -> None:
    """Withdraw counts that it made up: a stream that sent none is said to have half as many tokens as letters."""
    if not call.streaming or call.output_tokens is None:
        return
    said = "".join(str(part["content"]) for answer in call.output for part in answer.parts if part["type"] == "text")
    if call.output_tokens == math.ceil(len(said) / 2):
        call.input_tokens = call.output_tokens = call.cache_read_tokens = None
        call.cache_write_tokens = call.reasoning_tokens = call.cost_usd = call.cost_source = None


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
        "system": ("gen_ai.agent.instructions",),
    },
    scopes=("openlit",),
    adjust=_adjust,
)
