"""``otel-sqlite usage``: calls, tokens and cost by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
from otel_sqlite_exporter.reading.rows import Usage
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.usage import GROUPS

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form


_SHOWN: Final = 100


@click.command("usage")
@click.option(
    "--by", default="model", show_default=True, metavar="GROUP", help=f"One or more of {','.join(GROUPS)}, with commas."
)
@click.option(
    "-n", "--limit", type=click.IntRange(1), help=f"How many groups.  [default: {_SHOWN} in a table, else all]"
)
@filter_options
@form_options
@database_option
@pass_asked
def command(asked: Asked, /, by: str, limit: int | None, form: Form | None, **filters: str | None) -> None:
    """Show calls, errors, tokens and cost by group.

    Days are by UTC. The dearest group comes first.

    Example: otel-sqlite usage --by day,model --since 7d
    """
    from otel_sqlite_exporter.cli.columns import usage_columns  # noqa: PLC0415 - rich comes with it

    wanted = filters_of(filters)
    most = limit or (None if form else _SHOWN)
    rows = asked.open().usage(wanted, by=by, limit=most)
    fields = [column for column in rows.columns if column in {field for field, _ in GROUPS.values()}]
    if form is None and 1 < len(rows) < (most or _SHOWN):
        rows = Rows(Usage, [*rows, _total(rows, fields)], rows.note, rows.columns)
    write_rows(rows, form, usage_columns(fields), "no calls")


def _total(rows: Rows[Usage], fields: list[str]) -> Usage:
    """Return the sum of the groups that are shown."""

    def total(field: str) -> int | None:
        values = [value for row in rows if (value := getattr(row, field)) is not None]
        return sum(values) if values else None

    calls, errors, asked, cached = (total(name) for name in ("calls", "errors", "input_tokens", "cache_read_tokens"))
    costs = [row.cost_usd for row in rows if row.cost_usd is not None]
    return Usage(
        **dict.fromkeys(fields, "") | {fields[0]: "in all"},
        calls=calls or 0,
        errors=errors or 0,
        error_rate=(errors or 0) / calls if calls else None,
        input_tokens=asked,
        output_tokens=total("output_tokens"),
        total_tokens=total("total_tokens"),
        cache_read_tokens=cached,
        cache_hit_rate=(cached or 0) / asked if asked else None,
        cost_usd=sum(costs) if costs else None,
    )
