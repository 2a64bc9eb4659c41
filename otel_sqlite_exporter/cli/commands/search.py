"""``otel-sqlite search``: where a text stands."""

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
from otel_sqlite_exporter.cli.output import write_rows
from otel_sqlite_exporter.reading.search import DIRECTIONS

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


@click.command("search")
@click.argument("wanted", metavar="TEXT")
@limit_option(20)
@click.option("--in", "direction", type=click.Choice(DIRECTIONS), help="Only there; output: answers, results of tools.")
@click.option("--before", type=int, metavar="ID", help="Go on further back, from where the last search stopped.")
@filter_options
@seconds_option
@form_options
@database_option
@pass_asked
def command(
    asked: Asked,
    /,
    wanted: str,
    limit: int,
    *,
    direction: str | None,
    before: int | None,
    form: Form | None,
    **filters: str | None,
) -> None:
    """Find a text in prompts, answers, tools and errors.

    The newest comes first. A message that many calls repeat is shown once. Case does not matter.

    Example: otel-sqlite search "rate limit" --since 7d
    """
    if filters.pop("text") is not None:
        raise click.UsageError("give the text once: otel-sqlite search TEXT")
    only = filters_of(filters)
    hits = asked.open().search(wanted, only, limit=limit, direction=direction, before=before)
    from otel_sqlite_exporter.cli.columns import HITS  # noqa: PLC0415 - rich comes with it

    write_rows(hits, form, HITS, "found nothing")
