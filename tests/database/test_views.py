from __future__ import annotations

import contextlib
import json
import math
import sqlite3
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import StatusCode, set_span_in_context

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.everything import VIEWS
from tests.support import CHAT, RESOURCE, check_file, query, span_of, value

CALL = {"type": "tool_call", "id": "1", "name": "f", "arguments": {"a": [1]}}


def store_answers(path: Path, *answers: object) -> None:
    """Store one call for each list of output parts."""
    exporter = SQLiteSpanExporter(path)
    for number, parts in enumerate(answers, 1):
        output = json.dumps([{"role": "assistant", "parts": parts, "finish_reason": "stop"}])
        exporter.export([span_of({**CHAT, "gen_ai.output.messages": output}, span_id=number)])
    exporter.shutdown()


@pytest.mark.parametrize(
    "stored",
    [
        '["...", "..."]',
        "no JSON",
        "[",
        "",
        "null",
        "7",
        '"text"',
        '{"type": "tool_call"}',
        '[[{"type": "tool_call"}], null, 1.5, "{", {"type": {"type": "tool_call"}}]',
        "{a: 1}",
        "[" * 3000,
        b"\x8c\xff\x00",
        b"[1]",
        "[1]\0rest",
        12,
    ],
)
def test_views_stay_readable_whatever_stored_parts_holds(tmp_path: Path, stored: object) -> None:
    """One row that somebody else's hand, or a fault, left behind costs no other row of any view."""
    path = tmp_path / "traces.db"
    store_answers(path, [CALL], [{**CALL, "id": "2"}])
    with contextlib.closing(sqlite3.connect(path)) as connection:
        broken = (
            connection.execute('UPDATE messages SET parts = ? WHERE parts LIKE \'%"id":"1"%\'', (stored,)),
            connection.execute("UPDATE spans SET finish_reasons = ? WHERE id = 1", (stored,)),
        )
        assert [cursor.rowcount for cursor in broken] == [1, 1]
        connection.commit()
    for view in VIEWS:
        query(path, f"SELECT * FROM {view}")
    assert value(path, "SELECT count(*) FROM llm_calls") == 2
    assert json.loads(str(value(path, "SELECT tool_calls FROM llm_calls WHERE id = 2"))) == [
        {"id": "2", "name": "f", "arguments": {"a": [1]}}
    ]
    assert value(path, "SELECT finish_reason FROM llm_calls WHERE id = 2") == "stop"


@pytest.mark.parametrize(
    "cost", ["1e400", 1e308, math.inf, -math.inf, math.nan, -1.0, "-3", 10**400, "Infinity", 1e10, '{"total": 1e400}']
)
def test_a_cost_that_can_not_be_one_is_null(tmp_path: Path, cost: object) -> None:
    """Infinite, negative and absurd costs are no costs, so that every sum stays a number."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    for number in range(1, 4):
        for key in ("gen_ai.usage.cost", "operation.cost", "langfuse.observation.cost_details"):
            span = span_of({**CHAT, key: cost, "gen_ai.usage.input_tokens": 5}, trace_id=number, span_id=len(key))
            exporter.export([span])
    exporter.export([span_of({**CHAT, "gen_ai.usage.cost": 0.25, "gen_ai.usage.input_tokens": 5}, trace_id=9)])
    exporter.shutdown()
    check_file(path)
    assert query(path, "SELECT DISTINCT cost_usd, cost_source FROM spans WHERE span_id <> '0123456789abcdef'") == [
        (None, None)
    ]
    assert value(path, "SELECT cost_usd FROM usage_by_model") == 0.25
    assert value(path, "SELECT sum(cost_usd) FROM traces") == 0.25


def test_what_only_another_report_says_went_wrong_is_said_of_the_call(tmp_path: Path) -> None:
    """The SDK's own span has the type of the error, the instrumentation's around it the message."""
    path = tmp_path / "traces.db"
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    told = {**CHAT, "error.type": "overloaded_error"}
    outer = provider.get_tracer("openinference.instrumentation.anthropic").start_span(
        "messages.create", attributes=told
    )
    inner = provider.get_tracer("anthropic").start_span("chat", set_span_in_context(outer), attributes=told)
    inner.set_status(StatusCode.ERROR)
    inner.end()
    outer.set_status(StatusCode.ERROR, "Error code: 529\nTraceback")
    outer.end()
    provider.shutdown()
    assert query(path, "SELECT duplicate_of FROM spans") == [(None,), (1,)]
    assert query(path, "SELECT id, status_message FROM llm_calls") == [(1, "Error code: 529\nTraceback")]
    assert query(path, "SELECT message, status_message FROM errors") == [
        ("Error code: 529", "Error code: 529\nTraceback")
    ]
