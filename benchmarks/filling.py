"""Make large files quickly: a thousand recorded spans, copied inside SQLite with ids, times and texts of their own."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from typing import TYPE_CHECKING, Final

from benchmarks.measure import scratch
from benchmarks.workloads import chat_attributes, ended_spans, message, prose
from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.database.schema import SPAN_COLUMNS, USAGE_SUMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

TEMPLATE: Final = 1000
SPANS_PER_TRACE: Final = 5
NEEDLE: Final = "zanzibar"
"""A word that one message in a thousand holds."""

_MODELS: Final = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "o3", "gemini-2.5-pro")
_DAYS: Final = 30
_DAY_NANOSECONDS: Final = 86_400_000_000_000

_CHANGED: Final = {
    "id": "id + :spans",
    "trace_id": "new_trace_id(trace_id, :copy)",
    "span_id": "substr(span_id, 1, 8) || printf('%08x', :copy)",
    "parent_span_id": "substr(parent_span_id, 1, 8) || printf('%08x', :copy)",
    "conversation_id": "conversation_id || '-' || :copy",
    "start_time_unix_nano": "start_time_unix_nano + :shift",
    "end_time_unix_nano": "end_time_unix_nano + :shift",
}
_COPY_SPANS: Final = (
    f"INSERT INTO spans ({', '.join(SPAN_COLUMNS)}) "
    f"SELECT {', '.join(_CHANGED.get(column, column) for column in SPAN_COLUMNS)} FROM spans WHERE id <= {TEMPLATE}"
)
_COPY_MESSAGES: Final = (
    "INSERT INTO messages (id, hash, role, text, parts, full_bytes, kept_bytes) "
    "SELECT id + :messages, randomblob(16), role, text || :copy, parts, full_bytes, kept_bytes FROM messages "
    "WHERE id <= :last_message AND role <> 'system'"
)
_COPY_LINKS: Final = (
    "INSERT INTO span_messages (span_id, direction, position, message_id, finish_reason) "
    "SELECT span_id + :spans, direction, position, "
    "CASE direction WHEN 'system' THEN message_id ELSE message_id + :messages END, finish_reason "
    f"FROM span_messages WHERE span_id <= {TEMPLATE}"
)
_SUM_USAGE: Final = (
    f"INSERT INTO usage (day, provider, model, {', '.join(USAGE_SUMS)}) "
    f"SELECT day, provider, model, {', '.join(f'sum({column})' for column in USAGE_SUMS)} "
    "FROM span_usage GROUP BY day, provider, model"
)


# As if they had been recorded thirty days ago, one every two and a half seconds.
_SPREAD: Final = """
UPDATE spans SET start_time_unix_nano = :first + id * 2500000000,
  end_time_unix_nano = :first + id * 2500000000 + (id * 7919 % 20000 + 200) * 1000000"""


def fill(path: Path, spans: int, *, has_agents: bool = False) -> None:
    """Bring a file to a number of spans, a multiple of 1,000, spread over the last thirty days.

    Args:
        path: The file; a new one starts with a thousand recorded spans.
        spans: How many.
        has_agents: Whether the spans are of agents with users, conversations, tools, costs and failures.
    """
    if not path.exists():
        _record_template(path, _agent_step if has_agents else _brief_chat)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.create_function("new_trace_id", 2, _new_trace_id)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -2000000")
    (last_message,) = connection.execute(
        "SELECT max(message_id) FROM span_messages WHERE span_id <= ?", (TEMPLATE,)
    ).fetchone()
    (present,) = connection.execute("SELECT max(id) FROM spans").fetchone()
    first_copy = -(-present // TEMPLATE)
    for copy in range(first_copy, spans // TEMPLATE):
        if copy % 100 == 0 or copy == first_copy:
            connection.execute("BEGIN IMMEDIATE")
        values = {
            "copy": copy,
            "spans": copy * TEMPLATE,
            "messages": copy * (last_message + 100_000),
            "last_message": last_message,
            "shift": copy * TEMPLATE * _DAYS * _DAY_NANOSECONDS // spans,
        }
        for statement in (_COPY_SPANS, _COPY_MESSAGES, _COPY_LINKS):
            connection.execute(statement, values)
        if copy % 100 == 99 or copy == spans // TEMPLATE - 1:
            connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM usage")
    connection.execute(_SUM_USAGE)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


@contextlib.contextmanager
def million(*, quick: bool) -> Iterator[tuple[Path, int]]:
    """Make a file of a million spans of agents, a tenth of it in quick mode; give its path and how many it has."""
    spans = 100_000 if quick else 1_000_000
    with scratch() as directory:
        path = directory / "million.db"
        fill(path, spans, has_agents=True)
        yield path, spans


def _record_template(path: Path, make: Callable[[int], dict[str, object]]) -> None:
    exporter = SQLiteSpanExporter(path)
    spans = ended_spans(make, TEMPLATE, spans_per_trace=SPANS_PER_TRACE)
    for start in range(0, TEMPLATE, 50):
        exporter.export(spans[start : start + 50])
    exporter.shutdown()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(_SPREAD, {"first": time.time_ns() - _DAYS * _DAY_NANOSECONDS})


def _brief_chat(index: int) -> dict[str, object]:
    """Return a chat with so little text that five million of them fit on a disk."""
    question = prose(120, index) + (f" {NEEDLE}" if index % 500 == 2 else "")
    attributes = chat_attributes(
        [message("system", "You are a helpful assistant."), message("user", question)], prose(80, -index)
    )
    model = _MODELS[index // SPANS_PER_TRACE % len(_MODELS)]
    return attributes | {"gen_ai.request.model": model, "gen_ai.response.model": model}


def _agent_step(index: int) -> dict[str, object]:
    """Return the agent around a trace, a tool that it ran, or one of the three calls that it made."""
    trace = index // SPANS_PER_TRACE
    shared: dict[str, object] = {
        "gen_ai.agent.name": f"agent-{trace % 5}",
        "user.id": f"user-{trace % 500}",
        "gen_ai.conversation.id": f"conversation-{trace // 4}",
        **({"error.type": "RateLimitError"} if index % 71 == 0 else {}),
    }
    if index % SPANS_PER_TRACE == 0:
        return shared | {"gen_ai.operation.name": "invoke_agent"}
    if index % SPANS_PER_TRACE == 1:
        name = f"tool-{trace % 25}"
        return shared | {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": f"call-{index}",
            "gen_ai.tool.call.arguments": f'{{"query": "{prose(40, index)}"}}',
            "gen_ai.tool.call.result": prose(120, index),
        }
    return (
        _brief_chat(index)
        | shared
        | {
            "gen_ai.usage.cost": index % 1000 / 1e6,
            "gen_ai.usage.cache_read.input_tokens": index % 90,
            "gen_ai.server.time_to_first_token": (index * 7919 % 2000 + 100) / 1000,
        }
    )


def _new_trace_id(trace_id: str, copy: int) -> str:
    digits = hashlib.md5(f"{trace_id}{copy}".encode(), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def batches(spans: list[ReadableSpan], size: int = 50) -> list[list[ReadableSpan]]:
    """Return spans in batches."""
    return [spans[start : start + size] for start in range(0, len(spans), size)]
