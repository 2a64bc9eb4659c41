"""What to say when a recorder ends and has seen no LLM span, or no prompt in any: neither makes a sound of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from otel_sqlite_exporter.pipeline.trouble_log import warn
from otel_sqlite_exporter.sources.content import content_of, is_kept_out
from otel_sqlite_exporter.sources.installed import TROUBLES, imported_sdks, installed_instrumentations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_sqlite_exporter.sources.catalogue import Sdk
    from otel_sqlite_exporter.sources.installed import Instrumentation


class Silence:
    """Say it once per process."""

    is_broken = False

    @classmethod
    def report(cls, path: str, *, skipped: int, calls_without_content: int) -> None:
        """Log that nothing was recorded, or nothing but numbers, and why that may be.

        Args:
            path: The file.
            skipped: How many spans of other kinds there were.
            calls_without_content: How many calls there were, none of which had a prompt or an answer. 0 says that
                there was no LLM span at all.
        """
        if cls.is_broken or (calls_without_content and is_kept_out(os.environ)):
            return
        installed = installed_instrumentations()
        active = [one.distribution for one in installed if one.is_active]
        if calls_without_content and not active:  # spans of the application's own, which are as it wants them
            return
        cls.is_broken = True
        if calls_without_content:
            warn(
                "no prompt and no answer arrived with any of the %d calls in %s. %s `otel-sqlite doctor` looks into it",
                calls_without_content,
                path,
                missing_content(active, os.environ),
            )
        else:
            warn(
                "no LLM span arrived, so nothing was written to %s%s. %s `otel-sqlite doctor` looks into it",
                path,
                f" ({skipped} other spans did)" if skipped else "",
                likely_reasons(imported_sdks(), installed),
            )


def missing_content(active: Sequence[str], environment: Mapping[str, str]) -> str:
    """Say in a sentence why no prompt and no answer may have arrived.

    Args:
        active: The instrumentations that are switched on, by distribution.
        environment: The variables that tell them what to report.
    """
    for distribution in active:
        state, reason = content_of(distribution, environment)
        if state == "events":
            return (
                f"{distribution} sends them as log events ({reason}): add SQLiteLogRecordProcessor to the logger"
                " provider, or use record()."
            )
        if state == "off":
            return f"{distribution} reports none ({reason}); record() has it report them."
    return "The instrumentation reports none; record() has every installed one report them."


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
        broken = next((one for one in own if one.distribution in TROUBLES), None)
        if broken is not None:
            return f"Likely because {broken.label} is broken ({TROUBLES[broken.distribution]})."
        if own and not any(one.is_active for one in own):
            return f"Likely because {own[0].distribution} is installed, but not switched on: call its instrument()."
    if any(one.is_active for one in installed):
        return (
            "Either no call was made, or the instrumentation reports to another tracer provider: give it the one that"
            " has this processor, as instrument(tracer_provider=...)."
        )
    return "Either no call was made, or no instrumentation of an LLM SDK is switched on."
