"""Answers as HTML that needs neither script nor server: for notebooks, and for one page to share.

Everything that was recorded is escaped; nothing of it is fetched or obeyed. The colours are those of the page around,
so that light and dark both work.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.reading.blocks import media_bytes, told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_sqlite_exporter.reading.blocks import Block
    from otel_sqlite_exporter.reading.building import Plain
    from otel_sqlite_exporter.reading.rows.calls import Call, Message
    from otel_sqlite_exporter.reading.rows.traces import Conversation, Trace
    from otel_sqlite_exporter.reading.steps import Step
    from otel_sqlite_exporter.reading.turns import Turn

SHOWN_ROWS: Final = 100
SHOWN_CHARACTERS: Final = 65_536
_CELL_CHARACTERS: Final = 120

STYLE: Final = """<style>
.osx{font:13px/1.5 system-ui,sans-serif;color:inherit;max-width:100%;overflow-x:auto;--line:rgba(128,128,128,.3);
--soft:rgba(128,128,128,.12);--fail:#d1242f;--agent:#8250df;--tool:#bf8700;--llm:#1f7fd1;--user:#1a7f37}
.osx table{border-collapse:collapse;font-size:12px;margin:0}
.osx th,.osx td{text-align:left;padding:3px 10px 3px 0;border-bottom:1px solid var(--line);vertical-align:top;
white-space:nowrap;background:none}
.osx td.text{white-space:normal;min-width:12em;max-width:34em;overflow-wrap:anywhere}
.osx td.number{text-align:right;font-variant-numeric:tabular-nums}
.osx .note,.osx .facts{opacity:.75;margin:4px 0}
.osx .fail{color:var(--fail)}
.osx pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:2px 0;font:12px/1.5 ui-monospace,monospace;color:inherit;
background:none;border:0;padding:0}
.osx .message{border-left:3px solid var(--line);padding:2px 0 2px 10px;margin:6px 0}
.osx .user{border-color:var(--user)}.osx .assistant{border-color:var(--llm)}.osx .tool{border-color:var(--tool)}
.osx summary{cursor:pointer}.osx .role{font-weight:600}
.osx .part{background:var(--soft);border-radius:4px;padding:4px 8px}
.osx .track{position:relative;display:block;width:320px;height:12px}
.osx .bar{position:absolute;top:2px;height:8px;min-width:2px;border-radius:2px;background:#888}
.osx .bar.agent{background:var(--agent)}.osx .bar.tool{background:var(--tool)}
.osx .bar.llm,.osx .bar.embedding{background:var(--llm)}.osx .bar.fail{background:var(--fail)}
</style>"""

_TIMES: Final = frozenset({"start_time", "end_time", "first_time", "last_time"})
_TEXT_COLUMNS: Final = frozenset(
    {
        "system_text",
        "input_text",
        "output_text",
        "text",
        "parts",
        "arguments",
        "result",
        "status_message",
        "message",
        "last_message",
        "tool_calls",
    }
)
_FORMATS: Final = {
    "cost_usd": units.money,
    "duration_ms": units.duration,
    "total_ms": units.duration,
    "time_to_first_token_ms": units.duration,
    **dict.fromkeys(
        ("p50_ms", "p95_ms", "p99_ms", "max_ms", "first_token_p50_ms", "first_token_p95_ms"), units.duration
    ),
    "error_rate": units.rate,
    "cache_hit_rate": units.rate,
}


def page(title: str, body: str) -> str:
    """Return one self-contained page around a fragment.

    Args:
        title: What the browser's tab says.
        body: The fragment, of this module.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escaped(title)}</title></head><body>{body}</body></html>\n"
    )


