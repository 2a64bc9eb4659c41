"""``otel-sqlite demo``: a file to look at before anything was recorded."""

from __future__ import annotations

import click

from otel_sqlite_exporter.cli.options import FilePath
from otel_sqlite_exporter.cli.output import say


@click.command("demo")
@click.argument("file", type=FilePath(), default="demo.db")
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="Over how many days.")
def command(file: str, days: int) -> None:
    """Write a demonstration file, to look at before recording.

    It has agents with tools, chats, streams and failures, of several models, days and users.

    Example: otel-sqlite demo demo.db && otel-sqlite -d demo.db
    """
    from otel_sqlite_exporter.demo.file import write_demo  # noqa: PLC0415 - OpenTelemetry's SDK comes with it

    spans = write_demo(file, days=days)
    say(f"{file}: {spans:,} spans; look at it with: otel-sqlite -d {file}")
