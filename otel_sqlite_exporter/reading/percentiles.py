"""Percentiles of durations, group by group: SQLite gathers the numbers of a group in one text, Python sorts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_float, as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otel_sqlite_exporter.reading.connection import Value

DURATIONS: Final = "group_concat((s.end_time_unix_nano - s.start_time_unix_nano) / 1000)"
"""The durations of a group in whole microseconds: a value for each row would cost ten times as much."""


def numbers(texts: Iterable[Value]) -> list[float]:
    """Return the numbers of a group, sorted.

    Args:
        texts: What SQLite gathered, with commas; NULL where there was none.
    """
    items = [item for text in texts if text is not None for item in (as_text(text) or "").split(",")]
    try:
        found = list(map(float, items))
    except ValueError:  # another program's value, which is no number
        found = [number for item in items if (number := as_float(item)) is not None]
    found.sort()
    return found


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest number that at least a share of all is not above; None of none.

    Args:
        ordered: Numbers, sorted.
        share: From 0 to 1.
    """
    if not ordered:
        return None
    return ordered[max(-int(-len(ordered) * share // 1) - 1, 0)]


def milliseconds(microseconds: float | None) -> float | None:
    """Return microseconds as milliseconds."""
    return None if microseconds is None else microseconds / 1000
