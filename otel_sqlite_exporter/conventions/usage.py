"""Token counts: out of any provider's usage object, and counted by one rule.

The rule is that of the GenAI conventions: input includes cached tokens, output includes reasoning tokens. Emitters
that count otherwise are told by their own numbers, else by the lists below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.values import count

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    ),
}
"""Where each count is in a usage object, in reading order; a dot stands for nesting."""

CACHE_EXCLUSIVE: Final[tuple[tuple[str, str], ...]] = (
    ("opentelemetry.instrumentation.botocore", "aws.bedrock"),
    ("opentelemetry.instrumentation.bedrock", "aws.bedrock"),
    ("openlit", "aws.bedrock"),
    ("openlit", "anthropic"),
    ("strands", "aws.bedrock"),
    ("strands", "anthropic"),
)
"""Instrumentations that pass on a provider's input count although the provider leaves cached tokens out of it."""


def leaves_cached_out(scope_name: str, provider: str | None) -> bool:
    """Tell whether an emitter is known to leave cached tokens out of the input count.

    Args:
        scope_name: The instrumentation scope.
        provider: Canonical.
    """
    return any(provider == known and scope_name.startswith(scope) for scope, known in CACHE_EXCLUSIVE)


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
    return found


_PLACES: Final = {key: (column, rank) for column, keys in USAGE_KEYS.items() for rank, key in enumerate(keys)}


def _note(found: dict[str, int], ranks: dict[str, int], key: str, value: object) -> None:
    place = _PLACES.get(key)
    if place is not None:
        column, rank = place
        counted = count(value)
        if counted is not None and rank < ranks.get(column, len(_PLACES)):
            found[column] = counted
            ranks[column] = rank


def complete(counts: dict[str, int], *, is_embedding: bool) -> None:
    """Add the count that a reported total tells, where the total leaves no doubt about it.

    Args:
        counts: The counts as reported.
        is_embedding: An embedding has no output, so that its total is its input.
    """
    total = counts.get("total_tokens", 0)
    told = counts.get("input_tokens", 0) or counts.get("output_tokens", 0)
    if is_embedding:
        if not told and total:
            counts["input_tokens"] = total
        return
    subsets = ("cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    if not told or total <= told or any(counts.get(column) for column in subsets):
        return  # a count may or may not include its subsets, and the rest of the total would then be theirs
    missing = "output_tokens" if counts.get("input_tokens") else "input_tokens"
    if not counts.get(missing):
        counts[missing] = total - told


def inclusive_input(counts: Mapping[str, int], *, exclusive: bool) -> int | None:
    """Return the input count with cached tokens in it.

    Args:
        counts: The counts as reported.
        exclusive: The emitter is known to leave cached tokens out.
    """
    input_tokens = counts.get("input_tokens")
    if input_tokens is None:
        return None
    cached = counts.get("cache_read_tokens", 0) + counts.get("cache_write_tokens", 0)
    if not cached:
        return input_tokens
    rest = input_tokens + counts.get("output_tokens", 0)
    total = counts.get("total_tokens")
    if total is not None and total in (rest + cached, rest + cached + counts.get("reasoning_tokens", 0)):
        exclusive = True
    return input_tokens + cached if exclusive or cached > input_tokens else input_tokens


def unsplit_total(counts: Mapping[str, int], input_tokens: int | None) -> int | None:
    """Return a reported total of which not both parts are known; None where a part alone is as much.

    Args:
        counts: The counts as reported.
        input_tokens: The corrected input count.
    """
    total = counts.get("total_tokens", 0)
    return total if total > max(input_tokens or 0, counts.get("output_tokens", 0)) else None


def inclusive_output(counts: Mapping[str, int], input_tokens: int | None) -> int | None:
    """Return the output count with reasoning tokens in it.

    Args:
        counts: The counts as reported.
        input_tokens: The corrected input count.
    """
    output_tokens = counts.get("output_tokens")
    reasoning = counts.get("reasoning_tokens", 0)
    if output_tokens is None or not reasoning:
        return output_tokens
    total = counts.get("total_tokens")
    told = total is not None and input_tokens is not None and total == input_tokens + output_tokens + reasoning
    return output_tokens + reasoning if told or reasoning > output_tokens else output_tokens
