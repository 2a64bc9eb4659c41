"""Token counts out of any provider's usage object; :mod:`token_rules` says what they include."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.key_words import count_of, words_of
from otel_sqlite_exporter.conventions.values import count

if TYPE_CHECKING:
    from collections.abc import Mapping

_GEMINI_THOUGHTS: Final = ("thoughtsTokenCount", "thoughts_token_count")
_GEMINI_TOOLS: Final = ("toolUsePromptTokenCount", "tool_use_prompt_token_count")

USAGE_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "input_tokens": (
        "prompt_tokens",
        "input_tokens",
        "promptTokenCount",
        "prompt_token_count",
        "inputTokens",
        "promptTokens",
        "inputTokenCount",
        "inputTextTokenCount",
        "prompt_eval_count",
        "input_token_count",
        "tokens.input_tokens",
        "billed_units.input_tokens",
        "inputTokens.total",
        "input",
        "prompt",
    ),
    "output_tokens": (
        "completion_tokens",
        "output_tokens",
        "candidatesTokenCount",
        "candidates_token_count",
        "outputTokens",
        "completionTokens",
        "outputTokenCount",
        "eval_count",
        "output_token_count",
        "generated_tokens",
        "generation_token_count",
        "tokens.output_tokens",
        "billed_units.output_tokens",
        "outputTokens.total",
        "output",
        "completion",
    ),
    "total_tokens": (
        "total_tokens",
        "totalTokenCount",
        "total_token_count",
        "totalTokens",
        "total",
    ),
    "cache_read_tokens": (
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "input_token_details.cache_read",
        "cache_read_input_tokens",
        "cachedContentTokenCount",
        "cached_content_token_count",
        "cacheReadInputTokens",
        "cacheReadInputTokenCount",
        "cachedInputTokens",
        "inputTokens.cacheRead",
        "inputTokenDetails.cacheReadTokens",
        "input_cached_tokens",
        "input_cache_read",
        "cache_read_tokens",
        "cache_read",
        "cached_tokens",
        "cached_input_tokens",
        "prompt_cache_hit_tokens",
        "num_cached_tokens",
        "prompt_tokens_details.cache_read",
        "input_token_details.cache_read_tokens",
        "prompt_details.cache_read",
        "input_tokens.cached",
        "input_tokens.cache_read",
        "cache_read.input_tokens",
        "cache_input_tokens",
    ),
    "cache_write_tokens": (
        "cache_creation_input_tokens",
        "prompt_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_creation_tokens",
        "input_tokens_details.cache_write_tokens",
        "input_token_details.cache_creation",
        "cacheWriteInputTokens",
        "cacheWriteInputTokenCount",
        "inputTokens.cacheWrite",
        "inputTokenDetails.cacheWriteTokens",
        "input_cache_creation",
        "cache_write_tokens",
        "cache_write_input_tokens",
        "cache_write",
        "cache_creation",
        "prompt_details.cache_write",
        "input_tokens.cache_write",
        "cache_write.input_tokens",
        "cache_creation.input_tokens",
        "cache_creation_tokens",
    ),
    "reasoning_tokens": (
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "output_token_details.reasoning",
        "thoughtsTokenCount",
        "thoughts_token_count",
        "reasoningTokens",
        "reasoning_tokens",
        "output_reasoning_tokens",
        "output_reasoning",
        "reasoning",
        "outputTokens.reasoning",
        "outputTokenDetails.reasoningTokens",
        "completion_details.reasoning",
        "output_tokens.reasoning",
        "reasoning.output_tokens",
        "reasoning_output_tokens",
        "thinking_tokens",
    ),
    # Classes of tokens that have a price of their own, and no column.
    "audio_input_tokens": (
        "prompt_tokens_details.audio_tokens",
        "input_tokens_details.audio_tokens",
        "input_token_details.audio_tokens",
        "input_token_details.audio",
        "input_audio_tokens",
    ),
    "audio_output_tokens": (
        "completion_tokens_details.audio_tokens",
        "output_tokens_details.audio_tokens",
        "output_token_details.audio_tokens",
        "output_token_details.audio",
        "output_audio_tokens",
    ),
    "audio_cache_read_tokens": (
        "cached_tokens_details.audio_tokens",
        "input_cached_audio_tokens",
    ),
    "cache_write_1h_tokens": (
        "cache_creation.ephemeral_1h_input_tokens",
        "cache_creation_ephemeral_1h_input_tokens",
        "input_token_details.ephemeral_1h_input_tokens",
        "input_cache_creation_1h",
    ),
    "tool_input_tokens": (*_GEMINI_TOOLS, "input_tool_use_tokens"),
}
"""Where each count is in a usage object, in reading order; a dot stands for nesting."""


def column_of(name: str) -> str | None:
    """Return the count that a name stands for in a usage object, None where it is none.

    Args:
        name: As in :data:`USAGE_KEYS`, a dot for nesting.
    """
    place = _PLACES.get(name) or _by_words(name)
    return None if place is None else place[0]


def read_usage(usage: object) -> dict[str, int]:
    """Return the counts of a usage object of any provider's shape.

    Args:
        usage: The decoded object; anything else holds no counts.
    """
    if not isinstance(usage, dict):
        return {}
    found: dict[str, int] = {}
    ranks: dict[str, int] = {}
    for key, value in usage.items():
        if isinstance(value, dict):
            for name, inner in value.items():
                _note(found, ranks, f"{key}.{name}", inner)
        else:
            _note(found, ranks, key, value)
    if "totalTokenCount" in usage or "total_token_count" in usage:
        _add_geminis(usage, found)
    return found


def _add_geminis(usage: Mapping[str, object], found: dict[str, int]) -> None:
    """Count in what Gemini's body counts apart: thoughts are output, the results of its own tools are input."""
    for keys, column in ((_GEMINI_THOUGHTS, "output_tokens"), (_GEMINI_TOOLS, "input_tokens")):
        extra = next((counted for key in keys if (counted := count(usage.get(key)))), 0)
        if extra and (column in found or column == "output_tokens"):
            found[column] = found.get(column, 0) + extra


_PLACES: Final = {key: (column, rank) for column, keys in USAGE_KEYS.items() for rank, key in enumerate(keys)}


@lru_cache(maxsize=1024)
def _by_words(name: str) -> tuple[str, int] | None:
    """Return what the words of a name that no provider has say of a count, which is read behind all others."""
    column = count_of(words_of(name)) if "." not in name else None
    return None if column in (None, "total_tokens") else (column, len(_PLACES) - 1)


def _note(found: dict[str, int], ranks: dict[str, int], key: str, value: object) -> None:
    place = _PLACES.get(key) or _by_words(key)
    if place is not None:
        column, rank = place
        counted = count(value)
        if counted is not None and rank < ranks.get(column, len(_PLACES)):
            found[column] = counted
            ranks[column] = rank
