"""``otel-sqlite`` alone: one screen that answers the commonest questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.reading import Database, units
from otel_sqlite_exporter.reading.building import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

_CALLS: Final = 10
_FAILURES: Final = 5


def overview(database: Database, form: str | None) -> None:
    """Show today's and this week's usage by model, the last calls, what failed today, and what is missing.

    Args:
        database: The file.
        form: ``json`` for one object; None for the screen.
    """
    if form == "json":
        answer = {
            "today": database.usage(since="today").dicts(),
            "week": database.usage(since="7d").dicts(),
            "calls": database.calls(limit=_CALLS).dicts(),
            "errors": database.error_summaries(since="24h").dicts(),
            "problems": list(database.status().problems),
        }
        click.echo(json_text(answer, indent=2))
        return
    screen.show(*_overview(database))


def _overview(database: Database) -> Iterator[Text]:
    from rich.text import Text  # noqa: PLC0415 - JSON does without

    from otel_sqlite_exporter.cli.columns import CALLS, ERROR_SUMMARIES, usage_columns, what_sums_lack  # noqa: PLC0415
    from otel_sqlite_exporter.cli.table import lines  # noqa: PLC0415

    status = database.status()
    yield Text(
        f"{units.visible(database.path)}  {units.size(status.size_bytes)}, {units.counted(status.calls, 'call')}, "
        f"the last {units.full_time(status.last_unix_nano)}",
        style="dim",
    )
    for problem in status.problems:
        yield Text(f"! {problem}; see 'otel-sqlite status'", style="red")
    for title, since in (("Today (UTC)", "today"), ("The last 7 days", "7d")):
        rows = database.usage(since=since)
        yield from _headed(title, lines(usage_columns(["model"]), rows) if rows else [Text("no calls", style="dim")])
        lacking = what_sums_lack(rows)
        if lacking:
            yield Text(lacking, style="dim")
    calls = database.calls(limit=_CALLS)
    if calls:
        yield from _headed("Last calls", lines(CALLS, calls))
    failures = database.error_summaries(since="24h")
    if failures:
        yield from _headed("Failed in the last 24 hours", lines(ERROR_SUMMARIES, failures[:_FAILURES]))
    yield Text("")
    yield Text("otel-sqlite show -1 · trace -1 · usage --by day · errors · search TEXT · --help", style="dim")


def _headed(title: str, body: list[Text]) -> Iterator[Text]:
    from rich.text import Text  # noqa: PLC0415 - as above

    yield Text("")
    yield Text(title, style="bold cyan")
    yield from body
