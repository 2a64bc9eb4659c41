"""``otel-sqlite tools``: what tools did."""

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
    seconds_option,
)
from otel_sqlite_exporter.cli.output import why_nothing, write_rows

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


@click.command("tools")
@filter_options
@seconds_option
@form_options
@database_option
@pass_asked
def command(asked: Asked, /, form: Form | None, **filters: str | None) -> None:
    """Show each tool's runs, failures and times.

    The one that took most time in all comes first.

    Example: otel-sqlite tools --agent fixer
    """
    from otel_sqlite_exporter.cli.columns import TOOLS  # noqa: PLC0415 - rich comes with it

    wanted = filters_of(filters)
    database = asked.open()
    write_rows(
        database.tools(wanted),
        form,
        TOOLS,
        "no tool has run",
        why=lambda: why_nothing(database.tools, wanted),
    )
