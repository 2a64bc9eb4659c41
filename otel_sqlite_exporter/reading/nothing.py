"""Why an answer is empty: which of the filters leaves nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_sqlite_exporter.reading.filters import Filters
    from otel_sqlite_exporter.reading.sequence import Rows


def filters_too_many(ask: Callable[[Filters], Rows[object]], filters: Filters) -> tuple[list[str], bool]:
    """Return the names of the filters of which each, taken away alone, would leave something.

    Args:
        ask: The question that found nothing; one row of an answer is enough.
        filters: What it was asked with.

    Returns:
        The names, and whether these are all: a search may be over before it finds anything.
    """
    found: list[str] = []
    is_sure = True
    for name in filters.narrowing():
        rows = ask(replace(filters, **{name: None}))
        if rows:
            found.append(name)
        is_sure = is_sure and (bool(rows) or not rows.is_partial)
    return found, is_sure
