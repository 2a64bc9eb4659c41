"""What goes out is what was recorded."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, TraceState, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import AnyValue

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.conformance.corpus import load
from tests.conformance.through_file import emit
from tests.sending.conftest import Send
from tests.sending.receiver import listening, plain
from tests.sending.second_file import record_received
from tests.support import query

QUESTION = [{"role": "user", "parts": [{"type": "text", "content": "Weather in Oslo?"}]}]
ANSWER = [
    {
        "role": "assistant",
        "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Oslo"}}],
        "finish_reason": "tool_call",
    }
]


def record(path: Path, **options: object) -> None:
    """Record a call that has everything that a span can have, inside of an agent, and a second report of it."""
    processor = SQLiteSpanProcessor(path, **options)  # type: ignore[arg-type]
    provider = TracerProvider(
        resource=Resource({"service.name": "shop", "number": 7}, "https://example.com/r"), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    carrier = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "tracestate": "vendor=1"}
    tracer = provider.get_tracer("my.scope", "1.2", "https://example.com/s", {"of": "scope"})
    link = Link(
        SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", "b")])), {"l": 1}
    )
    agent = tracer.start_span(
        "invoke_agent helper",
        context=TraceContextTextMapPropagator().extract(carrier),
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"},
        start_time=1_700_000_000_000_000_001,
    )
    inside = set_span_in_context(agent)
    facts: dict[str, AnyValue] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5.4",
        "gen_ai.response.model": "gpt-5.4-2026",
        "gen_ai.response.id": "resp_1",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.conversation.id": "thread-1",
        "user.id": "user-1",
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
        "gen_ai.input.messages": json.dumps(QUESTION),
        "gen_ai.output.messages": json.dumps(ANSWER),
        "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": "weather"}]),
    }
    outer = tracer.start_span("chat gpt-5.4", context=inside, attributes=facts, start_time=1_700_000_000_000_000_100)
    inner_tracer = provider.get_tracer("sdk.scope")
    span = inner_tracer.start_span(
        "chat gpt-5.4",
        context=set_span_in_context(outer),
        kind=SpanKind.CLIENT,
        attributes={**facts, "mine": (1, 2), "ratio": 0.5, "flag": True},
        links=[link],
        start_time=1_700_000_000_000_000_200,
    )
    span.add_event("retry", {"attempt": 2}, timestamp=1_700_000_000_000_000_300)
    span.set_status(Status(StatusCode.OK))
    span.end(1_700_000_000_500_000_000)
    outer.end(1_700_000_000_600_000_000)
    agent.set_status(Status(StatusCode.ERROR, "gave up"))
    agent.end(1_700_000_000_700_000_000)
    processor.shutdown()


def test_a_span_comes_back_whole(tmp_path: Path, send: Send) -> None:
    """Ids, parents, times, kind, status, events, links, resource and scope are those that were emitted."""
    record(tmp_path / "a.db")
    with listening() as receiver:
        send(tmp_path / "a.db", receiver.url)
    inner, outer, agent = sorted(receiver.kept, key=lambda received: -received.span.start_time_unix_nano)
    assert {received.key[0] for received in receiver.kept} == {"ab" * 16}
    assert inner.span.parent_span_id == outer.span.span_id
    assert agent.span.parent_span_id.hex() == "cd" * 8
    assert (agent.span.flags & 0x300, inner.span.flags & 0x300) == (0x300, 0x100)
    assert (inner.span.name, inner.span.kind, inner.span.trace_state) == ("chat gpt-5.4", 3, "vendor=1")
    assert (inner.span.start_time_unix_nano, inner.span.end_time_unix_nano) == (
        1_700_000_000_000_000_200,
        1_700_000_000_500_000_000,
    )
    assert (inner.span.status.code, agent.span.status.code, agent.span.status.message) == (1, 2, "gave up")
    (event,) = inner.span.events
    assert (event.name, event.time_unix_nano, plain(event.attributes[0].value)) == (
        "retry",
        1_700_000_000_000_000_300,
        2,
    )
    (link,) = inner.span.links
    assert (link.trace_id.hex()[-1], link.span_id.hex()[-1], plain(link.attributes[0].value)) == ("1", "2", 1)
    assert {item.key: plain(item.value) for item in inner.resource.resource.attributes} == {
        "service.name": "shop",
        "number": 7,
    }
    assert inner.resource.schema_url == "https://example.com/r"
    assert (outer.scope.scope.name, outer.scope.scope.version, outer.scope.schema_url) == (
        "my.scope",
        "1.2",
        "https://example.com/s",
    )
    assert [inner.attributes[key] for key in ("mine", "ratio", "flag")] == [[1, 2], 0.5, True]


def test_genai_words_say_what_the_columns_say(tmp_path: Path, send: Send) -> None:
    """The messages and numbers of a call are there in the words of the GenAI conventions."""
    record(tmp_path / "a.db")
    with listening() as receiver:
        send(tmp_path / "a.db", receiver.url)
    inner = max(receiver.kept, key=lambda received: received.span.start_time_unix_nano).attributes
    assert json.loads(inner["gen_ai.input.messages"]) == QUESTION
    assert json.loads(inner["gen_ai.output.messages"]) == ANSWER
    assert json.loads(inner["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert json.loads(inner["gen_ai.tool.definitions"]) == [{"type": "function", "name": "weather"}]
    assert (inner["gen_ai.usage.input_tokens"], inner["gen_ai.conversation.id"]) == (100, "thread-1")


@pytest.mark.parametrize("style", ["genai", "original", "openinference"])
def test_a_second_report_has_no_usage(tmp_path: Path, send: Send, style: str) -> None:
    """A receiver that adds up all it gets counts each call once, in whatever words it is told."""
    record(tmp_path / "a.db")
    with listening() as receiver:
        send(tmp_path / "a.db", receiver.url, style=style)
    inner, outer, _ = sorted(receiver.kept, key=lambda received: -received.span.start_time_unix_nano)
    assert outer.attributes["otel_sqlite.duplicate_of"] == inner.key[1]
    assert outer.attributes["openinference.span.kind"] == "CHAIN"
    assert not [key for key in outer.attributes if "usage" in key or "token_count" in key or "cost" in key]
    assert [key for key in inner.attributes if "usage" in key or "token_count" in key]


def test_openinference_words_are_flat(tmp_path: Path, send: Send) -> None:
    """OpenInference's lists are flattened into keys, tool calls included."""
    record(tmp_path / "a.db")
    with listening() as receiver:
        send(tmp_path / "a.db", receiver.url, style="openinference")
    told = max(receiver.kept, key=lambda received: received.span.start_time_unix_nano).attributes
    assert told["openinference.span.kind"] == "LLM"
    assert (told["llm.model_name"], told["llm.token_count.prompt"], told["llm.token_count.total"]) == (
        "gpt-5.4",
        100,
        110,
    )
    assert (told["llm.input_messages.0.message.role"], told["llm.input_messages.1.message.content"]) == (
        "system",
        "Weather in Oslo?",
    )
    call = "llm.output_messages.0.message.tool_calls.0.tool_call"
    assert (told[f"{call}.function.name"], told[f"{call}.function.arguments"]) == ("weather", '{"city": "Oslo"}')
    assert (told["session.id"], told["user.id"]) == ("thread-1", "user-1")


