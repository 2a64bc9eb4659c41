"""Run a program under observation, and say span source by span source what became of its spans."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from otel_sqlite_exporter.doctor.findings import KEEP_ATTRIBUTES, Finding, Level
from otel_sqlite_exporter.doctor.program import LAUNCHER, program_of
from otel_sqlite_exporter.sources.catalogue import SDKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RECORD: Final = (
    f"call otel_sqlite_exporter.record() at its beginning, or start it with {LAUNCHER}"
    f" (here: doctor --run {LAUNCHER} python app.py)"
)


def run(words: Sequence[str], *, is_quiet: bool = False) -> list[Finding]:
    """Run a Python program to its end, its output passing through, and judge what it made.

    Args:
        words: What starts it, as :func:`~otel_sqlite_exporter.doctor.program.program_of` reads it.
        is_quiet: What it prints goes to standard error.
    """
    try:
        program = program_of(words)
    except ValueError as error:
        return [Finding("run", "problem", str(error), "name a Python script, and its arguments after it")]
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
            return [Finding("run", "problem", text, "run it once without doctor")]
    found = [Finding("run", "problem", f"{name} ended with status {done.returncode}")] if done.returncode else []
    return found + judged(report, is_launched=bool(program.launcher))


def judged(report: Mapping[str, Any], *, is_launched: bool) -> list[Finding]:
    """Return what is to be said of a report of :mod:`~otel_sqlite_exporter.doctor.watch`.

    Args:
        report: Its report.
        is_launched: Whether the program was started with the launcher.
    """
    found: list[Finding] = []
    providers = [provider for provider in report["providers"] if provider["is_recording"] or provider["scopes"]]
    for provider in providers:
        for scope, seen in provider["scopes"].items():
            found += _of_scope(scope or "(no scope)", seen, provider)
    is_recording = any(provider["is_recording"] for provider in report["providers"])
    if is_launched and not report["providers"]:
        text = f"{LAUNCHER} set up no tracer provider: what it wrote above says why"
        remedy = "without a Collector, OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none"
        found.append(Finding("run", "problem", text, remedy))
    elif not is_recording:
        found.append(Finding("run", "problem", "no tracer provider of the program records to SQLite", _RECORD))
    arrived = sum(seen["llm"] for provider in providers for seen in provider["scopes"].values())
    if not arrived:
        found += _of_nothing(report)
    return found


def _of_scope(scope: str, seen: Mapping[str, Any], provider: Mapping[str, Any]) -> list[Finding]:
    found = []
    if seen["llm"] and not provider["is_recording"]:
        text = f"{scope}: {seen['llm']} LLM spans went to a {provider['kind']} that has no SQLite processor"
        remedy = "give its instrumentor the provider that has the processor, or record(tracer_provider=...) this one"
        found.append(Finding("run", "problem", text, remedy))
    elif seen["llm"]:
        found.append(Finding("run", "ok", f"{scope}: {seen['llm']} LLM spans arrived"))
    if seen["without_content"]:
        text = f"{scope}: {seen['without_content']} of {seen['llm']} LLM spans have neither prompt nor answer"
        level: Level = "problem" if seen["without_content"] == seen["llm"] else "note"
        remedy = "see content: a variable has them reported, or the log processor joins them"
        found.append(Finding("run", level, text, remedy))
    if seen["evicted"]:
        text = f"{scope}: {seen['evicted']} LLM spans lost attributes to the SDK's limit"
        found.append(Finding("run", "problem", text, KEEP_ATTRIBUTES))
    if seen["unsampled"]:
        text = f"{scope}: {seen['unsampled']} spans were not sampled, and are not recorded"
        found.append(Finding("run", "note", text, "sample all: OTEL_TRACES_SAMPLER=parentbased_always_on"))
    others = seen["spans"] - seen["llm"] - seen["unsampled"]
    if others:
        text = f"{scope}: {others} spans skipped: they say nothing of a model call ({', '.join(seen['examples'])})"
        found.append(Finding("run", "ok", text, "spans='all' records them too"))
    return found


def _of_nothing(report: Mapping[str, Any]) -> list[Finding]:
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
    remedies = " ".join(sdk.remedy for sdk in imported if sdk.remedy)
    text = f"no LLM span arrived: the program imports {names}, and no instrumentation is switched on"
    return [Finding("run", "problem", text, f"pip install {remedies}, and {_RECORD}" if remedies else _RECORD)]
