"""``otel-sqlite doctor``: what is installed, switched on, limited and lost, and what to do about it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.text import Text

from otel_sqlite_exporter.cli.options import Asked, database_option, pass_asked
from otel_sqlite_exporter.config import resolve_path
from otel_sqlite_exporter.doctor.findings import Finding
from otel_sqlite_exporter.doctor.recorded import recorded
from otel_sqlite_exporter.doctor.recorded import reported as reported_in
from otel_sqlite_exporter.doctor.reporters import reporters
from otel_sqlite_exporter.doctor.running import Ran, run
from otel_sqlite_exporter.doctor.settings import settings
from otel_sqlite_exporter.doctor.versions import versions

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARKS: Final = {"ok": ("✓", "green"), "note": ("·", "yellow"), "problem": ("✗", "bold red")}


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@database_option
@click.option("--run", "is_run", is_flag=True, help="Run PROGRAM, and say what became of its spans.")
@click.option("--json", "is_json", is_flag=True, help="One JSON array of findings: area, level, text, remedy.")
@click.argument("program", nargs=-1, type=click.UNPROCESSED)
@pass_asked
def command(asked: Asked, program: tuple[str, ...], *, is_run: bool, is_json: bool) -> int:
    """Find out why calls or prompts are missing.

    Looks at versions, the environment, what is installed and whether it works, and the file; each problem comes with
    its remedy. The exit status is 1 when something is wrong. PROGRAM is what starts one in a shell: a script and its
    arguments, python -m MODULE, an installed command, each with opentelemetry-instrument before it or without.

    Example: otel-sqlite doctor --run app.py
    """
    if is_run != bool(program):
        raise click.UsageError("--run and the program go together: otel-sqlite doctor --run PROGRAM")
    ran = run(program, is_quiet=is_json) if program else Ran([])
    files, refused = _files(asked.path, ran.files)
    evidence = [reported for path in files for reported in reported_in(path)]
    found = [*versions(), *settings(os.environ), *reporters(os.environ, evidence), *ran.findings, *refused]
    for path in files:
        found += recorded(path, os.environ, is_named=asked.path is not None, written=ran.files)
    if is_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    else:
        _show(found)
    return int(any(finding.level == "problem" for finding in found))


def _files(asked: str | None, written: Sequence[str]) -> tuple[list[str], list[Finding]]:
    """Return the files to look at: the one that was asked for, and those that the program wrote; else the default."""
    if asked is None and written:
        return list(written), []
    try:
        path = resolve_path(asked)
    except ValueError as error:
        refused = Finding("file", "problem", str(error), "name another file with -d or OTEL_EXPORTER_SQLITE_PATH")
        return list(written), [refused]
    return [path, *(other for other in written if other != path)], []


def _show(found: Sequence[Finding]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    area = ""
    for finding in found:
        if finding.area != area:
            area = finding.area
            console.print(Text(area, style="bold"))
        mark, style = _MARKS[finding.level]
        console.print(Text.assemble(("  " + mark, style), " ", finding.text))
        if finding.remedy and finding.level != "ok":
            console.print(Text(f"    → {finding.remedy}"))
    problems = sum(finding.level == "problem" for finding in found)
    console.print(f"{problems} problem{'s' * (problems != 1)}" if problems else "nothing is wrong", style="bold")