def test_original_words_are_the_emitters_alone(tmp_path: Path, send: Send) -> None:
    """With keep_raw_content the attributes are those that were emitted, and no others."""
    record(tmp_path / "a.db", keep_raw_content=True)
    with listening() as receiver:
        send(tmp_path / "a.db", receiver.url, style="original")
    agent = min(receiver.kept, key=lambda received: received.span.start_time_unix_nano)
    assert agent.attributes == {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
    inner = max(receiver.kept, key=lambda received: received.span.start_time_unix_nano)
    assert "gen_ai.agent.name" not in inner.attributes
    assert json.loads(inner.attributes["gen_ai.input.messages"]) == QUESTION


def calls_of(path: Path, view: str = "llm_calls") -> list[tuple[object, ...]]:
    """Return the rows of a view without the ids that each file gives."""
    names = [str(row[1]) for row in query(path, f"PRAGMA table_info({view})") if row[1] not in {"id", "call_id"}]
    return sorted(query(path, f"SELECT {', '.join(names)} FROM {view}"), key=repr)


def test_a_second_file_has_the_same_calls(tmp_path: Path, send: Send) -> None:
    """Recorded, sent, and recorded again from what a receiver took: every column is the same."""
    record(tmp_path / "a.db")
    with listening() as receiver:
        send(tmp_path / "a.db", receiver.url)
    record_received(receiver.kept, tmp_path / "b.db")
    for view in ("llm_calls", "traces", "conversations", "errors"):
        assert calls_of(tmp_path / "b.db", view) == calls_of(tmp_path / "a.db", view)
    assert len(calls_of(tmp_path / "b.db")) == 1
    links = "SELECT s.span_id, d.span_id FROM spans s JOIN spans d ON d.id = s.duplicate_of"
    assert query(tmp_path / "b.db", links) == query(tmp_path / "a.db", links)
    assert not query(tmp_path / "b.db", "SELECT 1 FROM spans WHERE attributes LIKE '%otel_sqlite%'")


def test_a_second_file_takes_amendments(tmp_path: Path, send: Send) -> None:
    """What changed after it was sent changes in the second file as well."""
    record(tmp_path / "a.db")
    with listening() as receiver:
        send(tmp_path / "a.db", receiver.url)
        record_received(receiver.kept, tmp_path / "b.db")
        receiver.kept.clear()
        with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
            connection.execute("UPDATE spans SET output_tokens = 11, cost_usd = 0.25, cost_source = 'reported'")
        send(tmp_path / "a.db", receiver.url)
    record_received(receiver.kept, tmp_path / "b.db")
    assert calls_of(tmp_path / "b.db") == calls_of(tmp_path / "a.db")
    assert query(tmp_path / "b.db", "SELECT output_tokens, cost_usd FROM llm_calls") == [(11, 0.25)]


@pytest.mark.slow
@pytest.mark.parametrize("instrumentation", sorted({scenario.instrumentation for scenario in load()}))
def test_every_capture_comes_back_as_it_was(tmp_path: Path, send: Send, instrumentation: str) -> None:
    """Whatever an instrumentation wrote: its calls, sent on and recorded again, are equal in every column."""
    processor = SQLiteSpanProcessor(tmp_path / "a.db", max_queue_size=100_000)
    for scenario in load():
        if scenario.instrumentation == instrumentation:
            emit(scenario, processor)
    processor.shutdown()
    with listening() as receiver:
        send(tmp_path / "a.db", receiver.url)
    record_received(receiver.kept, tmp_path / "b.db")
    for view in ("llm_calls", "traces", "conversations", "errors"):
        assert calls_of(tmp_path / "b.db", view) == calls_of(tmp_path / "a.db", view)
