"""``otel-sqlite merge``: many files into one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.options import FilePath
from otel_sqlite_exporter.cli.output import say
from otel_sqlite_exporter.reading import units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_sqlite_exporter.sending.merge import Merged


@click.command("merge")
@click.argument("out", metavar="OUT", type=FilePath())
@click.argument("inputs", metavar="FILE...", nargs=-1, required=True, type=FilePath())
def command(out: str, inputs: tuple[str, ...]) -> None:
    """Merge recorded files into one.

    OUT is made, or added to. To merge a file again adds what is new in it; after an interruption the same line goes on.
    A call that several files report counts once.

    Example: otel-sqlite merge all.db web-1.db web-2.db
    """
    from otel_sqlite_exporter.sending.merge import count_spans, merge_files  # noqa: PLC0415 - other commands do without

    def merged(path: str, result: Merged) -> None:
        if path != out:
            say(f"{path}: {units.counted(result.spans, 'span')}, {result.new:,} of them new")
        elif result.duplicates:
            repeated = units.counted(result.duplicates, "span reports a call", "spans report calls")
            say(f"{path}: {repeated} that another file has")

    with _progress(lambda: sum(map(count_spans, inputs))) as advance:
        merge_files(out, inputs, merged=merged, advance=advance)


@contextlib.contextmanager
def _progress(total: Callable[[], int]) -> Iterator[Callable[[int], None]]:
    """Show a bar where somebody looks; give what is told how many spans were merged."""
    from rich.console import Console  # noqa: PLC0415 - only here
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("spans", total=total())
        yield lambda number: progress.advance(task, number)
