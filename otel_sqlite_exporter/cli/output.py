"""How a list is shown: a table, JSON or CSV."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from otel_sqlite_exporter.cli.options import Form
    from otel_sqlite_exporter.reading import Rows


def write_rows(rows: Rows[object], form: Form | None) -> None:
    """Write rows to standard output.

    Args:
        rows: The rows.
        form: What was asked for; None for a table.
    """
    if form == "json":
        click.echo(rows.json(indent=2))
    elif form == "csv":
        writer = csv.DictWriter(sys.stdout, rows.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.flat())
    else:
        for row in rows:
            click.echo(repr(row))
