"""Calls, conversations and traces as Markdown: to paste into an issue, or into a model. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.reading.blocks import media_bytes, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otel_sqlite_exporter.reading.blocks import Block
    from otel_sqlite_exporter.reading.rows.calls import Call, Message
    from otel_sqlite_exporter.reading.rows.traces import Conversation, Trace
    from otel_sqlite_exporter.reading.steps import Step
    from otel_sqlite_exporter.reading.turns import Turn

_FENCE: Final = re.compile(r"^`{3,}", re.MULTILINE)
_ARROWS: Final = {"tool_call": "→", "tool_result": "←"}


def call_facts(call: Call) -> list[str]:
    """Return what is known about a call in numbers, one short text each."""
    facts = [
        units.full_time(call.start_time_unix_nano),
        call.model,
        f"{units.count(call.input_tokens)} → {units.count(call.output_tokens)} tokens",
        f"{units.count(call.cache_read_tokens)} cached" if call.cache_read_tokens else None,
        f"{units.count(call.reasoning_tokens)} reasoning" if call.reasoning_tokens else None,
        units.money(call.cost_usd) if call.cost_usd is not None else None,
        units.duration(call.duration_ms),
        f"first token {units.duration(call.time_to_first_token_ms)}" if call.time_to_first_token_ms else None,
        f"agent {call.agent_name}" if call.agent_name else None,
        f"user {call.user_id}" if call.user_id else None,
        f"conversation {call.conversation_id}" if call.conversation_id else None,
        f"trace {call.trace_id[:8]}" if call.trace_id else None,
    ]
    return [units.one_line(fact, 200) for fact in facts if fact]


def call_markdown(call: Call, messages: Sequence[Message], remarks: Sequence[str] = ()) -> str:
    """Return a call as Markdown.

    Args:
        call: The numbers.
        messages: The messages in reading order.
        remarks: What else is to be known, before them.
    """
    pieces = [f"# {units.one_line(call.name or 'call')} ({call.id})", " · ".join(call_facts(call)), *remarks]
    pieces += _messages(told(messages))
    if call.status == "error":
        pieces += [f"**{units.one_line(call.error_type or 'failed', 200)}**", _fenced(call.status_message or "")]
    return "\n\n".join(pieces) + "\n"


def chat_markdown(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """Return a conversation as Markdown, each message once.

    Args:
        conversation: Its sums.
        turns: Its calls, each with what is new in it.
    """
    facts = (
        f"{units.counted(conversation.llm_calls, 'call')} · {units.tokens(conversation.total_tokens)} tokens · "
        f"{units.money(conversation.cost_usd)}"
    )
    pieces = [f"# conversation {units.one_line(conversation.conversation_id)}", facts]
    names: dict[str, str] = {}
    for turn in turns:
        call = turn.call
        model = units.one_line(call.model or call.name or "", 100)
        pieces.append(f"*{units.full_time(call.start_time_unix_nano)} · {model} · call {call.id}*")
        pieces += _messages(told(turn.messages, names))
        if call.status == "error":
            pieces.append(f"**{units.one_line(call.error_type or 'failed', 200)}**")
            pieces.append(_fenced(call.status_message or ""))
    return "\n\n".join(pieces) + "\n"


def trace_markdown(trace: Trace, steps: Iterable[Step]) -> str:
    """Return a trace as Markdown: a table of its steps.

    Args:
        trace: Its sums.
        steps: Its steps in the order of the tree.
    """
    lines = [
        f"# {units.one_line(trace.name or 'trace')}",
        "",
        (
            f"{units.full_time(trace.start_time_unix_nano)} · {units.duration(trace.duration_ms)} · "
            f"{units.counted(trace.llm_calls, 'call')} · {units.tokens(trace.total_tokens)} tokens · "
            f"{units.money(trace.cost_usd)} · trace {trace.trace_id}"
        ),
        "",
        "| step | id | tokens | cost | time | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for step in steps:
        span = step.span
        indent = "\u2003" * step.depth
        tokens = units.tokens(step.tokens) if step.tokens is not None else ""
        cost = units.money(step.cost_usd) if step.cost_usd is not None else ""
        failure = units.one_line(units.failure(span.error_type, span.status_message), 100)
        cells = [
            f"{indent}{span.kind} {units.one_line(span.label, 100)}",
            str(span.id),
            tokens,
            cost,
            units.duration(span.duration_ms),
            failure if span.status == "error" else "",
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _messages(messages: Sequence[tuple[Message, list[Block]]]) -> list[str]:
    pieces = []
    for message, blocks in messages:
        pieces.append(f"## {units.one_line(message.role or message.direction, 60)}")
        pieces += [piece for block in blocks if (piece := _block(block))]
    return pieces


def _block(block: Block) -> str:
    if block.kind == "text":
        return units.visible(block.text)
    if block.kind == "media":
        return (
            f"[{units.visible(block.name or 'media')}, {units.size(media_bytes(block))}, {units.visible(block.text)}]"
        )
    if block.kind == "reasoning":
        return "\n".join(f"> {line}" for line in units.visible(block.text).splitlines())
    if block.kind == "tools":
        tools = block.data if isinstance(block.data, list) else []
        return ", ".join(f"`{tool_name(tool)}`" for tool in tools)
    title = f"{_ARROWS.get(block.kind, '')} `{units.one_line(block.name or block.kind, 200)}`".strip()
    return f"{title}\n\n{_fenced(block.text)}"


def tool_name(definition: object) -> str:
    """Return the name of a tool's definition, in any provider's form."""
    if isinstance(definition, dict):
        inner = definition.get("function")
        name = inner.get("name") if isinstance(inner, dict) else definition.get("name")
        return units.one_line(str(name), 100)
    return units.one_line(str(definition), 100)


def _fenced(text: str) -> str:
    shown = units.visible(text)
    fence = "```"
    while _FENCE.search(shown) and fence in shown:
        fence += "`"
    return f"{fence}\n{shown}\n{fence}"
