"""What a span costs when the file is empty and when it is large, and how many bytes it takes."""

from __future__ import annotations

from benchmarks.report import Figure


def run(*, quick: bool) -> list[Figure]:  # noqa: ARG001 - filled in by the next commit
    """Measure cost and bytes per span."""
    return []
