"""``otel-sqlite latency``: how long calls take."""

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
from otel_sqlite_exporter.reading.grouping import fields_among
from otel_sqlite_exporter.reading.latency import LATENCY_GROUPS

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


@click.command("latency")
@click.option(
    "--by", default="model", show_default=True, metavar="GROUP", help=f"One or more of {','.join(LATENCY_GROUPS)}."
)
@filter_options
@form_options
@database_option
@pass_asked
def command(asked: Asked, /, by: str, form: Form | None, **filters: str | None) -> None:
    """Show how long calls took, in percentiles.

    Of calls that did not fail: half, 95 and 99 of 100 took no longer; and the time to the first token.

    Example: otel-sqlite latency --since 24h
    """
    from otel_sqlite_exporter.cli.columns import latency_columns  # noqa: PLC0415 - rich comes with it

    wanted = filters_of(filters)
    rows = asked.open().latency(wanted, by=by)
    write_rows(rows, form, latency_columns(fields_among(rows.columns)), "no calls")
