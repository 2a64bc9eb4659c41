"""What the application feels: how long a task of 1 ms takes with and without recording."""

from __future__ import annotations

from benchmarks.report import Figure


def run(*, quick: bool) -> list[Figure]:  # noqa: ARG001 - filled in by the next commit
    """Measure the task with and without recording."""
    return []
