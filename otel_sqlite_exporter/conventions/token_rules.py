"""What token counts include, by where they came from; here they are counted by one rule.

The rule is that of the GenAI conventions: input includes cached tokens, output includes reasoning tokens. A reported
total that leaves no doubt decides. Else the source does: what passes a provider's usage on counts as the provider does,
what normalises it follows the conventions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from otel_sqlite_exporter.conventions.recognise import is_genai_scope

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Source(NamedTuple):
    """Where counts come from that leave cached tokens out of the input.

    Args:
        scope: How the instrumentation scope's name begins.
        provider: Canonical, None for each of :data:`LEAVE_CACHES_OUT`.
        total: ``summed`` where the source's total is its own sum of input and output, and so tells nothing about
            caches, else ``reported``.
        reason: Why that is so.
    """

    scope: str
    provider: str | None
    total: str
    reason: str


LEAVE_CACHES_OUT: Final = frozenset({"anthropic", "aws.bedrock"})
"""Providers whose own usage has cached tokens beside the input count; all others have them in it."""

SOURCES: Final[tuple[Source, ...]] = (
    Source("opentelemetry.instrumentation.botocore", "aws.bedrock", "summed", "writes Converse's inputTokens"),
    Source("opentelemetry.instrumentation.bedrock", "aws.bedrock", "summed", "writes Converse's inputTokens"),
    Source("openlit", "aws.bedrock", "summed", "writes Converse's inputTokens"),
    Source("openlit", "anthropic", "summed", "writes the message's input_tokens"),
    Source("strands", "aws.bedrock", "summed", "writes Converse's inputTokens"),
    Source("strands", "anthropic", "summed", "writes the message's input_tokens"),
    Source("langfuse", None, "reported", "usage_details are the provider's usage, or classes that add up"),
    Source("pipecat", None, "summed", "writes the provider's input count, and sums by itself"),
)
"""Which emitters pass on what the provider counted."""

RAW_KEYS: Final = (
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.usage.cache_creation_input_tokens",
)
"""Anthropic's own names: an application that writes spans by hand writes its numbers with them."""

_SUBSETS: Final = ("cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


def leaves_caches_out(
    counts: Mapping[str, int], scope_name: str, provider: str | None, keys: Collection[str], *, is_normalised: bool
) -> bool:
    """Tell whether an input count leaves cached tokens out, as far as its source tells.

    Args:
        counts: The counts as reported.
        scope_name: The instrumentation scope.
        provider: Canonical.
        keys: The span's attributes.
        is_normalised: The span says that a framework has normalised the counts.
    """
    if provider not in LEAVE_CACHES_OUT or is_normalised:
        return False
    is_summed = _total_is(counts, 0)
    for source in SOURCES:
        if scope_name.startswith(source.scope) and source.provider in (None, provider):
            return source.total == "summed" or not is_summed
    return not is_summed and any(key in keys for key in RAW_KEYS) and not is_genai_scope(scope_name)


def _total_is(counts: Mapping[str, int], more: int) -> bool:
    total = counts.get("total_tokens")
    return total is not None and total == counts.get("input_tokens", 0) + counts.get("output_tokens", 0) + more


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
    if not told or total <= told or any(counts.get(column) for column in _SUBSETS):
        return  # a count may or may not include its subsets, and the rest of the total would then be theirs
    missing = "output_tokens" if counts.get("input_tokens") else "input_tokens"
    if not counts.get(missing):
        counts[missing] = total - told


def inclusive_input(counts: Mapping[str, int], *, exclusive: bool) -> int | None:
    """Return the input count with cached tokens in it.

    Args:
        counts: The counts as reported.
        exclusive: The source leaves cached tokens out.
    """
    input_tokens = counts.get("input_tokens")
    if input_tokens is None:
        return None
    cached = counts.get("cache_read_tokens", 0) + counts.get("cache_write_tokens", 0)
    if not cached:
        return input_tokens
    if _total_is(counts, cached) or _total_is(counts, cached + counts.get("reasoning_tokens", 0)):
        exclusive = True
    return input_tokens + cached if exclusive or cached > input_tokens else input_tokens


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


def tool_input(total: int | None, input_tokens: int | None, output_tokens: int | None, provider: str | None) -> int:
    """Return how many tokens of Gemini's own tools a total has that no count has: they are input.

    Args:
        total: As reported.
        input_tokens: The corrected input count.
        output_tokens: The corrected output count.
        provider: Canonical.
    """
    if not total or not input_tokens or not output_tokens or provider not in ("gcp.gemini", "gcp.vertex_ai"):
        return 0
    return max(total - input_tokens - output_tokens, 0)


def unsplit_total(counts: Mapping[str, int], input_tokens: int | None, output_tokens: int | None) -> int | None:
    """Return a reported total that is more than the counts tell; None where they tell as much.

    Args:
        counts: The counts as reported.
        input_tokens: The corrected input count.
        output_tokens: The corrected output count.
    """
    total = counts.get("total_tokens", 0)
    return total if total > (input_tokens or 0) + (output_tokens or 0) else None
