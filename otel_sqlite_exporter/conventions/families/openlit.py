"""OpenLIT: GenAI keys, some of its own, and requested parameters that were never sent."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

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
)
