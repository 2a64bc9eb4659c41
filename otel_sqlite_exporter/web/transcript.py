"""What the transcript of a call shows: which messages are folded, which result belongs to which call of a tool. Pure.

A page shows so much that a browser stays quick; the rest is one link away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.blocks import Block, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otel_sqlite_exporter.reading.building import Json
    from otel_sqlite_exporter.reading.rows.calls import Message

TEXT_LIMIT: Final = 64 << 10
"""Characters of one text that a page shows."""

PAGE_LIMIT: Final = 1 << 20
"""Characters of all texts together."""

MARKDOWN_LIMIT: Final = 32 << 10
"""Characters that are read as markdown; what is beyond is shown as it is written."""

MESSAGES_LIMIT: Final = 200
"""Messages of one fold."""

_MOST_BRACKETS: Final = 1000
_LONG_LINES: Final = 24
_LONG_TEXT: Final = 1600
_SHORT_ARGUMENTS: Final = 90
_DIRECTIONS: Final = {"system": "s", "input": "i", "output": "o"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of a message, ready to be shown.

    Args:
        block: What it is.
        text: As much of it as is shown.
        data: JSON, where it is JSON.
        is_markdown: Whether the text is read as markdown.
        is_long: Whether it is folded at first.
        left_out: Characters that are not shown.
        brief: A tool call's arguments in one line.
        anchor: Of a tool's call or result, its own place in the page.
        other: The place of the result, or of the call.
    """

    block: Block
    text: str
    data: Json = None
    is_markdown: bool = False
    is_long: bool = False
    left_out: int = 0
    brief: str = ""
    anchor: str | None = None
    other: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message, ready to be shown."""

    message: Message
    pieces: tuple[Piece, ...]
    is_new: bool = False
    is_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Messages that follow each other and are all folded, or all open.

    Args:
        is_folded: Whether they are.
        messages: The last ones of them.
        left_out: How many earlier ones are not shown.
    """

    is_folded: bool
    messages: tuple[Shown, ...]
    left_out: int = 0


class Budget:
    """How much of a page's texts is still shown."""

    def __init__(self) -> None:
        self.characters = PAGE_LIMIT
        self.markdown = MARKDOWN_LIMIT

    def take(self, text: str) -> str:
        """Return as much of a text as may be shown."""
        shown = text[: min(TEXT_LIMIT, max(self.characters, 0))]
        self.characters -= len(shown)
        return shown

    def takes_markdown(self, text: str) -> bool:
        """Tell whether a text is read as markdown."""
        # What opens thousands of links takes the parser quadratic time, and is no prose.
        if len(text) > self.markdown or text.count("[") > _MOST_BRACKETS:
            return False
        self.markdown -= len(text)
        return True


def groups_of(messages: Sequence[Message], kept: int, budget: Budget | None = None) -> list[Group]:
    """Return a call's messages in groups: those that the previous call had are folded.

    Args:
        messages: In reading order: system, input, output.
        kept: How many of the first ones stood in the previous call as well.
        budget: How much is shown; that of one page by default.
    """
    budget = budget or Budget()
    places = _Places(messages)
    # The newest first: they are what the budget is for.
    shown: list[Shown] = []
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        is_answer = message.direction == "output"
        shown.append(
            Shown(
                message=message,
                pieces=tuple(_pieces(message, budget, places)),
                is_new=index >= kept > 0 and not is_answer,
                is_answer=is_answer,
            )
        )
    shown.reverse()
    folded, opened = shown[:kept], shown[kept:]
    found = []
    if folded:
        found.append(_group(folded, is_folded=True))
    # Tool definitions are of no interest to most; what is offered stands beside the transcript.
    if opened:
        found.append(_group(opened, is_folded=False))
    return found


def shown_messages(messages: Iterable[Message], budget: Budget) -> list[Shown]:
    """Return messages ready to be shown, all open."""
    return [shown for group in groups_of(list(messages), 0, budget) for shown in group.messages]


def _group(messages: list[Shown], *, is_folded: bool) -> Group:
    said = [shown for shown in messages if shown.message.role != "tool_definitions"]
    return Group(
        is_folded=is_folded,
        messages=tuple(said[-MESSAGES_LIMIT:]),
        left_out=max(len(said) - MESSAGES_LIMIT, 0),
    )


class _Places:
    """Where the call and the result of each tool stand; ids of the file are never ids of the page."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.calls: dict[str, str] = {}
        self.results: dict[str, str] = {}
        for message in messages:
            for number, block in enumerate(blocks_of(message)):
                if block.call_id is None:
                    continue
                if block.kind == "tool_call":
                    self.calls[block.call_id] = _anchor(message, number)
                elif block.kind == "tool_result":
                    self.results.setdefault(block.call_id, _anchor(message, number))


def _anchor(message: Message, number: int) -> str:
    # A page may show several calls, so that the place in one of them is not enough.
    direction = _DIRECTIONS.get(message.direction, "x")
    return f"m{message.span_id}-{direction}{message.position}-{number}"


def _pieces(message: Message, budget: Budget, places: _Places) -> list[Piece]:
    found = []
    for number, block in enumerate(blocks_of(message)):
        text = budget.take(block.text)
        is_prose = block.kind in {"text", "reasoning"} and message.role != "tool"
        data = _parsed(text) if block.kind in {"tool_call", "tool_result", "other"} and text == block.text else None
        has_place = block.kind in {"tool_call", "tool_result"}
        other = places.results if block.kind == "tool_call" else places.calls
        found.append(
            Piece(
                block=block,
                text=text,
                data=data,
                is_markdown=is_prose and data is None and budget.takes_markdown(text),
                is_long=len(text) > _LONG_TEXT or text.count("\n") > _LONG_LINES,
                left_out=len(block.text) - len(text),
                brief=_brief(data) if block.kind == "tool_call" else "",
                anchor=_anchor(message, number) if has_place else None,
                other=other.get(block.call_id or "") if has_place else None,
            )
        )
    return found


def _parsed(text: str) -> Json:
    """Return a text's JSON, where it is an object or a list."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _brief(data: Json) -> str:
    """Return arguments as a call would have them: ``path="a.py", line=3``."""
    if not isinstance(data, dict):
        return "" if data is None else "…"
    brief = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in list(data.items())[:8])
    return brief if len(brief) <= _SHORT_ARGUMENTS else brief[:_SHORT_ARGUMENTS] + "…"
