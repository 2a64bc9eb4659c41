"""The sum of all groups of a question about usage: pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.reading.rows import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable


def total_of(groups: Iterable[Usage]) -> Usage:
    """Return what groups add up to; a number that none of them has is None."""
    rows = list(groups)
    calls = sum(usage.calls for usage in rows)
    errors = sum(usage.errors for usage in rows)
    costs = [usage.cost_usd for usage in rows if usage.cost_usd is not None]
    asked = _sum(usage.input_tokens for usage in rows)
    cached = _sum(usage.cache_read_tokens for usage in rows)
    return Usage(
        calls=calls,
        errors=errors,
        error_rate=errors / calls if calls else None,
        input_tokens=asked,
        output_tokens=_sum(usage.output_tokens for usage in rows),
        total_tokens=_sum(usage.total_tokens for usage in rows),
        cache_read_tokens=cached,
        cache_hit_rate=(cached or 0) / asked if asked else None,
        cost_usd=sum(costs) if costs else None,
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
    totals = [_named(total_of(rows), field, value) for value, rows in found.items()]
    return sorted(totals, key=lambda usage: (usage.cost_usd or 0.0, usage.calls), reverse=True)


def _named(usage: Usage, field: str, value: str | None) -> Usage:
    changes: dict[str, Any] = {field: value}
    return replace(usage, **changes)


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
