"""Print what was recorded, by the questions that a script of one's own would ask: ``open_database`` and its answers."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from otel_sqlite_exporter import open_database

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_sqlite_exporter.reading import Call, Usage

_MAX_TEXT = 160
_LOOK = (
    ("otel-sqlite -d {path}", "one screen: usage, the last calls, what failed"),
    ("otel-sqlite show -1 -d {path}", "the last call as a transcript"),
    ("otel-sqlite serve -d {path}", "all of it as pages in the browser (extra web)"),
    ('sqlite3 -box {path} "SELECT model, input_text, output_text FROM llm_calls"', "plain SQL"),
)


def show(path: str, *, since: int = 0) -> None:
    """Print the calls that started at or after ``since`` (Unix nanoseconds), and the totals of the whole file."""
    console = _console()
    with open_database(path) as database:
        started = datetime.fromtimestamp(since / 1e9, timezone.utc)
        calls = database.calls(since=started, limit=None)
        console.print(_calls(reversed(calls)), _totals(database.usage(by="model")))
    console.print(f"[bold]{Path(path).resolve()}[/] holds every call of every run. Look at it:\n", soft_wrap=True)
    for command, what in _LOOK:
        console.print(f"  {command.format(path=path)}", style="cyan", soft_wrap=True, highlight=False)
        console.print(f"      {what}", style="dim", highlight=False)


def show_tree(path: str) -> None:
    """Print the trace that was recorded last, as a tree."""
    table = _table("The last trace")
    table.add_column("step")
    table.add_column("kind")
    table.add_column("tokens", justify="right")
    table.add_column("cost", justify="right")
    table.add_column("time", justify="right")
    with open_database(path) as database:
        for step in database.trace(-1).steps():
            # Tokens and cost are those of everything inside of the step.
            tokens = "" if step.tokens is None else f"{step.tokens:,}"
            cost = "" if step.cost_usd is None else f"${step.cost_usd:.5f}"
            time = f"{step.span.duration_ms or 0:.0f} ms"
            table.add_row("  " * step.depth + step.span.label, step.span.kind, tokens, cost, time)
    _console().print(table)


def _console() -> Console:
    wide = Console()
    return Console(width=min(wide.width, 120))


def _table(title: str) -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        title_style="bold",
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def _calls(calls: Iterable[Call]) -> Table:
    table = _table("Recorded calls")
    table.add_column("model", max_width=24, no_wrap=True)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("question", overflow="fold")
    table.add_column("answer", overflow="fold")
    for call in calls:
        failed = call.status == "error"
        table.add_row(
            call.model,
            _tokens(call),
            f"{call.duration_ms or 0:.0f} ms",
            Text("error", "red") if failed else Text("ok", "green"),
            Text(_short(call.input_text)),
            Text(_short(call.status_message or call.error_type), "red") if failed else Text(_answer(call)),
        )
    return table


def _totals(groups: Iterable[Usage]) -> Table:
    table = _table("Totals of the file")
    table.add_column("model", overflow="fold")
    for name in ("calls", "errors", "input", "output", "cost"):
        table.add_column(name, justify="right")
    for usage in groups:
        cost = "" if usage.cost_usd is None else f"${usage.cost_usd:.7f}"
        counts = (usage.calls, usage.errors, usage.input_tokens, usage.output_tokens)
        table.add_row(usage.model, *("" if count is None else f"{count:,}" for count in counts), cost)
    return table


def _tokens(call: Call) -> str:
    """``in → out``, each only where it was reported."""
    told, said = call.input_tokens, call.output_tokens
    if told is None and said is None:
        return ""
    return f"{'' if told is None else told} → {'' if said is None else said}"


def _answer(call: Call) -> str:
    """Give the text of the answer, or the tool calls as a Python programmer would write them."""
    if not isinstance(call.tool_calls, list):
        return _short(call.output_text)
    asked = [tool for tool in call.tool_calls if isinstance(tool, dict)]
    return ", ".join(f"{tool.get('name')}({_arguments(tool.get('arguments'))})" for tool in asked)


def _arguments(arguments: object) -> str:
    """Write a tool call's arguments; they are a JSON object, or JSON in a string, as the SDK had them."""
    given = json.loads(arguments) if isinstance(arguments, str) else arguments
    return ", ".join(f"{key}={value!r}" for key, value in given.items()) if isinstance(given, dict) else str(given)


def _short(text: str | None) -> str:
    text = (text or "").strip()
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