def table_html(columns: Sequence[str], rows: Sequence[Mapping[str, Plain]], note: str | None) -> str:
    """Return rows as a table, with the columns in which any row says something.

    Args:
        columns: The names of the columns.
        rows: Their values.
        note: What to know about the rows.
    """
    shown = rows[:SHOWN_ROWS]
    names = [name for name in columns if any(row[name] is not None for row in shown)]
    head = "".join(f"<th>{escaped(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(_cell(name, row[name]) for name in names) + "</tr>" for row in shown)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
    more = (
        f"the first {len(shown):,} of {len(rows):,} rows" if len(rows) > len(shown) else units.counted(len(rows), "row")
    )
    return f'{STYLE}<div class="osx">{table}<p class="note">{more}{f", {escaped(note)}" if note else ""}</p></div>'


def _cell(name: str, value: Plain) -> str:
    if value is None:
        return "<td></td>"
    if name in _TIMES:
        return f"<td>{escaped(units.local_iso(str(value)))}</td>"
    if name in _TEXT_COLUMNS:
        return f'<td class="text">{escaped(units.one_line(str(value), _CELL_CHARACTERS))}</td>'
    if name == "excerpt":
        place = json.loads(str(value))
        before, found, after = (escaped(place[name]) for name in ("before", "found", "after"))
        return f'<td class="text">{before}<mark>{found}</mark>{after}</td>'
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        shown = _FORMATS[name](value) if name in _FORMATS else f"{value:,.6g}" if isinstance(value, float) else value
        return f'<td class="number">{escaped(str(shown))}</td>'
    failed = ' class="fail"' if name == "status" and value == "error" else ""
    return f"<td{failed}>{escaped(units.one_line(str(value), _CELL_CHARACTERS))}</td>"


def trace_html(trace: Trace, steps: Sequence[Step], *, is_cut: bool = False) -> str:
    """Return a trace as a waterfall.

    Args:
        trace: Its sums.
        steps: Its steps in the order of the tree.
        is_cut: Whether there are more.
    """
    facts = [
        units.full_time(trace.start_time_unix_nano),
        units.duration(trace.duration_ms),
        units.counted(trace.llm_calls, "call"),
        f"{units.tokens(trace.total_tokens)} tokens",
        units.money(trace.cost_usd),
    ]
    start = min((step.span.start_time_unix_nano for step in steps), default=0)
    end = max((step.span.end_time_unix_nano for step in steps), default=0)
    rows = "".join(_step(step, start, max(end - start, 1)) for step in steps)
    cut = '<p class="note">the first steps; the trace has more</p>' if is_cut else ""
    return (
        f'{STYLE}<div class="osx"><p><b>{escaped(trace.name or "trace")}</b> <code>{escaped(trace.trace_id)}</code></p>'
        f'<p class="facts">{" · ".join(map(escaped, facts))}</p>'
        "<table><thead><tr><th>step</th><th>tokens</th><th>cost</th><th>time</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{cut}</div>"
    )


def _step(step: Step, start: int, whole: int) -> str:
    span = step.span
    kind = escaped(span.kind or "other")
    is_failed = span.status == "error"
    left = (span.start_time_unix_nano - start) / whole * 100
    width = (span.end_time_unix_nano - span.start_time_unix_nano) / whole * 100
    failure = (
        f' <span class="fail">{escaped(units.one_line(span.error_type or span.status_message or "failed", 60))}</span>'
        if is_failed
        else ""
    )
    repeated = f' <span class="note">same call as {span.duplicate_of}</span>' if span.duplicate_of is not None else ""
    return (
        f'<tr><td style="padding-left:{min(step.depth, 40) * 16}px">{kind} '
        f"<b>{escaped(units.one_line(span.label, 80))}</b>"
        f' <span class="note">{span.id}</span>{failure}{repeated}</td>'
        f'<td class="number">{escaped(units.tokens(step.tokens)) if step.tokens is not None else ""}</td>'
        f'<td class="number">{escaped(units.money(step.cost_usd)) if step.cost_usd is not None else ""}</td>'
        f'<td class="number">{escaped(units.duration(span.duration_ms))}</td>'
        f'<td><span class="track"><span class="bar {kind}{" fail" if is_failed else ""}" '
        f'style="left:{min(max(left, 0), 99.5):.2f}%;width:{min(max(width, 0), 100):.2f}%"></span></span></td></tr>'
    )


def call_html(call: Call, messages: Sequence[Message], left_out: int) -> str:
    """Return a call as a transcript; what was said before the last question is folded.

    Args:
        call: The numbers.
        messages: The messages in reading order.
        left_out: How many earlier messages are not among them.
    """
    last = max((index for index, message in enumerate(messages) if message.role == "user"), default=0)
    shown = "".join(
        message_html(
            message, blocks, is_open=message.direction == "output" or (index >= last and message.direction == "input")
        )
        for index, (message, blocks) in enumerate(told(messages))
    )
    failure = f'<p class="fail"><b>{escaped(call.error_type or "failed")}</b></p>{_pre(call.status_message or "")}'
    earlier = f'<p class="note">{left_out:,} earlier messages left out</p>' if left_out else ""
    return (
        f'{STYLE}<div class="osx"><p><b>{escaped(call.name or "call")}</b> {call.id}</p>'
        f'<p class="facts">{facts_html(call)}</p>{earlier}{shown}{failure if call.status == "error" else ""}</div>'
    )


def chat_html(conversation: Conversation, turns: Sequence[Turn], left_out: int) -> str:
    """Return a conversation as a transcript in which each message stands once.

    Args:
        conversation: Its sums.
        turns: Its calls, each with what is new in it.
        left_out: How many earlier calls are not among them.
    """
    parts = []
    names: dict[str, str] = {}
    for turn in turns:
        call = turn.call
        head = f"{units.full_time(call.start_time_unix_nano)} · {call.model or ''} · call {call.id}"
        diverged = " · the prompt does not go on from an earlier one" if turn.has_diverged else ""
        parts.append(f'<p class="facts">{escaped(head + diverged)}</p>')
        parts += [
            message_html(message, blocks, is_open=message.direction != "system")
            for message, blocks in told(turn.messages, names)
        ]
        if call.status == "error":
            parts.append(f'<p class="fail">{escaped(units.one_line(call.status_message or "failed", 400))}</p>')
    earlier = f'<p class="note">{left_out:,} earlier calls left out</p>' if left_out else ""
    said = units.counted(conversation.llm_calls, "call")
    return (
        f'{STYLE}<div class="osx"><p><b>conversation {escaped(conversation.conversation_id)}</b></p>'
        f'<p class="facts">{said} · {units.tokens(conversation.total_tokens)} '
        f"tokens · {units.money(conversation.cost_usd)}</p>{earlier}{''.join(parts)}</div>"
    )


def facts_html(call: Call) -> str:
    """Return the numbers of a call on one line."""
    facts = [
        units.full_time(call.start_time_unix_nano),
        call.model,
        f"{units.count(call.input_tokens)} → {units.count(call.output_tokens)} tokens",
        units.money(call.cost_usd),
        units.duration(call.duration_ms),
        call.agent_name,
        call.user_id,
    ]
    return " · ".join(escaped(fact) for fact in facts if fact)


def message_html(message: Message, blocks: Sequence[Block], *, is_open: bool) -> str:
    """Return one message, folded or open."""
    role = message.role or message.direction
    style = role if role in {"user", "assistant", "tool", "system"} else "other"
    shown = "".join(map(_block, blocks))
    lost = (message.full_bytes or 0) - (message.kept_bytes or 0)
    cut = f'<p class="note">{units.size(lost)} were not stored</p>' if lost > 0 else ""
    preview = "" if is_open else f' <span class="note">{escaped(units.one_line(message.text or "", 100))}</span>'
    return (
        f'<details class="message {style}"{" open" if is_open else ""}><summary>'
        f'<span class="role">{escaped(role)}</span>{preview}</summary>{shown}{cut}</details>'
    )


def _block(block: Block) -> str:
    if block.kind == "text":
        return _pre(block.text)
    if block.kind == "media":
        size = units.size(media_bytes(block)) if media_bytes(block) is not None else ""
        name = escaped(f"{block.name or 'media'} {size}")
        return f'<p class="part">{name} <span class="note">{escaped(block.text)}</span></p>'
    if block.kind == "tools":
        tools = block.data if isinstance(block.data, list) else []
        names = ", ".join(str(tool.get("name")) for tool in tools if isinstance(tool, dict))
        return f'<p class="part">tools: {escaped(names)}</p>'
    titles = {"reasoning": "reasoning", "tool_call": "→", "tool_result": "←", "other": ""}
    title = f"{titles[block.kind]} {block.name or ''}".strip()
    is_open = "" if block.kind == "reasoning" else " open"
    return f'<details class="part"{is_open}><summary>{escaped(title)}</summary>{_pre(block.text)}</details>'


def _pre(text: str) -> str:
    cut = text[:SHOWN_CHARACTERS]
    more = f"\n… {len(text) - len(cut):,} more characters" if len(cut) < len(text) else ""
    return f"<pre>{escaped(cut)}{more}</pre>" if text else ""


def escaped(text: str) -> str:
    """Return a text as HTML shows it."""
    return escape(units.visible(text), quote=True)
