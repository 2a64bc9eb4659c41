"""Print what was recorded. All that is known here comes out of the file, by plain SQL over its views."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

CALLS = """
SELECT request_model, input_tokens, output_tokens, duration_ms, status, error_type, status_message,
       input_text, output_text, tool_calls
FROM llm_calls WHERE start_time_unix_nano >= ? ORDER BY start_time_unix_nano
"""

TOTALS = """
SELECT model, sum(calls) AS calls, sum(errors) AS errors, sum(input_tokens) AS input_tokens,
       sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost_usd
FROM usage_by_model GROUP BY model ORDER BY calls DESC, model
"""

TREE = """
WITH RECURSIVE tree (span_id, depth, path) AS (
  SELECT span_id, 0, format('%020d', start_time_unix_nano) FROM spans
  WHERE trace_id = (SELECT trace_id FROM spans ORDER BY id DESC LIMIT 1) AND parent_span_id IS NULL
  UNION ALL
  SELECT s.span_id, depth + 1, path || format('%020d', s.start_time_unix_nano)
  FROM tree JOIN spans s ON s.parent_span_id = tree.span_id
)
SELECT depth, kind, name, (end_time_unix_nano - start_time_unix_nano) / 1e6 AS duration_ms,
       input_tokens, output_tokens, status
FROM tree JOIN spans USING (span_id) ORDER BY path
"""

_MAX_TEXT = 160


def show(path: str, *, since: int = 0) -> None:
    """Print the calls that started at or after ``since`` (Unix nanoseconds), and the totals of the whole file."""
    console = _console()
    console.print(_calls(_query(path, CALLS, since)), _totals(_query(path, TOTALS)))
    console.print(f"[bold]{Path(path).resolve()}[/] holds every call of every run. Ask it yourself:", soft_wrap=True)
    question = "SELECT start_time, model, total_tokens, input_text, output_text FROM llm_calls"
    console.print(f'\n  sqlite3 -box {path} "{question}"\n', style="cyan", soft_wrap=True, highlight=False)


def show_tree(path: str) -> None:
    """Print the spans of the trace that was recorded last, as a tree."""
    table = _table("The last trace")
    table.add_column("span")
    table.add_column("kind")
    table.add_column("tokens", justify="right")
    table.add_column("time", justify="right")
    for row in _query(path, TREE):
        table.add_row("  " * row["depth"] + row["name"], row["kind"], _tokens(row), f"{row['duration_ms']:.0f} ms")
    _console().print(table)


def _query(path: str, sql: str, *values: object) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(sql, values).fetchall()


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


def _calls(rows: list[sqlite3.Row]) -> Table:
    table = _table("Recorded calls")
    table.add_column("model", max_width=24, no_wrap=True)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("question", overflow="fold")
    table.add_column("answer", overflow="fold")
    for row in rows:
        failed = row["status"] == "error"
        table.add_row(
            row["request_model"],
            _tokens(row),
            f"{row['duration_ms']:.0f} ms",
            Text("error", "red") if failed else Text("ok", "green"),
            Text(_short(row["input_text"])),
            Text(_short(row["status_message"] or row["error_type"]), "red") if failed else Text(_answer(row)),
        )
    return table


def _totals(rows: list[sqlite3.Row]) -> Table:
    table = _table("Totals of the file")
    table.add_column("model", overflow="fold")
    for name in ("calls", "errors", "input", "output", "cost"):
        table.add_column(name, justify="right")
    for row in rows:
        cost = "" if row["cost_usd"] is None else f"${row['cost_usd']:.7f}"
        counts = [row[name] for name in ("calls", "errors", "input_tokens", "output_tokens")]
        table.add_row(row["model"], *("" if count is None else f"{count:,}" for count in counts), cost)
    return table


def _tokens(row: sqlite3.Row) -> str:
    """``in → out``, each only where it was reported."""
    told, said = row["input_tokens"], row["output_tokens"]
    if told is None and said is None:
        return ""
    return f"{'' if told is None else told} → {'' if said is None else said}"


def _answer(row: sqlite3.Row) -> str:
    """Give the text of the answer, or the tool calls as a Python programmer would write them."""
    if not row["tool_calls"]:
        return _short(row["output_text"])
    return ", ".join(f"{call['name']}({_arguments(call['arguments'])})" for call in json.loads(row["tool_calls"]))


def _arguments(arguments: object) -> str:
    """Write a tool call's arguments; they are a JSON object, or JSON in a string, as the SDK had them."""
    given = json.loads(arguments) if isinstance(arguments, str) else arguments
    return ", ".join(f"{key}={value!r}" for key, value in given.items()) if isinstance(given, dict) else str(given)


def _short(text: str | None) -> str:
    text = (text or "").strip()
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
