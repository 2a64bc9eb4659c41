"""How much memory recording takes, at its worst and in the long run."""

from __future__ import annotations

from benchmarks.report import Figure


def run(*, quick: bool) -> list[Figure]:  # noqa: ARG001 - filled in by the next commit
    """Measure resident memory."""
    return []
