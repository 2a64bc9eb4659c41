"""``otel-sqlite traces``: the list of traces."""

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
from otel_sqlite_exporter.reading.traces import SORTS

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


@click.command("traces")
@limit_option(20)
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default="time",
    show_default=True,
    help="What comes first: the newest step, the largest, or the newest start.",
)
@filter_options
@seconds_option
@form_options
@database_option
@pass_asked
def command(asked: Asked, /, limit: int, sort: str, form: Form | None, **filters: str | None) -> None:
    """List traces, the newest or the largest first.

    Example: otel-sqlite traces --sort cost --since today
    """
    from otel_sqlite_exporter.cli.columns import TRACES  # noqa: PLC0415 - rich comes with it

    wanted = filters_of(filters)
    database = asked.open()
    write_rows(
        database.traces(wanted, limit=limit, sort=sort),
        form,
        TRACES,
        "no traces",
        why=lambda: why_nothing(lambda filters: database.traces(filters, limit=1), wanted),
    )
