"""Who reports calls: the SDKs that are installed, their instrumentations, and whether these report prompts."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.doctor.findings import Finding, Level
from otel_sqlite_exporter.doctor.settings import stores_content
from otel_sqlite_exporter.reading.units import counted
from otel_sqlite_exporter.sources.catalogue import NOT_CALLS
from otel_sqlite_exporter.sources.content import SDK_SWITCHES, content_of
from otel_sqlite_exporter.sources.installed import installed_instrumentations, installed_sdks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_sqlite_exporter.doctor.recorded import Reported
    from otel_sqlite_exporter.sources.catalogue import Sdk
    from otel_sqlite_exporter.sources.installed import InstalledSdk, Instrumentation


def reporters(environment: Mapping[str, str], evidence: Sequence[Reported] = ()) -> list[Finding]:
    """Look at what is installed. Imports each instrumentation, not the SDKs.

    Args:
        environment: The variables.
        evidence: Who reported the calls that were recorded here.
    """
    instrumentations = installed_instrumentations()
    sdks = installed_sdks(instrumentations)
    used = {installed.sdk.name for installed in sdks}
    faults = {one.label: reason for one in instrumentations if one.sdk is None or one.sdk.name in used
              if (reason := fault_of(one))}  # fmt: skip
    return [*judged(sdks, faults, evidence), *contents(sdks, faults, environment)]


def fault_of(instrumentation: Instrumentation) -> str:
    """Say why an instrumentation can't be switched on, "" where it can."""
    logging.disable(logging.CRITICAL)  # what it logs while it is looked at is said here in one line
    try:
        instrumentor: Any = instrumentation.entry_point.load()()
        conflict = instrumentor._check_dependency_conflicts()  # noqa: SLF001 - what instrument() itself asks first
    except Exception as error:  # noqa: BLE001 - a package may be broken in any way
        return f"{type(error).__name__}: {error}".splitlines()[0]
    finally:
        logging.disable(logging.NOTSET)
    return str(conflict) if conflict else ""


def judged(sdks: Sequence[InstalledSdk], faults: Mapping[str, str], evidence: Sequence[Reported] = ()) -> list[Finding]:
    """Return what is to be said of each SDK.

    Args:
        sdks: What is installed.
        faults: Why an instrumentation can't be switched on, by its label.
        evidence: Who reported the calls that were recorded here.
    """
    found: list[Finding] = []
    missing: list[InstalledSdk] = []
    for installed in sdks:
        working = [one for one in installed.instrumentations if one.label not in faults]
        name = f"{installed.sdk.name} ({installed.distribution} {installed.version})"
        for one in installed.instrumentations:
            if one.label in faults:
                text = f"{one.label} is broken: {faults[one.label]}"
                remedy = f"pip install --upgrade {one.distribution} {installed.distribution}"
                if installed.sdk.remedy != one.distribution:
                    remedy += f"; if they are the newest, pip install {installed.sdk.remedy} instead"
                found.append(Finding("instrumentation", "problem", text, remedy))
        if working:
            found.append(Finding("instrumentation", "ok", f"{name}: {working[0].label}"))
        elif installed.reports_itself:
            found.append(Finding("instrumentation", "ok", f"{name}: reports its calls itself, record() switches it on"))
        else:
            missing.append(installed)
        if len(working) > 1:
            text = f"{name}: {' and '.join(one.label for one in working)} report the same calls; views count them once"
            remedy = f"one is enough: pip uninstall {working[-1].distribution}"
            found.append(Finding("instrumentation", "note", text, remedy))
    nothing_works = not any(finding.level == "ok" for finding in found)
    found += [_unreported(installed, evidence, nothing_works=nothing_works) for installed in missing]
    if not sdks:
        text = "no SDK that is known is installed in this environment"
        remedy = "run doctor with the Python that runs the application; spans made by hand are recorded without one"
        found.append(Finding("instrumentation", "note", text, remedy))
    return found


def _unreported(installed: InstalledSdk, evidence: Sequence[Reported], *, nothing_works: bool) -> Finding:
    text = f"{installed.sdk.name} ({installed.distribution} {installed.version}): nothing reports its calls"
    seen = [one for one in evidence if _is_of(one, installed.sdk)]
    if seen:
        calls = counted(sum(one.calls for one in seen), "call")
        text += f" here, but the file holds {calls} of it from {', '.join({one.scope: None for one in seen})}"
        return Finding("instrumentation", "note", text)
    level: Level = "problem" if nothing_works and installed.sdk.name not in NOT_CALLS else "note"
    return Finding("instrumentation", level, text, f"pip install {installed.sdk.remedy}")


def _is_of(reported: Reported, sdk: Sdk) -> bool:
    """Tell whether calls are an SDK's: by who answered them, or by whose instrumentation reported them."""
    name = _letters(sdk.name)
    return _letters(reported.provider).startswith(name) or name in _letters(reported.scope)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def contents(sdks: Sequence[InstalledSdk], faults: Mapping[str, str], environment: Mapping[str, str]) -> list[Finding]:
    """Say of each instrumentation that would be used whether it reports prompts and answers."""
    found = []
    for installed in sdks:
        one = next((one for one in installed.instrumentations if one.label not in faults), None)
        if one is None:
            found += _own_content(installed, environment)
            continue
        content, reason = content_of(one.distribution, environment)
        text = f"{one.distribution}: {_CONTENTS[content]} ({reason})"
        if content == "off":
            is_asked = "is not set" in reason
            remedy = (
                "record() switches them on; else set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY"
                if is_asked
                else "change the variable"
            )
            found.append(Finding("content", "note" if is_asked else "problem", text, remedy))
        elif content == "events":
            remedy = "record() and OTEL_EXPORTER_SQLITE_PROCESSOR=true take them; else add SQLiteLogRecordProcessor"
            found.append(Finding("content", "note", text, remedy))
        elif stores_content(environment):
            found.append(Finding("content", "ok", text))
        else:
            found.append(Finding("content", "note", f"{text}, and not stored"))
    return found


def _own_content(installed: InstalledSdk, environment: Mapping[str, str]) -> list[Finding]:
    """Say which variables an SDK that reports itself has to be given for prompts and answers."""
    if not installed.reports_itself:
        return []
    unset = [one for one in SDK_SWITCHES
             if one.distribution == installed.distribution and not environment.get(one.variable)]  # fmt: skip
    if not unset:
        return []
    text = f"{installed.distribution} itself: prompts and answers are not reported unless asked for"
    assignments = " ".join(f"{one.variable}={one.value}" for one in unset)
    return [Finding("content", "note", text, f"record() asks for them; else set {assignments}")]


_CONTENTS = {
    "spans": "prompts and answers are reported",
    "events": "prompts and answers come as log events",
    "off": "prompts and answers are not reported",
    "unknown": "whether prompts and answers are reported is not known",
}
