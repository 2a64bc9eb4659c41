"""Percentiles of durations, group by group: SQLite gathers the numbers of a group in one text, Python sorts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.connection import Value

DURATIONS: Final = "group_concat((s.end_time_unix_nano - s.start_time_unix_nano) / 1000)"
"""The durations of a group in whole microseconds: a value for each row would cost ten times as much."""


def numbers(text: Value) -> list[float]:
    """Return the numbers of a group, sorted."""
    found: list[float] = []
    for item in (as_text(text) or "").split(","):
        try:
            found.append(float(item))
        except ValueError:
            continue
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
