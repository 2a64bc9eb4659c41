"""Messages on a terminal: roles, Markdown, code with its colours, tool calls with their results, reasoning folded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt
from rich.cells import cell_len
from rich.markdown import Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.reading.blocks import media_bytes
from otel_sqlite_exporter.reading.markdown_form import call_facts, tool_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from otel_sqlite_exporter.reading.blocks import Block
    from otel_sqlite_exporter.reading.rows.calls import Call, Message

_ROLES: Final = {"user": "green", "assistant": "blue", "tool": "yellow", "system": "magenta"}
_THEME: Final = "ansi_dark"
_INDENT: Final = (0, 0, 0, 2)
_MOST_LINES: Final = {"system": 3, "tool": 20}
_MOST_OTHER_LINES: Final = 60
_MOST_CHARACTERS: Final = 65_536
_RULE: Final = "─"


def head(call: Call) -> Iterator[RenderableType]:
    """Return what is known about a call, before its messages."""
    yield Text(f"{units.one_line(call.name or 'call', 200)}  {call.id}", style="bold")
    yield Text(" · ".join(call_facts(call)), style="dim")


def failure(call: Call) -> Iterator[RenderableType]:
    """Return how a call failed, after its messages."""
    if call.status == "error":
        yield _rule(units.one_line(call.error_type or "failed", 200), "red")
        yield Padding(Text(units.visible(call.status_message or ""), style="red"), _INDENT)


def transcript(
    messages: Sequence[tuple[Message, Sequence[Block]]], *, is_whole: bool = False
) -> Iterator[RenderableType]:
    """Return messages for the terminal.

    Args:
        messages: In reading order, with what they show.
        is_whole: Whether nothing is folded.
    """
    for message, blocks in messages:
        role = units.one_line(message.role or message.direction, 60)
        yield _rule(role.replace("_", " "), _ROLES.get(role, "cyan"))
        for block in blocks:
            yield Padding(_block(block, message, is_whole=is_whole), _INDENT)
        lost = (message.full_bytes or 0) - (message.kept_bytes or 0)
        if lost > 0:
            yield Padding(Text(f"{units.size(lost)} of it were not stored (max_text_bytes)", style="dim"), _INDENT)


def _rule(title: str, style: str) -> Text:
    line = f"{_RULE * 2} {title} "
    return Text(line + _RULE * max(screen.width() - len(line), 0), style=style, no_wrap=True, overflow="crop")


def _block(block: Block, message: Message, *, is_whole: bool) -> RenderableType:
    if block.kind == "media":
        size = units.size(media_bytes(block))
        return Text(f"▣ {units.visible(block.name or 'media')}, {size}  {units.visible(block.text)}", style="cyan")
    if block.kind == "tools":
        tools = block.data if isinstance(block.data, list) else []
        return Text(", ".join(map(tool_name, tools)), style="dim")
    text = units.visible(block.text[:_MOST_CHARACTERS])
    if block.kind == "reasoning" and not is_whole:
        return Text(f"▸ reasoning: {units.one_line(text, screen.width() - 30)}", style="dim italic")
    if block.kind in {"tool_call", "tool_result"}:
        return _tool(block, text, is_whole=is_whole)
    most = _MOST_LINES.get(message.role or message.direction, _MOST_OTHER_LINES)
    shown = text if is_whole else _folded(text, most)
    if message.direction == "output" and block.kind == "text":
        return markdown(shown)
    return Text(shown, style="dim italic" if block.kind == "reasoning" else "")


def _tool(block: Block, text: str, *, is_whole: bool) -> RenderableType:
    arrow = "→" if block.kind == "tool_call" else "←"
    name = units.visible(block.name or "")
    title = f"{arrow} {name}" if name else arrow
    line = _compact(text)
    if "\n" not in line and cell_len(title) + cell_len(line) + 6 < screen.width():
        return Text.assemble((title, "yellow"), "  ", line)
    body = text if is_whole else _folded(text, _MOST_LINES["tool"])
    lexer = "json" if text[:1] in {"{", "["} else "text"
    from rich.console import Group  # noqa: PLC0415 - where there is more than a line

    return Group(
        Text(title, style="yellow"),
        Padding(Syntax(body, lexer, theme=_THEME, background_color="default", word_wrap=True), _INDENT),
    )


def _compact(text: str) -> str:
    """Return JSON on one line, any other text as it is."""
    if text[:1] not in {"{", "["}:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _folded(text: str, most: int) -> str:
    lines = text.rstrip("\n").split("\n")
    if len(lines) <= most + 1:
        return text.rstrip("\n")
    return "\n".join([*lines[:most], f"… {len(lines) - most:,} more lines (--all)"])


def markdown(text: str) -> Markdown:
    """Return Markdown in which HTML is text, links show where they go, and images are never loaded."""
    rendered = Markdown(text, code_theme=_THEME, hyperlinks=False)
    rendered.parsed = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).parse(text)
    return rendered
