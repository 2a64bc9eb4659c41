"""``otel-sqlite calls``: the list of calls."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

from otel_sqlite_exporter.cli.options import (
    Asked,
    database_option,
    filter_options,
    filters_of,
    form_options,
    limit_option,
    pass_asked,
    seconds_option,
)
from otel_sqlite_exporter.cli.output import why_nothing, write_rows
from otel_sqlite_exporter.reading.building import json_text
from otel_sqlite_exporter.reading.calls import SORTS
from otel_sqlite_exporter.reading.filters import CALL_KINDS

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form
    from otel_sqlite_exporter.reading import Call, Database, Filters

_POLL_SECONDS: Final = 0.1


@click.command("calls")
@limit_option(20)
@click.option(
    "--sort",
    type=click.Choice(tuple(SORTS)),
    default="time",
    show_default=True,
    help="What comes first: the newest, or the largest.",
)
@click.option("--before", type=int, metavar="ID", help="Go on after the last call of the page before.")
@click.option("-f", "--follow", is_flag=True, help="Show calls as they are recorded; with --json one object a line.")
@filter_options
@seconds_option
@form_options
@database_option
@pass_asked
def command(
    asked: Asked,
    /,
    limit: int,
    sort: str,
    before: int | None,
    form: Form | None,
    *,
    follow: bool,
    **filters: str | None,
) -> None:
    """List LLM calls, the newest first.

    Example: otel-sqlite calls --status error --since 2h
    """
    wanted = filters_of(filters)
    if follow and (form == "csv" or sort != "time" or before is not None):
        raise click.UsageError("--follow shows calls as they come: without --csv, --sort and --before")
    database = asked.open()
    if follow:
        _follow(database, wanted, limit, form)
        return
    from otel_sqlite_exporter.cli.columns import CALLS, FOUND_CALLS  # noqa: PLC0415 - rich comes with it

    columns = CALLS if wanted.text is None else FOUND_CALLS

    def why() -> str:
        # A tool that runs is a step of its own, and so is everything that is no kind of model call.
        if wanted.kind not in {None, *CALL_KINDS}:
            place = {"tool": "tools", "agent": "traces"}.get(wanted.kind or "", "trace ID")
            return f" are of kind {wanted.kind}, only {' and '.join(CALL_KINDS)}; see: otel-sqlite {place}"
        because = why_nothing(lambda filters: database.calls(filters, limit=1), wanted)
        if wanted.tool is not None and database.tools(wanted):
            because += f"; the runs of {wanted.tool}: otel-sqlite tools --tool {wanted.tool}"
        return because

    write_rows(database.calls(wanted, limit=limit, sort=sort, before=before), form, columns, "no calls", why=why)


def _follow(database: Database, wanted: Filters, limit: int, form: Form | None) -> None:
    seen = database.last_id()
    _write(list(reversed(database.calls(wanted, limit=limit))), form, has_head=True)
    while True:
        time.sleep(_POLL_SECONDS)
        newest = database.last_id()
        if newest > seen:
            _write([call for call in database.calls_after(seen, wanted) if call.id <= newest], form, has_head=False)
            seen = newest


def _write(calls: list[Call], form: Form | None, *, has_head: bool) -> None:
    if form == "json":
        for call in calls:
            click.echo(json_text(call))
        return
    from otel_sqlite_exporter.cli import screen  # noqa: PLC0415 - rich comes with it
    from otel_sqlite_exporter.cli.columns import FOLLOWED_CALLS  # noqa: PLC0415
    from otel_sqlite_exporter.cli.table import lines  # noqa: PLC0415

    for line in lines(FOLLOWED_CALLS, calls, has_head=has_head):
        screen.console().print(line, soft_wrap=True)
