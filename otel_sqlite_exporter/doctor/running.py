"""Run a program under observation, and say span source by span source what became of its spans."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from otel_sqlite_exporter.doctor.findings import KEEP_ATTRIBUTES, Finding, Level
from otel_sqlite_exporter.doctor.program import LAUNCHER, program_of
from otel_sqlite_exporter.doctor.settings import PROCESSOR, missing_exporters, records_to_sqlite
from otel_sqlite_exporter.reading.nearby import is_recorded
from otel_sqlite_exporter.reading.units import counted
from otel_sqlite_exporter.sources.catalogue import SDKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RECORD: Final = (
    f"call otel_sqlite_exporter.record() at its beginning, or start it with {LAUNCHER}"
    f" (here: doctor --run {LAUNCHER} python app.py)"
)


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a program.

    Args:
        findings: What is to be said of it.
        files: The files that it recorded into.
    """

    findings: list[Finding]
    files: tuple[str, ...] = ()


def run(words: Sequence[str], *, is_quiet: bool = False) -> Ran:
    """Run a Python program to its end, its output passing through, and judge what it made.

    Args:
        words: What starts it, as :func:`~otel_sqlite_exporter.doctor.program.program_of` reads it.
        is_quiet: What it prints goes to standard error.
    """
    try:
        program = program_of(words)
    except ValueError as error:
        return Ran([Finding("run", "problem", str(error), "name a Python script, and its arguments after it")])
    name = " ".join(words)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "report.json"
        watched = [sys.executable, "-m", "otel_sqlite_exporter.doctor.watch", str(path), *program.target]
        done = subprocess.run(  # noqa: S603 - the user's own program, as asked
            [*program.launcher, *watched], check=False, stdout=sys.stderr if is_quiet else None
        )
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            text = f"{name} ended with status {done.returncode} before it could be looked at"
            return Ran([Finding("run", "problem", text, "run it once without doctor")])
    found = [Finding("run", "problem", f"{name} ended with status {done.returncode}")] if done.returncode else []
    environment = program.environment(os.environ) if program.launcher else None
    return Ran(found + judged(report, environment), tuple(filter(is_recorded, report["files"])))


def judged(report: Mapping[str, Any], launched: Mapping[str, str] | None) -> list[Finding]:
    """Return what is to be said of a report of :mod:`~otel_sqlite_exporter.doctor.watch`.

    Args:
        report: Its report.
        launched: The environment in which the launcher started the program, None where it was started without.
    """
    found: list[Finding] = []
    providers = [provider for provider in report["providers"] if provider["is_recording"] or provider["scopes"]]
    for provider in providers:
        for scope, seen in provider["scopes"].items():
            found += _of_scope(scope or "(no scope)", seen, provider)
    is_recording = any(provider["is_recording"] for provider in report["providers"])
    if launched is not None and not report["providers"]:
        found.append(_of_launcher(launched))
    elif launched is not None and not is_recording:
        text = "the tracer provider that the launcher set up does not record to SQLite"
        found.append(Finding("run", "problem", text, f"set OTEL_TRACES_EXPORTER=sqlite, or {PROCESSOR} to have both"))
    elif not is_recording:
        found.append(Finding("run", "problem", "no tracer provider of the program records to SQLite", _RECORD))
    arrived = sum(seen["llm"] for provider in providers for seen in provider["scopes"].values())
    if not arrived:
        found += _of_nothing(report, is_launched=launched is not None)
    return found


