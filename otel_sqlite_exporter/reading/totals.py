"""What groups of usage add up to: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.rows.sums import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOKENS: Final = ("input", "output", "total", "cache_read", "cache_write", "reasoning")
"""The token counts that are summed, as ``<name>_tokens``."""


def usage_of(
    key: Mapping[str, str | None],
    *,
    calls: int,
    errors: int,
    tokens: Mapping[str, int | None],
    cost_usd: float | None,
    calls_without_tokens: int,
    calls_without_cost: int,
) -> Usage:
    """Return the usage of one group, with its rates.

    Args:
        key: The fields that say which group it is.
        calls: How many calls.
        errors: How many of them failed.
        tokens: Each of :data:`TOKENS`.
        cost_usd: US dollars.
        calls_without_tokens: How many calls did not fail and reported none.
        calls_without_cost: How many calls did not fail and have none.
    """
    asked = tokens["input"]
    return Usage(
        **key,
        calls=calls,
        errors=errors,
        error_rate=errors / calls if calls else None,
        input_tokens=asked,
        output_tokens=tokens["output"],
        total_tokens=tokens["total"],
        cache_read_tokens=tokens["cache_read"],
        cache_write_tokens=tokens["cache_write"],
        reasoning_tokens=tokens["reasoning"],
        cache_hit_rate=None if tokens["cache_read"] is None or not asked else tokens["cache_read"] / asked,
        cost_usd=cost_usd,
        calls_without_tokens=calls_without_tokens,
        calls_without_cost=calls_without_cost,
    )


def total_of(groups: Iterable[Usage], key: Mapping[str, str | None] | None = None) -> Usage:
    """Return what groups add up to; a number that none of them has is None.

    Args:
        groups: The groups.
        key: The fields that say what the sum is of.
    """
    rows = list(groups)
    costs = [usage.cost_usd for usage in rows if usage.cost_usd is not None]
    return usage_of(
        key or {},
        calls=sum(usage.calls for usage in rows),
        errors=sum(usage.errors for usage in rows),
        tokens={name: _sum(getattr(usage, f"{name}_tokens") for usage in rows) for name in TOKENS},
        cost_usd=sum(costs) if costs else None,
        calls_without_tokens=sum(usage.calls_without_tokens for usage in rows),
        calls_without_cost=sum(usage.calls_without_cost for usage in rows),
    )


def totals_by(groups: Iterable[Usage], field: str) -> list[Usage]:
    """Return what groups add up to for each value of a field, the dearest first.

    Args:
        groups: Of a question about several fields at once, such as days and models.
        field: One of them: ``model``, ``day``, ``user_id``, ...
    """
    found: dict[str | None, list[Usage]] = {}
    for usage in groups:
        found.setdefault(getattr(usage, field), []).append(usage)
    totals = [total_of(rows, {field: value}) for value, rows in found.items()]
    return sorted(totals, key=lambda usage: (usage.cost_usd or 0.0, usage.calls), reverse=True)


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
