"""``otel-sqlite chat``: one conversation, each message once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.cli.options import Asked, database_option, form_option, id_argument, pass_asked
from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.reading.blocks import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from otel_sqlite_exporter.reading.conversations import Chat


@click.command("chat", context_settings={"ignore_unknown_options": True})
@id_argument("conversation_id", "[ID]", default="-1")
@click.option("--all", "is_whole", is_flag=True, help="Fold nothing: long texts and reasoning as well.")
@form_option("json", "The conversation as one JSON object.")
@form_option("markdown", "The conversation as Markdown.")
@database_option
@pass_asked
def command(asked: Asked, /, conversation_id: str, form: str | None, *, is_whole: bool) -> None:
    """Show one conversation, each message once.

    ID is a conversation's id or its beginning; -1, or nothing, is the last one.

    Example: otel-sqlite chat -1
    """
    found = asked.open().conversation(conversation_id)
    if form == "json":
        click.echo(found.json(indent=2))
    elif form == "markdown" or not screen.is_terminal():
        click.echo(found.markdown(), nl=False)
    else:
        screen.show(*_chat(found, is_whole=is_whole))


def _chat(found: Chat, *, is_whole: bool) -> Iterator[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - JSON does without

    from otel_sqlite_exporter.cli.transcript import failure, transcript  # noqa: PLC0415

    row = found.conversation
    yield Text(f"conversation {units.one_line(row.conversation_id, 200)}", style="bold")
    yield Text(
        f"{units.full_time(row.start_time_unix_nano)} · {units.counted(row.llm_calls, 'call')} · "
        f"{units.tokens(row.total_tokens)} tokens · {units.money(row.cost_usd)}"
        + (f" · user {units.one_line(row.user_id, 100)}" if row.user_id else ""),
        style="dim",
    )
    if found.left_out:
        yield Text(f"{found.left_out:,} earlier calls are left out", style="dim")
    names: dict[str, str] = {}
    for turn in found.turns:
        call = turn.call
        yield Text("")
        yield Text(
            f"{units.local_time(call.start_time_unix_nano)}  call {call.id}  {units.one_line(call.model or '', 100)}  "
            f"{units.duration(call.duration_ms)}"
            + ("  the prompt does not go on from before" if turn.has_diverged else ""),
            style="dim",
        )
        yield from transcript(told(turn.messages, names), is_whole=is_whole)
        yield from failure(call)