def _of_launcher(environment: Mapping[str, str]) -> Finding:
    """Say why the launcher set up nothing, and all that has to be set for it to record."""
    if not metadata.entry_points(group="opentelemetry_configurator"):
        text = f"{LAUNCHER} set up no tracer provider: nothing is installed that configures one"
        return Finding("run", "problem", text, "pip install opentelemetry-distro")
    missing = missing_exporters(environment, is_launched=True)
    why = "; ".join(exporter.text for exporter in missing) or "what it wrote above says why"
    wanted = [exporter.assignment for exporter in missing]
    if not records_to_sqlite(environment) and "OTEL_TRACES_EXPORTER=sqlite" not in wanted:
        wanted.insert(0, PROCESSOR)
    remedy = f"set {' '.join(dict.fromkeys(wanted))}" if wanted else "run it once without doctor"
    return Finding("run", "problem", f"{LAUNCHER} set up no tracer provider: {why}", remedy)


def _of_scope(scope: str, seen: Mapping[str, Any], provider: Mapping[str, Any]) -> list[Finding]:
    found = []
    calls = counted(seen["llm"], "LLM span")
    if seen["llm"] and not provider["is_recording"]:
        text = f"{scope}: {calls} went to {provider['kind']}, which has no SQLite processor"
        remedy = "give its instrumentor the provider that has the processor, or record(tracer_provider=...) this one"
        found.append(Finding("run", "problem", text, remedy))
    elif seen["llm"]:
        found.append(Finding("run", "ok", f"{scope}: {calls} arrived"))
    if seen["without_content"]:
        text = f"{scope}: {seen['without_content']:,} of {calls} without prompt and answer"
        level: Level = "problem" if seen["without_content"] == seen["llm"] else "note"
        remedy = "see content: a variable has them reported, or the log processor joins them"
        found.append(Finding("run", level, text, remedy))
    if seen["evicted"]:
        text = f"{scope}: {counted(seen['evicted'], 'LLM span')} lost attributes to the SDK's limit"
        found.append(Finding("run", "problem", text, KEEP_ATTRIBUTES))
    if seen["unsampled"]:
        text = f"{scope}: {counted(seen['unsampled'], 'span')} not sampled, hence not recorded"
        found.append(Finding("run", "note", text, "sample all: OTEL_TRACES_SAMPLER=parentbased_always_on"))
    others = seen["spans"] - seen["llm"] - seen["unsampled"]
    if others:
        text = (
            f"{scope}: {counted(others, 'span')} skipped, with no word of a model call ({', '.join(seen['examples'])})"
        )
        found.append(Finding("run", "ok", text, "spans='all' records them too"))
    return found


def _of_nothing(report: Mapping[str, Any], *, is_launched: bool) -> list[Finding]:
    imported = [sdk for sdk in SDKS if sdk.name in report["imported"]]
    if not imported:
        text = "no LLM span arrived, and the program imported no SDK that is known"
        return [Finding("run", "problem", text, "make a call, or spans with gen_ai.* attributes")]
    names = ", ".join(sdk.name for sdk in imported)
    if report["active"]:
        text = f"no LLM span arrived, though {', '.join(report['active'])} is switched on: the program made no call"
        text += ", its client was made before, or instrument() was not given the provider that records"
        remedy = "instrument(tracer_provider=...) with that one, or record(), before clients are made; then make a call"
        return [Finding("run", "problem", text, remedy)]
    reporters: Mapping[str, list[str]] = report["reporters"]
    remedies = [sdk.remedy for sdk in imported if sdk.name not in reporters]
    if remedies:
        text = f"no LLM span arrived: the program imports {names}, and no instrumentation is switched on"
        install = f"pip install {' '.join(remedies)}"
        return [Finding("run", "problem", text, install if is_launched else f"{install}, and {_RECORD}")]
    if is_launched and not report["providers"]:
        return []  # everything is installed: why it was not switched on has been said
    labels = [label for sdk in imported for label in reporters[sdk.name]]
    if labels:
        text = f"no LLM span arrived: the program imports {names}, and no instrumentation is switched on"
        return [Finding("run", "problem", text, f"{' and '.join(labels)} is installed: {_RECORD}")]
    text = f"no LLM span arrived: the program imports {names}, which reports its calls itself, and made none"
    return [Finding("run", "problem", text, f"make a call; {_RECORD}")]
