"""What to say when a recorder ends and has seen no LLM span at all: the commonest failure makes no sound of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_sqlite_exporter.pipeline.trouble_log import warn
from otel_sqlite_exporter.sources.installed import imported_sdks, installed_instrumentations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.sources.catalogue import Sdk
    from otel_sqlite_exporter.sources.installed import Instrumentation


class Silence:
    """Say it once per process."""

    is_broken = False

    @classmethod
    def report(cls, path: str, skipped: int) -> None:
        """Log that nothing was recorded, and why that may be."""
        if cls.is_broken:
            return
        cls.is_broken = True
        warn(
            "no LLM span arrived, so nothing was written to %s%s. %s `otel-sqlite doctor` looks into it",
            path,
            f" ({skipped} other spans did)" if skipped else "",
            likely_reasons(imported_sdks(), installed_instrumentations()),
        )


def likely_reasons(imported: Sequence[Sdk], installed: Sequence[Instrumentation]) -> str:
    """Say in a sentence or two why no LLM span may have arrived.

    Args:
        imported: The SDKs that the process has imported.
        installed: The instrumentations that are installed.
    """
    for sdk in imported:
        own = [one for one in installed if one.sdk is sdk]
        if not own and "" not in sdk.instrumentations:
            return f"Likely because nothing reports the calls of {sdk.name}: pip install {sdk.remedy}."
        if own and not any(one.is_active for one in own):
            return f"Likely because {own[0].distribution} is installed, but not switched on: call its instrument()."
    if any(one.is_active for one in installed):
        return (
            "Either no call was made, or the instrumentation reports to another tracer provider: give it the one that"
            " has this processor, as instrument(tracer_provider=...)."
        )
    return "Either no call was made, or no instrumentation of an LLM SDK is switched on."
