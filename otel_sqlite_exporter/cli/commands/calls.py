"""``otel-sqlite calls``: the list of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.options import (
    Asked,
    database_option,
    filter_options,
    filters_of,
    form_options,
    pass_asked,
)
from otel_sqlite_exporter.cli.output import write_rows

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


@click.command("calls")
@click.option("-n", "--limit", default=20, show_default=True, type=click.IntRange(1), help="How many.")
@filter_options
@form_options
@database_option
@pass_asked
def command(asked: Asked, /, limit: int, form: Form | None, **filters: str | None) -> None:
    """List LLM calls, the newest first.

    Example: otel-sqlite calls --status error --since 2h
    """
    wanted = filters_of(filters)
    write_rows(asked.open().calls(wanted, limit=limit), form)
