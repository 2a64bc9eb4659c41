"""``otel-sqlite show``: one call as a transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.cli.options import Asked, database_option, form_option, id_argument, pass_asked
from otel_sqlite_exporter.reading import NotFoundError, units
from otel_sqlite_exporter.reading.blocks import told
from otel_sqlite_exporter.reading.building import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from otel_sqlite_exporter.reading.changes import Changes
    from otel_sqlite_exporter.reading.transcript import CallDetail

_FORMS = ("json", "markdown", "python", "openai")


@click.command("show", context_settings={"ignore_unknown_options": True})
@id_argument("call_id", "[ID]", default="-1")
@click.option("--changes", is_flag=True, help="What is new against the previous call, and where the prompt diverged.")
@click.option("--all", "is_whole", is_flag=True, help="Fold nothing: long texts and reasoning as well.")
@form_option("json", "Everything that is known, as one JSON object.")
@form_option("markdown", "The transcript as Markdown.")
@form_option("python", "Python code that repeats the request.")
@form_option("openai", "A line for fine-tuning, in OpenAI's format.")
@database_option
@pass_asked
def command(asked: Asked, /, call_id: str, form: str | None, *, changes: bool, is_whole: bool) -> None:
    """Show one call: its messages, tools, numbers.

    ID is a number of the list; -1, or nothing, is the last call, -2 the one before. Steps of a trace are shown as well.

    Example: otel-sqlite show -1 --changes
    """
    if changes and form not in {None, "json"}:
        raise click.UsageError("--changes goes with --json or alone")
    database = asked.open()
    if changes:
        found = database.changes(call_id)
        if form == "json":
            click.echo(found.json(indent=2))
        elif screen.is_terminal():
            screen.show(*_changes(found, is_whole=is_whole))
        else:
            click.echo(_changes_markdown(found), nl=False)
        return
    detail = database.call(call_id)
    if form is None and screen.is_terminal():
        screen.show(*_call(detail, is_whole=is_whole))
    else:
        click.echo(_text(detail, form or "markdown"), nl=False)


def _text(detail: CallDetail, form: str) -> str:
    """Return a call in a form that goes on somewhere else."""
    from otel_sqlite_exporter.reading.openai_form import fine_tuning_line  # noqa: PLC0415 - one of these is needed
    from otel_sqlite_exporter.reading.python_form import python_code  # noqa: PLC0415

    if form == "json":
        return detail.json(indent=2) + "\n"
    if form == "markdown":
        return detail.markdown()
    if form == "python":
        return python_code(detail)
    line = fine_tuning_line(detail)
    if line is None:
        raise NotFoundError(f"call {detail.call.id} has no answer to learn from")
    return json_text(line) + "\n"


def _call(detail: CallDetail, *, is_whole: bool) -> Iterator[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - a pipe does without

    from otel_sqlite_exporter.cli.transcript import failure, head, transcript  # noqa: PLC0415

    yield from head(detail.call)
    parameters = ", ".join(f"{name} {value}" for name, value in detail.parameters.items())
    if parameters:
        yield Text(parameters, style="dim")
    if detail.asked_by_id is not None:
        yield Text(f"asked for by call {detail.asked_by_id}: otel-sqlite show {detail.asked_by_id}", style="dim")
    if detail.reports:
        yield Text(f"also reported as {', '.join(map(str, detail.reports))}", style="dim")
    if detail.attributes_evicted:
        yield Text("the SDK's limit took attributes of it, see 'otel-sqlite doctor'", style="red")
    if detail.left_out:
        yield Text(f"{detail.left_out:,} earlier messages are left out (--json has them counted)", style="dim")
    if not detail.messages:
        yield Text("no messages were recorded; 'otel-sqlite doctor' tells why", style="dim")
    yield from transcript(told(detail.messages), is_whole=is_whole)
    yield from failure(detail.call)


def _changes(found: Changes, *, is_whole: bool) -> Iterator[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - JSON does without

    from otel_sqlite_exporter.cli.transcript import failure, head, transcript  # noqa: PLC0415

    yield from head(found.call)
    yield Text(found.summary, style="bold" if found.diverges_at is None else "bold red")
    for line in map(units.visible, found.divergence):
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else "dim"
        yield Text(line, style=style)
    new = {(message.direction, message.position) for message in found.added}
    yield from transcript(
        [one for one in told(found.prompt) if (one[0].direction, one[0].position) in new], is_whole=is_whole
    )
    yield from failure(found.call)


def _changes_markdown(found: Changes) -> str:
    from otel_sqlite_exporter.reading.markdown_form import call_markdown  # noqa: PLC0415 - a terminal does without

    lines = "\n".join(f"    {units.visible(line)}" for line in found.divergence)
    return call_markdown(found.call, found.added, [found.summary, *filter(None, [lines])])
