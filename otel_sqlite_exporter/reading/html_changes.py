"""What is new in a call, two calls side by side and the file itself, as HTML of the same kind as ``html``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.reading.blocks import told
from otel_sqlite_exporter.reading.html import STYLE, escaped, facts_html, message_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.rows.calls import Call, Message

_WORDS: Final = {"changed": "changed", "left": "only in the first", "right": "only in the second"}


def changes_html(call: Call, summary: str, divergence: Sequence[str], added: Sequence[Message]) -> str:
    """Return what is new in a call.

    Args:
        call: The call.
        summary: What is new, in one line.
        divergence: How the first message that differs does, line by line.
        added: The messages that are new.
    """
    diff = f"<pre>{escaped(chr(10).join(divergence))}</pre>" if divergence else ""
    messages = "".join(message_html(message, blocks, is_open=True) for message, blocks in told(added))
    return (
        f'{STYLE}<div class="osx"><p><b>{escaped(call.name or "call")}</b> {call.id}</p>'
        f'<p class="facts">{facts_html(call)}</p><p>{escaped(summary)}</p>{diff}{messages}</div>'
    )


def comparison_html(
    left: Call, right: Call, differing: Sequence[tuple[str, Message | None, Message | None]], same: int
) -> str:
    """Return two calls side by side.

    Args:
        left: The one call.
        right: The other.
        differing: The messages that are not the same: on which side they are, and both.
        same: How many are.
    """
    head = "".join(f"<th>call {call.id}</th>" for call in (left, right))
    facts = "".join(f"<td>{facts_html(call)}</td>" for call in (left, right))
    rows = "".join(
        f'<tr><td>{_WORDS[tag]}</td><td class="text">{_side(ours)}</td><td class="text">{_side(theirs)}</td></tr>'
        for tag, ours, theirs in differing
    )
    return (
        f'{STYLE}<div class="osx"><table><thead><tr><th></th>{head}</tr></thead><tbody><tr><td></td>{facts}</tr>{rows}'
        f'</tbody></table><p class="note">{units.counted(same, "message is", "messages are")} the same</p></div>'
    )


def _side(message: Message | None) -> str:
    if message is None:
        return ""
    return "".join(message_html(one, blocks, is_open=True) for one, blocks in told([message]))


def status_html(path: str, facts: Sequence[str], problems: Sequence[str], recorders: str) -> str:
    """Return the file itself.

    Args:
        path: Where it is.
        facts: Its numbers, in words.
        problems: What is missing, one line each.
        recorders: Who recorded into it, as HTML.
    """
    lines = "".join(f'<p class="fail">{escaped(problem)}</p>' for problem in problems)
    return (
        f'{STYLE}<div class="osx"><p><b>{escaped(path)}</b></p>'
        f'<p class="facts">{escaped(" · ".join(facts))}</p>{lines}</div>{recorders}'
    )
