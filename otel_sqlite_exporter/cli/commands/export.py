"""``otel-sqlite export``: calls out of the file."""

from __future__ import annotations

import contextlib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from otel_sqlite_exporter.cli.options import Asked, FilePath, database_option, filter_options, filters_of, pass_asked
from otel_sqlite_exporter.cli.output import say
from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.reading.exporting import EXPORT_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARQUET: Final = "parquet"


@click.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice([*EXPORT_FORMATS, _PARQUET]),
    default="jsonl",
    show_default=True,
    help="jsonl: calls with messages; csv: a row each; openai: lines for fine-tuning; markdown: transcripts; "
    "parquet: a directory of files by day.",
)
@click.option(
    "--layout",
    type=click.Choice(["calls", "otel"]),
    default="calls",
    show_default=True,
    help="Of Parquet: calls with nested messages, or all spans in the columns of a Collector's otel_traces.",
)
@click.option(
    "--every-call",
    is_flag=True,
    help="Of openai: a line also for each call that a later one sends again as its history.",
)
@click.option("-o", "--output", metavar="FILE", type=FilePath(dir_okay=True), help="Where to; else standard output.")
@filter_options
@database_option
@pass_asked
def command(
    asked: Asked, /, form: str, layout: str, output: str | None, *, every_call: bool, **filters: str | None
) -> None:
    """Write calls to a file, in a form for other programs.

    As JSON lines, CSV, lines for fine-tuning or Markdown, the oldest call first; or as Parquet, where a repeated export
    writes the same files again. Lines for fine-tuning are whole conversations, each once: where a call sends an earlier
    one's prompt and answer again, it has what that one would teach.

    Example: otel-sqlite export --format openai --model 'gpt-*' --status ok -o training.jsonl
    """
    if every_call and form != "openai":
        raise click.UsageError("--every-call is about --format openai")
    if form == _PARQUET:
        _write_parquet(asked, layout, output, is_filtered=any(value is not None for value in filters.values()))
        return
    wanted = filters_of(filters)
    database = asked.open(seconds=None)
    texts = database.export(form, wanted, every_call=every_call)
    with contextlib.ExitStack() as stack:
        target = sys.stdout if output is None else stack.enter_context(_created(output))
        written = 0
        if sys.stderr.isatty() and (output is not None or not sys.stdout.isatty()):
            # Of whole conversations nobody knows before how many there are.
            total = None if form == "openai" and not every_call else database.count_calls(wanted)
            texts = stack.enter_context(_progress(texts, total))
        for text in texts:
            target.write(text)
            written += bool(text)
    if output is not None:
        calls = units.counted(written, "call")
        if form == "openai":
            # A line is a whole conversation, and what has no answer to learn from has none.
            calls = f"{units.counted(written, 'line')} of {units.counted(database.count_calls(wanted), 'call')}"
        say(f"{output}: {calls}")


def _created(path: str) -> TextIO:
    return Path(path).open("w", encoding="utf-8", newline="")


@contextlib.contextmanager
def _progress(texts: Iterator[str], total: int | None) -> Iterator[Iterator[str]]:
    from rich.console import Console  # noqa: PLC0415 - only where somebody looks
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield iter(progress.track(texts, total=total, description="calls"))


def _write_parquet(asked: Asked, layout: str, output: str | None, *, is_filtered: bool) -> None:
    if output is None:
        raise click.UsageError("Parquet goes into a directory; name it with -o DIRECTORY")
    if is_filtered:
        raise click.UsageError("Parquet takes no filters: each file has its block of rows whole; filter what reads it")
    if find_spec("pyarrow") is None:
        raise click.ClickException("Parquet needs more: pip install 'otel-sqlite-exporter[parquet]'")
    from otel_sqlite_exporter.sending.parquet import export_parquet  # noqa: PLC0415 - not without the extra

    with asked.open(seconds=None) as database:
        path = database.path
    rows, files = export_parquet(path, output, layout)
    say(f"{output}: {units.counted(rows, 'row')} in {units.counted(files, 'file')}")
