"""What the lists show of each kind of row: tables of columns, as data."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from otel_sqlite_exporter.cli.table import Column, Marked, shown_as
from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.reading.totals import total_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_sqlite_exporter.cli.table import Cell
    from otel_sqlite_exporter.reading.rows.calls import Call
    from otel_sqlite_exporter.reading.rows.errors import Failure, FailureSummary
    from otel_sqlite_exporter.reading.rows.hits import Excerpt, Hit
    from otel_sqlite_exporter.reading.rows.sums import Latency, Usage
    from otel_sqlite_exporter.reading.rows.tools import ToolSummary
    from otel_sqlite_exporter.reading.rows.traces import Conversation, Trace
    from otel_sqlite_exporter.reading.status import Outbox, Recorder

_FAILED: Final = "red"
_QUIET: Final = "dim"
_TEXT_CHARACTERS: Final = 400


def _line(text: str | None) -> str:
    return units.one_line(text, _TEXT_CHARACTERS) if text else ""


def _or_nothing(value: str) -> str:
    return "" if value == units.NONE else value


def _tokens(call: Call) -> Cell:
    if call.input_tokens is None and call.output_tokens is None:
        return _or_nothing(units.tokens(call.total_tokens))
    return f"{units.tokens(call.input_tokens)} → {units.tokens(call.output_tokens)}"


def _cached(call: Call) -> Cell:
    if not call.cache_read_tokens or not call.input_tokens:
        return ""
    return units.rate(call.cache_read_tokens / call.input_tokens)


def answer_line(call: Call) -> Cell:
    """Return what a call answered in one line: the failure, the answer, or the tools that it asks for."""
    if call.status == "error":
        # A sign, as a pipe and NO_COLOR have no other mark of what failed.
        return f"✕ {_line(units.failure(call.error_type, call.status_message))}", _FAILED
    if call.output_text:
        return _line(call.output_text)
    if not isinstance(call.tool_calls, list):
        return ""
    asked = [tool for tool in call.tool_calls if isinstance(tool, dict)]
    return _line(", ".join(f"→ {tool.get('name')}({_arguments(tool.get('arguments'))})" for tool in asked)), "yellow"


def _arguments(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={json.dumps(item, ensure_ascii=False)}" for name, item in value.items())
    return "" if value is None else str(value)


def _errors(number: int | None) -> Cell:
    return (units.count(number), _FAILED) if number else ""


def _local(text: str | None) -> str:
    return units.local_iso(text)


CALLS: Final[tuple[Column[Call], ...]] = (
    Column("id", lambda call: str(call.id), "right"),
    Column("time", lambda call: (units.local_time(call.start_time_unix_nano), _QUIET), keep=7),
    Column("model", lambda call: _line(call.model), least=12),
    Column("agent", lambda call: _line(call.agent_name), keep=2),
    Column("tokens", _tokens, "right", keep=4),
    Column("cached", _cached, "right", keep=3),
    Column("cost", lambda call: _or_nothing(units.money(call.cost_usd)), "right", keep=6),
    Column("took", lambda call: units.duration(call.duration_ms), "right", keep=8),
    Column("first", lambda call: (_or_nothing(units.duration(call.time_to_first_token_ms)), _QUIET), "right", keep=1),
    Column("user", lambda call: _line(call.user_id), keep=0),
    Column("question", lambda call: _line(call.input_text), least=14, keep=7),
    Column("answer", answer_line, least=14),
)

FOUND_CALLS: Final[tuple[Column[Call], ...]] = (
    *(column for column in CALLS if column.title not in {"question", "answer"}),
    Column(
        "in", lambda call: "" if call.excerpt is None else _line(call.excerpt.role or call.excerpt.direction), keep=5
    ),
    Column("found", lambda call: _marked(call.excerpt), least=30),
)
"""The columns of calls that were asked for by a text: where it stands, in place of question and answer."""


def _marked(place: Excerpt | Hit | None) -> Cell:
    return "" if place is None else Marked(place.before, place.found, place.after)


def _padded(column: Column[Call], width: int) -> Column[Call]:
    def cell(call: Call) -> Cell:
        shown = shown_as(column.cell(call))
        shown.align(column.side, max(width, shown.cell_len))
        return shown

    return replace(column, cell=cell)


# Lines that come one by one can't wait for the widest of their kind.
_FOLLOWED_WIDTHS: Final = {
    "id": 6,
    "time": 8,
    "model": 16,
    "agent": 10,
    "tokens": 13,
    "cached": 4,
    "cost": 8,
    "took": 7,
    "first": 7,
    "user": 8,
}
FOLLOWED_CALLS: Final = tuple(_padded(column, _FOLLOWED_WIDTHS.get(column.title, 200)) for column in CALLS)
"""The columns of calls that are shown as they come."""

TRACES: Final[tuple[Column[Trace], ...]] = (
    Column("trace", lambda trace: trace.trace_id[:8]),
    Column("time", lambda trace: (units.local_time(trace.start_time_unix_nano), _QUIET)),
    Column("name", lambda trace: _line(trace.name), least=16),
    Column("calls", lambda trace: units.count(trace.llm_calls), "right", keep=8),
    Column("spans", lambda trace: units.count(trace.spans), "right", keep=2),
    Column("tokens", lambda trace: _or_nothing(units.tokens(trace.total_tokens)), "right", keep=6),
    Column("cost", lambda trace: _or_nothing(units.money(trace.cost_usd)), "right", keep=7),
    Column("took", lambda trace: units.duration(trace.duration_ms), "right"),
    Column("errors", lambda trace: _errors(trace.errors), "right", keep=5),
    Column("user", lambda trace: _line(trace.user_id), keep=3),
    Column("conversation", lambda trace: _line(trace.conversation_id), keep=1),
)

CONVERSATIONS: Final[tuple[Column[Conversation], ...]] = (
    Column("conversation", lambda row: _line(row.conversation_id), least=12),
    Column("last", lambda row: (units.local_time(row.end_time_unix_nano), _QUIET)),
    Column("calls", lambda row: units.count(row.llm_calls), "right"),
    Column("traces", lambda row: units.count(row.traces), "right", keep=2),
    Column("tokens", lambda row: _or_nothing(units.tokens(row.total_tokens)), "right", keep=6),
    Column("cost", lambda row: _or_nothing(units.money(row.cost_usd)), "right"),
    Column("errors", lambda row: _errors(row.errors), "right", keep=5),
    Column("user", lambda row: _line(row.user_id), keep=4),
    Column("began", lambda row: (units.local_time(row.start_time_unix_nano), _QUIET), keep=1),
)


def _group(field: str) -> Column[Any]:
    """Return the column of what usage or latency is grouped by."""

    # The row of sums says nothing in the columns after the first.
    def cell(row: object) -> str:
        value: str | None = getattr(row, field)
        return units.NONE if value is None else _line(value[:8] if field == "trace_id" else value)

    return Column(field.removesuffix("_name").removesuffix("_id"), cell, least=10)


def usage_columns(fields: list[str]) -> list[Column[Usage]]:
    """Return the columns of sums by some fields.

    Args:
        fields: The fields of :class:`Usage` that were grouped by.
    """
    return [
        *map(_group, fields),
        Column("calls", lambda row: units.count(row.calls), "right"),
        Column("errors", lambda row: _errors(row.errors), "right", keep=7),
        Column("rate", lambda row: units.rate(row.error_rate) if row.errors else "", "right", keep=2),
        Column("input", lambda row: _known_tokens(row, row.input_tokens), "right", keep=6),
        Column("cached", lambda row: units.rate(row.cache_hit_rate) if row.cache_read_tokens else "", "right", keep=3),
        Column("written", lambda row: _or_nothing(units.tokens(row.cache_write_tokens)), "right", keep=1),
        Column("output", lambda row: _known_tokens(row, row.output_tokens), "right", keep=6),
        Column("reasoning", lambda row: _or_nothing(units.tokens(row.reasoning_tokens)), "right", keep=1),
        Column("tokens", lambda row: _known_tokens(row, row.total_tokens), "right", keep=4),
        Column(
            "cost", lambda row: _or_nothing(units.partial(units.money(row.cost_usd), row.calls_without_cost)), "right"
        ),
    ]


def _known_tokens(row: Usage, tokens: int | None) -> str:
    return _or_nothing(units.partial(units.tokens(tokens), row.calls_without_tokens))


def what_sums_lack(rows: Iterable[Usage]) -> str:
    """Return in one line what the sign of sums that are not whole means; nothing where none is shown."""
    total = total_of(rows)
    lacks = [
        f"{units.counted(number, 'call')} {what}"
        for number, what, is_summed in (
            (total.calls_without_tokens, "reported no tokens", total.total_tokens is not None),
            (total.calls_without_cost, "without a known price", total.cost_usd is not None),
        )
        if number and is_summed
    ]
    return f"+ and more: {', '.join(lacks)}" if lacks else ""


TOOLS: Final[tuple[Column[ToolSummary], ...]] = (
    Column("tool", lambda tool: _line(tool.tool_name) or units.NONE, least=24),
    Column("runs", lambda tool: units.count(tool.calls), "right"),
    Column("errors", lambda tool: _errors(tool.errors), "right"),
    Column("rate", lambda tool: units.rate(tool.error_rate) if tool.errors else "", "right", keep=5),
    Column("p50", lambda tool: units.duration(tool.p50_ms), "right", keep=6),
    Column("p95", lambda tool: units.duration(tool.p95_ms), "right", keep=7),
    Column("longest", lambda tool: units.duration(tool.max_ms), "right", keep=3),
    Column("in all", lambda tool: units.duration(tool.total_ms), "right", keep=4),
    Column("last", lambda tool: (_local(tool.last_time), _QUIET), keep=2),
)


def _failure(error_type: str | None, message: str | None) -> Cell:
    said = Text(_line(error_type) or "failed", style="")
    said.stylize(_FAILED)
    rest = units.failure_message(error_type, message)
    return said.append(f": {_line(rest)}") if rest else said


ERROR_SUMMARIES: Final[tuple[Column[FailureSummary], ...]] = (
    Column("times", lambda row: units.count(row.failures), "right"),
    Column("last", lambda row: (_local(row.last_time), _QUIET), keep=4),
    Column("id", lambda row: str(row.last_id), "right"),
    Column("kind", lambda row: row.kind or "", keep=3),
    Column("where", lambda row: _line(row.place), least=14),
    Column("agent", lambda row: _line(row.agent_name), keep=2),
    Column("error: last message", lambda row: _failure(row.error_type, row.last_message), least=36),
)

ERRORS: Final[tuple[Column[Failure], ...]] = (
    Column("id", lambda row: str(row.id), "right"),
    Column("time", lambda row: (units.local_time(row.start_time_unix_nano), _QUIET), keep=4),
    Column("kind", lambda row: row.kind or "", keep=3),
    Column("where", lambda row: _line(row.tool_name or row.model or row.name), least=14),
    Column("agent", lambda row: _line(row.agent_name), keep=2),
    Column("error", lambda row: _failure(row.error_type, row.message), least=36),
    Column("trace", lambda row: (row.trace_id or "")[:8], keep=5),
)


def latency_columns(fields: list[str]) -> list[Column[Latency]]:
    """Return the columns of percentiles by some fields.

    Args:
        fields: The fields of :class:`Latency` that were grouped by.
    """
    return [
        *map(_group, fields),
        Column("calls", lambda row: units.count(row.calls), "right"),
        Column("p50", lambda row: units.duration(row.p50_ms), "right"),
        Column("p95", lambda row: units.duration(row.p95_ms), "right"),
        Column("p99", lambda row: units.duration(row.p99_ms), "right", keep=7),
        Column("longest", lambda row: units.duration(row.max_ms), "right", keep=3),
        Column("streamed", lambda row: _or_nothing(units.count(row.first_token_calls or None)), "right", keep=2),
        Column("first p50", lambda row: _or_nothing(units.duration(row.first_token_p50_ms)), "right", keep=6),
        Column("first p95", lambda row: _or_nothing(units.duration(row.first_token_p95_ms)), "right", keep=5),
        Column(
            "tokens/s",
            lambda row: "" if row.tokens_per_second is None else f"{row.tokens_per_second:.0f}",
            "right",
            keep=4,
        ),
    ]


RECORDERS: Final[tuple[Column[Recorder], ...]] = (
    Column("pid", lambda row: str(row.pid or ""), "right"),
    Column("state", lambda row: (row.state, _FAILED if row.state == "vanished" else "")),
    Column("started", lambda row: (units.local_time(row.started_unix_nano), _QUIET), keep=6),
    Column("last seen", lambda row: (units.local_time(row.last_heartbeat_unix_nano), _QUIET), keep=4),
    Column("host", lambda row: _line(row.host_name), keep=1),
    Column("received", lambda row: units.count(row.received), "right", keep=7),
    Column("written", lambda row: units.count(row.written), "right"),
    Column("skipped", lambda row: units.count(row.skipped), "right", keep=5),
    Column("lost", lambda row: _errors(row.dropped), "right"),
    Column("last error", lambda row: (_line(row.last_error), _FAILED), least=16, keep=6),
)

OUTBOXES: Final[tuple[Column[Outbox], ...]] = (
    Column("outbox", lambda row: _line(row.name), least=10),
    Column("to", lambda row: _line(row.destination), least=16, keep=3),
    Column("waiting", lambda row: units.count(row.waiting), "right"),
    Column("sent", lambda row: units.count(row.sent), "right"),
    Column("rejected", lambda row: _errors(row.rejected), "right", keep=7),
    Column("set aside", lambda row: _errors(row.set_aside), "right", keep=7),
    Column("lost", lambda row: _errors(row.lost), "right"),
    Column("last", lambda row: (units.local_time(row.last_success_unix_nano), _QUIET), keep=5),
    Column("last error", lambda row: (_line(row.last_error), _FAILED), least=16, keep=4),
)

HITS: Final[tuple[Column[Hit], ...]] = (
    Column("id", lambda hit: str(hit.id), "right"),
    Column("time", lambda hit: (units.local_time(hit.start_time_unix_nano), _QUIET), keep=4),
    Column("model", lambda hit: _line(hit.model or hit.kind), least=8, keep=3),
    Column("agent", lambda hit: _line(hit.agent_name), keep=2),
    Column("in", lambda hit: _line(hit.role or hit.direction), keep=6),
    Column("found", _marked, least=40),
)
