"""``otel-sqlite trace``: one trace as a tree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.cli.options import Asked, FilePath, database_option, form_option, id_argument, pass_asked
from otel_sqlite_exporter.cli.output import say
from otel_sqlite_exporter.reading import units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from otel_sqlite_exporter.cli.table import Cell
    from otel_sqlite_exporter.reading import Database
    from otel_sqlite_exporter.reading.steps import Step
    from otel_sqlite_exporter.reading.tree import TraceTree

_COLOURS: Final = {"agent": "magenta", "tool": "yellow", "llm": "blue", "embedding": "blue"}
_BESIDE_TIMELINE: Final = 68
_NARROW: Final = 60
_DEEPEST: Final = 20


@click.command("trace", context_settings={"ignore_unknown_options": True})
@id_argument("trace_id", "[ID]", default="-1")
@form_option("json", "The trace as one JSON object, with its steps.")
@form_option("markdown", "The trace as a Markdown table.")
@click.option("--html", metavar="FILE", type=FilePath(), help="Write one self-contained page to share.")
@database_option
@pass_asked
def command(asked: Asked, /, trace_id: str, form: str | None, html: str | None) -> None:
    """Show one trace as a tree, with sums and durations.

    Each step has the tokens and the cost of everything inside of it.

    ID is a trace id or its beginning, the number of a call for its trace, or -1, or nothing,
    for the last trace.

    Example: otel-sqlite trace -1
    """
    if html is not None and form is not None:
        raise click.UsageError(f"--html and --{form} are two forms of the answer: give one")
    database = asked.open()
    tree = database.trace(trace_id)
    if html is not None:
        Path(html).write_text(_file(database, tree), encoding="utf-8", errors="replace")
        say(f"written to {html}")
    elif form == "json":
        click.echo(tree.json(indent=2))
    elif form == "markdown":
        click.echo(tree.markdown(), nl=False)
    else:
        screen.show(*_tree(tree))


def _file(database: Database, tree: TraceTree) -> str:
    """Return the file to share: with the messages of every step where the pages are installed, else the tree alone."""
    try:
        from otel_sqlite_exporter.web.sharing import trace_file  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        return tree.html()
    return trace_file(database, tree.trace.trace_id)


def _tree(tree: TraceTree) -> list[Text]:
    from rich.text import Text  # noqa: PLC0415 - JSON does without

    from otel_sqlite_exporter.cli.table import Column, lines  # noqa: PLC0415

    trace = tree.trace
    facts = [
        units.full_time(trace.start_time_unix_nano),
        units.duration(trace.duration_ms),
        units.counted(trace.llm_calls, "call"),
        f"{units.tokens(trace.total_tokens)} tokens",
        units.money(trace.cost_usd),
        f"user {trace.user_id}" if trace.user_id else "",
        f"conversation {trace.conversation_id}" if trace.conversation_id else "",
    ]
    steps = list(tree.steps())
    start, whole = tree.start, max(tree.end - tree.start, 1)
    bar = 0 if not screen.is_terminal() else max(min(screen.width() - _BESIDE_TIMELINE, 60), 12)
    columns: list[Column[tuple[Step, str]]] = [
        Column("step", _label, least=24 if screen.width() >= _NARROW else 16),
        Column("id", lambda line: (str(line[0].span.id), "dim"), "right", keep=7),
        Column("calls", lambda line: units.count(line[0].calls) if line[0].children else "", "right", keep=2),
        Column("in", lambda line: _own(line[0], line[0].span.input_tokens), "right", keep=3),
        Column("out", lambda line: _own(line[0], line[0].span.output_tokens), "right", keep=3),
        Column("tokens", lambda line: _sum(units.tokens(line[0].tokens)), "right", keep=5),
        Column("cost", lambda line: _sum(units.money(line[0].cost_usd)), "right", keep=8),
        Column("took", lambda line: units.duration(line[0].span.duration_ms), "right"),
        Column("timeline", lambda line: _bar(line[0], start, whole, bar), keep=6),
    ]
    found = [
        Text(f"{units.one_line(trace.name or 'trace', 200)}  {trace.trace_id}", style="bold"),
        Text(" · ".join(units.one_line(fact, 100) for fact in facts if fact), style="dim"),
        *lines(columns, list(zip(steps, _branches(steps), strict=True))),
    ]
    for step in steps:
        if step.span.status == "error" and step.span.duplicate_of is None and not any(c.errors for c in step.children):
            failure = units.failure(step.span.error_type, step.span.status_message)
            found.append(Text(f"{step.span.id}  {units.one_line(failure, 400)}", style="red"))
    if tree.is_cut:
        found.append(Text(f"the first {len(steps):,} of {units.count(trace.spans)} steps", style="dim"))
    return found


def _branches(steps: Sequence[Step]) -> list[str]:
    """Return the lines of the tree before each step."""
    branches = [""] * len(steps)
    # From the last step to the first: a step is the last of its parent if none of its depth came after it.
    open_depths: set[int] = set()
    for index in range(len(steps) - 1, -1, -1):
        depth = steps[index].depth
        open_depths = {other for other in open_depths if other <= depth}
        is_last = depth not in open_depths
        open_depths.add(depth)
        lines = ["│ " if other in open_depths else "  " for other in range(1, min(depth, _DEEPEST))]
        branches[index] = "".join(lines) + ("" if depth == 0 else "└ " if is_last else "├ ")
    return branches


def _label(line: tuple[Step, str]) -> Cell:
    step, branch = line
    span = step.span
    failed = f" {units.one_line(span.error_type or 'failed', 60)}" if span.status == "error" else ""
    repeated = f" (same call as {span.duplicate_of})" if span.duplicate_of is not None else ""
    text = f"{branch}{'✕ ' if failed else ''}{span.kind} {units.one_line(span.label, 120)}{failed}{repeated}"
    return text, "red" if failed else "dim" if repeated else ""


def _own(step: Step, tokens: int | None) -> str:
    """Return tokens of one call; what is inside a step is in its sums."""
    return _sum(units.tokens(tokens)) if step.span.duplicate_of is None and not step.children else ""


def _sum(text: str) -> str:
    return "" if text == units.NONE else text


def _bar(step: Step, start: int, whole: int, width: int) -> Cell:
    if not width:
        return ""
    span = step.span
    left = min(max(int((span.start_time_unix_nano - start) / whole * width), 0), width - 1)
    length = max(round((span.end_time_unix_nano - span.start_time_unix_nano) / whole * width), 1)
    colour = "red" if span.status == "error" else _COLOURS.get(span.kind or "", "")
    return " " * left + "━" * min(length, width - left), colour
