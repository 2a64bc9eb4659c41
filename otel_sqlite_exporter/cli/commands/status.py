"""``otel-sqlite status``: the file itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.cli.options import Asked, database_option, form_option, pass_asked
from otel_sqlite_exporter.reading import units

if TYPE_CHECKING:
    from rich.text import Text

    from otel_sqlite_exporter.reading.status import Status


@click.command("status")
@form_option("json", "All of it as one JSON object.")
@database_option
@pass_asked
def command(asked: Asked, /, form: str | None) -> None:
    """Show the file, and whether anything is missing in it.

    Its size and period, and who recorded into it.

    Example: otel-sqlite status
    """
    found = asked.open().status()
    if form == "json":
        click.echo(found.json(indent=2))
    else:
        screen.show(*_status(found))


def _status(found: Status) -> list[Text]:
    from rich.text import Text  # noqa: PLC0415 - JSON does without

    from otel_sqlite_exporter.cli.columns import OUTBOXES, RECORDERS  # noqa: PLC0415
    from otel_sqlite_exporter.cli.table import lines  # noqa: PLC0415

    shown = [
        Text(units.visible(found.path), style="bold"),
        Text(
            f"{units.size(found.size_bytes)} · {units.counted(found.spans, 'span')} · "
            f"{units.counted(found.calls, 'call')}, {found.errors:,} failed · "
            f"{units.full_time(found.first_unix_nano)} to {units.full_time(found.last_unix_nano)} · "
            f"schema {found.schema_version}",
            style="dim",
        ),
    ]
    problems = found.problems
    shown += [Text(f"! {problem}", style="red") for problem in problems]
    if not problems:
        shown.append(Text("✓ every span that was received is here, or was skipped on purpose", style="green"))
    if found.recorders:
        shown += [Text(""), *lines(RECORDERS, found.recorders[:20])]
    if len(found.recorders) > 20:  # noqa: PLR2004 - as above
        shown.append(Text(f"and {len(found.recorders) - 20:,} earlier processes (--json)", style="dim"))
    if found.outboxes:
        shown += [Text(""), *lines(OUTBOXES, found.outboxes)]
    return shown
