"""``otel-sqlite diff``: two calls side by side."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

import click

from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.cli.options import Asked, database_option, form_option, id_argument, pass_asked
from otel_sqlite_exporter.reading import NotFoundError, units
from otel_sqlite_exporter.reading.blocks import blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.text import Text

    from otel_sqlite_exporter.reading.changes import Comparison, Pair
    from otel_sqlite_exporter.reading.rows.calls import Message
    from otel_sqlite_exporter.reading.transcript import CallDetail

_SIDE_BY_SIDE: Final = 100
_MOST_CHARACTERS: Final = 20_000


@click.command("diff", context_settings={"ignore_unknown_options": True})
@id_argument("left", "A")
@id_argument("right", "[B]", default="")
@form_option("json", "Both calls as one JSON object, and which messages differ.")
@database_option
@pass_asked
def command(asked: Asked, /, left: str, right: str, form: str | None) -> None:
    """Show how two calls differ: numbers, prompt and answer.

    Of one call alone: against the previous one of its conversation, agent or trace. What is new in it since then:
    otel-sqlite show ID --changes

    Example: otel-sqlite diff -2 -1
    """
    database = asked.open()
    if not right:
        changes = database.changes(left)
        if changes.previous is None:
            raise NotFoundError(f"call {changes.call.id} has no call before it; name two calls")
        left, right = str(changes.previous.id), str(changes.call.id)
    found = database.compare(left, right)
    if form == "json":
        click.echo(found.json(indent=2))
    else:
        screen.show(*_comparison(found))


def _comparison(found: Comparison) -> Iterator[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - JSON does without

    from otel_sqlite_exporter.cli.table import Column, lines  # noqa: PLC0415

    columns: list[Column[tuple[str, str, str]]] = [
        Column("", lambda fact: (fact[0], "dim")),
        Column("A", lambda fact: fact[1], least=12),
        Column("B", lambda fact: (fact[2], "" if fact[1] == fact[2] else "bold yellow"), least=12),
    ]
    yield from lines(columns, _facts(found.left, found.right), has_head=False)
    for pair in found.pairs:
        message = pair.left or pair.right
        if message is None:
            continue
        role = units.one_line(message.role or message.direction, 60)
        words = {"same": "the same", "changed": "changed", "left": "only in A", "right": "only in B"}
        yield Text(f"── {role}: {words[pair.tag]}", style="dim" if pair.tag == "same" else "bold")
        if pair.tag != "same":
            yield from _pair(pair)


def _facts(left: CallDetail, right: CallDetail) -> list[tuple[str, str, str]]:
    sides = []
    for detail in (left, right):
        call = detail.call
        sides.append(
            {
                "call": f"{call.id} {units.one_line(call.name or '', 100)}",
                "time": units.full_time(call.start_time_unix_nano),
                "model": units.one_line(call.model or units.NONE, 100),
                "tokens": f"{units.count(call.input_tokens)} → {units.count(call.output_tokens)}",
                "cached": units.count(call.cache_read_tokens),
                "cost": units.money(call.cost_usd),
                "took": units.duration(call.duration_ms),
                "status": units.one_line(call.error_type or "failed", 100) if call.status == "error" else "ok",
                **{name: units.one_line(str(value), 100) for name, value in detail.parameters.items()},
                "tools": f"{len(detail.tool_definitions)}",
            }
        )
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    return [(name, sides[0].get(name, units.NONE), sides[1].get(name, units.NONE)) for name in names]


def _pair(pair: Pair) -> Iterator[RenderableType]:
    from rich.table import Table  # noqa: PLC0415 - JSON does without

    left, right = _text(pair.left), _text(pair.right)
    if screen.is_terminal() and screen.width() >= _SIDE_BY_SIDE:
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(*_words(left, right))
        yield grid
    else:
        yield from _unified(left, right)


def _text(message: Message | None) -> str:
    if message is None:
        return ""
    shown = "\n".join(
        f"{block.name or ''} {block.text}".strip() if block.kind != "text" else block.text
        for block in blocks_of(message)
    )
    return units.visible(shown[:_MOST_CHARACTERS])


def _words(left: str, right: str) -> tuple[Text, Text]:
    """Return two texts in which the words that the other one lacks stand out."""
    from rich.text import Text  # noqa: PLC0415 - as above

    ours, theirs = re.findall(r"\s+|\S+", left), re.findall(r"\s+|\S+", right)
    shown = Text(), Text()
    for tag, first, last, other_first, other_last in difflib.SequenceMatcher(
        None, ours, theirs, autojunk=False
    ).get_opcodes():
        is_same = tag == "equal"
        shown[0].append("".join(ours[first:last]), None if is_same else "red")
        shown[1].append("".join(theirs[other_first:other_last]), None if is_same else "green")
    return shown


def _unified(left: str, right: str) -> Iterator[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - as above

    for line in difflib.ndiff(left.splitlines(), right.splitlines()):
        if not line.startswith("?"):
            yield Text(line, style="red" if line.startswith("-") else "green" if line.startswith("+") else "")
