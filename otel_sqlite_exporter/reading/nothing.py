"""Why an answer is empty: which of the filters leaves nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

    from otel_sqlite_exporter.reading.filters import Filters


def filters_too_many(ask: Callable[[Filters], Sized], filters: Filters) -> list[str]:
    """Return the names of the filters of which each, taken away alone, would leave something.

    Args:
        ask: The question that found nothing; one row of an answer is enough.
        filters: What it was asked with.
    """
    return [name for name in filters.given() if len(ask(replace(filters, **{name: None})))]
