"""``otel-sqlite conversations``: the list of conversations."""

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

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


@click.command("conversations")
@limit_option(20)
@filter_options
@seconds_option
@form_options
@database_option
@pass_asked
def command(asked: Asked, /, limit: int, form: Form | None, **filters: str | None) -> None:
    """List conversations, the one that was written to last first.

    Example: otel-sqlite conversations --user ada
    """
    from otel_sqlite_exporter.cli.columns import CONVERSATIONS  # noqa: PLC0415 - rich comes with it

    wanted = filters_of(filters)
    write_rows(asked.open().conversations(wanted, limit=limit), form, CONVERSATIONS, "no conversations")
