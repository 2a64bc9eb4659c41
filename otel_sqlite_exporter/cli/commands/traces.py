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
)
from otel_sqlite_exporter.cli.output import write_rows

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


@click.command("traces")
@limit_option(20)
@filter_options
@form_options
@database_option
@pass_asked
def command(asked: Asked, /, limit: int, form: Form | None, **filters: str | None) -> None:
    """List traces, those with the newest steps first.

    Example: otel-sqlite traces --agent support --since today
    """
    from otel_sqlite_exporter.cli.columns import TRACES  # noqa: PLC0415 - rich comes with it

    wanted = filters_of(filters)
    write_rows(asked.open().traces(wanted, limit=limit), form, TRACES, "no traces")
