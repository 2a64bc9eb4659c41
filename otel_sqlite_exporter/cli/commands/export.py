"""``otel-sqlite export``: calls out of the file."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from otel_sqlite_exporter.cli.options import Asked, database_option, filter_options, filters_of, pass_asked
from otel_sqlite_exporter.cli.output import say
from otel_sqlite_exporter.reading.exporting import EXPORT_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice(EXPORT_FORMATS),
    default="jsonl",
    show_default=True,
    help="jsonl: calls with messages; csv: a row each; openai: lines for fine-tuning; markdown: transcripts.",
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Where to; else standard output.")
@filter_options
@database_option
@pass_asked
def command(asked: Asked, /, form: str, output: str | None, **filters: str | None) -> None:
    """Write calls to a file, in a form for other programs.

    As JSON lines, CSV, lines for fine-tuning or Markdown; the oldest call first.

    Example: otel-sqlite export --format openai --model 'gpt-*' --status ok -o training.jsonl
    """
    wanted = filters_of(filters)
    database = asked.open(seconds=None)
    texts = database.export(form, wanted)
    with contextlib.ExitStack() as stack:
        target = sys.stdout if output is None else stack.enter_context(_created(output))
        written = 0
        if sys.stderr.isatty() and (output is not None or not sys.stdout.isatty()):
            texts = stack.enter_context(_progress(texts, database.count_calls(wanted)))
        for text in texts:
            target.write(text)
            written += bool(text)
    if output is not None:
        say(f"{output}: {written:,} calls")


def _created(path: str) -> TextIO:
    return Path(path).open("w", encoding="utf-8", newline="")


@contextlib.contextmanager
def _progress(texts: Iterator[str], total: int) -> Iterator[Iterator[str]]:
    from rich.console import Console  # noqa: PLC0415 - only where somebody looks
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield iter(progress.track(texts, total=total, description="calls"))
