"""How an answer is shown: a table, JSON or CSV."""

from __future__ import annotations

import csv
import re
import sys
from typing import TYPE_CHECKING, TypeVar

import click

from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.reading.notes import SearchedTo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otel_sqlite_exporter.cli.options import Form
    from otel_sqlite_exporter.cli.table import Column
    from otel_sqlite_exporter.reading import Filters, Rows

_Row = TypeVar("_Row")


def write_rows(
    rows: Rows[_Row],
    form: Form | None,
    columns: Sequence[Column[_Row]],
    nothing: str,
    *,
    why: Callable[[], str] = str,
) -> None:
    """Write rows to standard output.

    Args:
        rows: The rows.
        form: What was asked for; None for a table.
        columns: The table's columns.
        nothing: What to say where there are no rows.
        why: What to say about why there are none, behind that.
    """
    if form == "json":
        click.echo(rows.json(indent=2))
        _say_note(rows)
    elif form == "csv":
        writer = csv.DictWriter(sys.stdout, rows.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.flat())
        _say_note(rows)
    elif not rows:
        if rows.is_partial:
            _say_note(rows)
        else:
            say((f"{nothing} ({in_options(rows.note)})" if rows.note else nothing) + why())
    else:
        from otel_sqlite_exporter.cli.table import lines  # noqa: PLC0415 - JSON does without rich

        screen.show(*lines(columns, rows))
        _say_note(rows)


def _say_note(rows: Rows[_Row]) -> None:
    """Tell what to know about an answer, whatever its form: one that was cut short must not read as "none"."""
    note = rows.note
    if isinstance(note, SearchedTo):
        found = "searched" if rows else "nothing found"
        say(f"{found} back to {note.reached}; go on with --until {note.until} or --seconds {note.more_seconds}")
    elif note:
        say(in_options(note))


def why_nothing(ask: Callable[[Filters], Rows[object]], filters: Filters) -> str:
    """Return which filters leave nothing, and what to try.

    Args:
        ask: The question that found nothing; one row of an answer is enough.
        filters: What it was asked with.
    """
    from otel_sqlite_exporter.reading.nothing import filters_too_many  # noqa: PLC0415 - where there is nothing

    options = {name: f"--{name} {value}" for name, value in filters.values().items() if name in filters.narrowing()}
    if not options:
        return ""
    found, is_sure = filters_too_many(ask, filters)
    if found:
        return f": there are some without {' or without '.join(options[name] for name in found)}"
    if not is_sure:
        return ""
    return (
        f", whichever of {', '.join(options.values())} is left out" if len(options) > 1 else ", nor without the filter"
    )


def in_options(note: str) -> str:
    """Return a note of an answer in the words of the command line."""
    return re.sub(r"\b(since|until)=", r"--\1 ", note)


def say(text: str) -> None:
    """Tell something about the answer, on standard error: what is piped is the answer alone."""
    click.echo(click.style(text, dim=True), err=True)
