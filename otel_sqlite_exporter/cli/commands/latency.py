"""``otel-sqlite latency``: how long calls take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.options import (
    LIMIT_OF_GROUPS,
    MOST_GROUPS,
    Asked,
    database_option,
    filter_options,
    filters_of,
    form_options,
    pass_asked,
    seconds_option,
)
from otel_sqlite_exporter.cli.output import why_nothing, write_rows
from otel_sqlite_exporter.reading.grouping import GROUPS, fields_among

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


@click.command("latency")
@click.option(
    "--by", default="model", show_default=True, metavar="GROUP", help=f"One or more of {','.join(GROUPS)}, with commas."
)
@click.option("-n", "--limit", type=click.IntRange(1), help=LIMIT_OF_GROUPS)
@filter_options
@seconds_option
@form_options
@database_option
@pass_asked
def command(asked: Asked, /, by: str, limit: int | None, form: Form | None, **filters: str | None) -> None:
    """Show how long calls took, in percentiles.

    Of calls that did not fail: half, 95 and 99 of 100 took no longer. The time to the first token is that of the calls
    that reported one, mostly streams ('streamed' says how many): where other calls are quicker, it is longer than p50.

    Example: otel-sqlite latency --since 24h
    """
    from otel_sqlite_exporter.cli.columns import latency_columns  # noqa: PLC0415 - rich comes with it

    wanted = filters_of(filters)
    database = asked.open()
    rows = database.latency(wanted, by=by, limit=limit or (None if form else MOST_GROUPS))
    write_rows(
        rows,
        form,
        latency_columns(fields_among(rows.columns)),
        "no calls",
        why=lambda: why_nothing(database.latency, wanted),
    )
