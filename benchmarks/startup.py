"""What it takes to import the package and to store the first span."""

from __future__ import annotations

from benchmarks.report import Figure


def run(*, quick: bool) -> list[Figure]:  # noqa: ARG001 - filled in by the next commit
    """Measure the import and the first span."""
    return []
