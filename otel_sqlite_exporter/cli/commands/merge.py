"""``otel-sqlite merge``: many files into one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_sqlite_exporter.sending.merge import Merged


@click.command("merge")
@click.argument("out", metavar="OUT", type=click.Path(dir_okay=False))
@click.argument("inputs", metavar="FILE...", nargs=-1, required=True, type=click.Path(dir_okay=False))
def command(out: str, inputs: tuple[str, ...]) -> None:
    """Merge recorded files into one.

    OUT is made, or added to. To merge a file again adds what is new in it; after an interruption the same line goes on.
    A call that several files report counts once.

    Example: otel-sqlite merge all.db web-1.db web-2.db
    """
    from otel_sqlite_exporter.sending.merge import merge_files  # noqa: PLC0415 - other commands do without

    def merged(path: str, result: Merged) -> None:
        if path != out:
            say(f"{path}: {result.spans:,} spans, {result.new:,} of them new")
        elif result.duplicates:
            say(f"{path}: {result.duplicates:,} spans report calls that another file has")

    with _progress() as advance:
        merge_files(out, inputs, merged=merged, advance=advance)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Show how many spans were merged, where somebody looks."""
    from rich.console import Console  # noqa: PLC0415 - only here
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn  # noqa: PLC0415

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (SpinnerColumn(), MofNCompleteColumn(), TextColumn("spans"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("merge", total=None)
        yield lambda number: progress.advance(task, number)
