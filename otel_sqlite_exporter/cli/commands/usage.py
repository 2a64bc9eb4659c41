"""``otel-sqlite usage``: calls, tokens and cost by group."""

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
from otel_sqlite_exporter.cli.output import say, why_nothing, write_rows
from otel_sqlite_exporter.reading.grouping import GROUPS, fields_among
from otel_sqlite_exporter.reading.rows.sums import Usage
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.totals import total_of

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


@click.command("usage")
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
    """Show calls, errors, tokens and cost by group.

    Days are by UTC. The newest day comes first, then the dearest group.

    Example: otel-sqlite usage --by day,model --since 7d
    """
    from otel_sqlite_exporter.cli.columns import usage_columns, what_sums_lack  # noqa: PLC0415 - rich comes with it

    wanted = filters_of(filters)
    most = limit or (None if form else MOST_GROUPS)
    database = asked.open()
    rows = database.usage(wanted, by=by, limit=most)
    fields = fields_among(rows.columns)
    lacking = "" if form else what_sums_lack(rows)
    if form is None and 1 < len(rows) < (most or MOST_GROUPS):
        # What the sum is of stands in the first column, and the others say nothing.
        total = total_of(rows, dict.fromkeys(fields, "") | {rows.columns[0]: "in all"})
        rows = Rows(Usage, [*rows, total], rows.note, rows.columns)
    write_rows(
        rows,
        form,
        usage_columns(fields),
        "no calls",
        why=lambda: why_nothing(lambda filters: database.calls(filters, limit=1), wanted),
    )
    if lacking:
        say(lacking)
