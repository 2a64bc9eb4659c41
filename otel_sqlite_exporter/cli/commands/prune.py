"""``otel-sqlite prune``: delete the oldest traces. The only command that writes into a recorded file."""

from __future__ import annotations

import re
import time
from typing import Final

import click

from otel_sqlite_exporter.cli.options import Asked, database_option, pass_asked
from otel_sqlite_exporter.config import MIN_DATABASE_BYTES
from otel_sqlite_exporter.database.essentials import DAY_NANOSECONDS
from otel_sqlite_exporter.reading import FilterError, ReadingError, units
from otel_sqlite_exporter.reading.moments import parse_moment

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(k|m|g|t)?i?b?", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}


@click.command("prune")
@click.option("--older-than", metavar="TIME", help="Delete traces that ended before then: 30d, 12h, a date.")
@click.option("--max-bytes", metavar="SIZE", help="Delete the oldest traces until the file is no larger: 500MB, 2GB.")
@click.option("--dry-run", is_flag=True, help="Say about what would go, and delete nothing.")
@database_option
@pass_asked
def command(asked: Asked, /, older_than: str | None, max_bytes: str | None, *, dry_run: bool) -> None:
    """Delete the oldest traces.

    They go whole, and their space is given back. A recorder may go on meanwhile.

    Example: otel-sqlite prune --older-than 30d --dry-run
    """
    from otel_sqlite_exporter.config import exporter_options  # noqa: PLC0415 - of all commands only this one writes
    from otel_sqlite_exporter.database.prune_file import PruneError, prune_file, would_prune  # noqa: PLC0415

    if older_than is None and max_bytes is None:
        raise click.UsageError("say what may go: --older-than 30d, --max-bytes 500MB, or both")
    days, size = _days(older_than), _bytes(max_bytes)
    asked.open().close()  # the same words for a file that is missing or not ours as in every other command
    try:
        options = exporter_options(path=asked.path, retention_days=days, max_database_bytes=size)
        pruned = would_prune(options) if dry_run else prune_file(options)
    except ValueError as error:
        raise FilterError(str(error)) from None
    except PruneError as error:
        raise ReadingError(str(error)) from None
    spans = units.counted(pruned.spans, "span")
    sizes = f"{units.size(pruned.bytes_before)} → {units.size(pruned.bytes_after)}"
    click.echo(f"would delete about {spans}" if dry_run else f"deleted {spans}; {sizes}")
    if pruned.is_over_cap:
        raise ReadingError(f"{options.path} is still larger: its newest trace is never deleted")


def _days(text: str | None) -> float | None:
    if text is None:
        return None
    moment = parse_moment(text, "--older-than").unix_nano
    days = (time.time_ns() - moment) / DAY_NANOSECONDS if moment is not None else 0.0
    if days <= 0:
        raise FilterError(f"--older-than: {text!r} is not in the past; give 30d, 12h or a date")
    return days


def _bytes(text: str | None) -> int | None:
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise FilterError(f"--max-bytes: {text!r} is no size; give 500MB or 2GB")
    size = int(float(found[1]) * _UNITS[(found[2] or "").lower()])
    if size < MIN_DATABASE_BYTES:
        raise FilterError(f"--max-bytes: {text!r} is less than a file can shrink to; give 2MB or more")
    return size
