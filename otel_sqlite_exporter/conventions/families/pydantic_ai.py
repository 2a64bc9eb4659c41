"""pydantic-ai: GenAI keys, its usage details, and the whole conversation on the agent's span."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

_DETAILS: Final = "gen_ai.usage.details."

PYDANTIC_AI: Final = Family(
    name="pydantic_ai",
    columns={
        "cache_read_tokens": (
            _DETAILS + "cache_read_tokens",
            _DETAILS + "cached_tokens",
            _DETAILS + "cache_read_input_tokens",
            _DETAILS + "cached_content_tokens",
        ),
        "cache_write_tokens": (_DETAILS + "cache_write_tokens", _DETAILS + "cache_creation_input_tokens"),
        "reasoning_tokens": (_DETAILS + "reasoning_tokens", _DETAILS + "thoughts_tokens"),
        "cost_usd": ("operation.cost",),
    },
    contents={"conversation": ("pydantic_ai.all_messages", "all_messages", "all_messages_events")},
    scopes=("pydantic-ai", "pydantic_ai"),
)

PYDANTIC_AI_WORDS: Final = Family(
    name="pydantic_ai",
    columns={
        "request_model": ("model_name",),
        "agent_name": ("agent_name",),
        "tool_name": ("tool_name",),
    },
    contents={
        "events": ("events",),
        "input": ("inputs",),
        "output": ("final_result",),
        "arguments": ("tool_arguments",),
        "result": ("tool_response",),
    },
    hidden=("embeddings",),
    scopes=("pydantic-ai", "pydantic_ai"),
    scoped=True,
)
"""Its words that others use for other things."""
