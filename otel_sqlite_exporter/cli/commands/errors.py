"""``otel-sqlite errors``: what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


@click.command("errors")
@click.option("--each", is_flag=True, help="One failure after the other, the newest first, instead of by place.")
@limit_option(50)
@filter_options
@seconds_option
@form_options
@database_option
@pass_asked
def command(asked: Asked, /, limit: int, form: Form | None, *, each: bool, **filters: str | None) -> None:
    """Show what failed, where and how often.

    A failure counts once, where it began, not in every step that it passed through.

    Example: otel-sqlite errors --since 7d --each
    """
    from otel_sqlite_exporter.cli.columns import ERROR_SUMMARIES, ERRORS  # noqa: PLC0415 - rich comes with it

    wanted = filters_of(filters)
    database = asked.open()

    def why() -> str:
        return why_nothing(lambda filters: database.errors(filters, limit=1), wanted)

    if each:
        write_rows(database.errors(wanted, limit=limit), form, ERRORS, "no failures", why=why)
    else:
        write_rows(database.error_summaries(wanted)[:limit], form, ERROR_SUMMARIES, "no failures", why=why)
