from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.support import CHAT, check_file, end_spans, query, recording, span_of, value
from tests.texts.test_texts import every_byte

SECRET = "bob4711"


def context(number: int, state: TraceState | None = None) -> SpanContext:
    """Return the context of a sampled span."""
    return SpanContext(number, number, is_remote=False, trace_flags=TraceFlags(1), trace_state=state)


def telling_span(attributes: dict[str, object]) -> ReadableSpan:
    """Return a failed span with the secret in everything that an application can name."""
    return ReadableSpan(
        name=f"chat {SECRET}",
        context=context(7, TraceState([("vendor", SECRET)])),
        resource=Resource({"service.name": SECRET, SECRET: "x", "process.command_args": [SECRET]}, SECRET),
        attributes=attributes,  # type: ignore[arg-type]
        events=[Event(SECRET, {SECRET: 1, "x": {SECRET: [SECRET]}}), Event("exception", {"exception.type": SECRET})],
        links=[Link(context(8), {SECRET: SECRET})],
        status=Status(StatusCode.ERROR, SECRET),
        instrumentation_scope=InstrumentationScope(SECRET, SECRET, SECRET, {SECRET: SECRET}),
        start_time=1_700_000_000_000_000_000,
        end_time=1_700_000_001_000_000_000,
    )


def answer() -> str:
    """Return an output message with the secret in its role, its finish reason, and all over its parts."""
    parts: list[dict[str, object]] = [
        {"type": "blob", "modality": SECRET, "mime_type": SECRET, "content": "aGVsbG8="},
        {"type": "tool_call", "id": SECRET, "name": SECRET, "arguments": {SECRET: {SECRET: 1}, f"{SECRET}!": 2}},
        {"type": SECRET, SECRET: SECRET},
        {"type": "uri", "modality": "image", "uri": f"https://{SECRET}"},
    ]
    return json.dumps([{"role": SECRET, "parts": parts, "finish_reason": SECRET}])


SPANS: dict[str, dict[str, object]] = {
    "model call": {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": SECRET,
        "gen_ai.request.model": SECRET,
        "gen_ai.response.model": SECRET,
        "gen_ai.response.id": SECRET,
        "gen_ai.response.finish_reasons": (SECRET,),
        "gen_ai.conversation.id": SECRET,
        "user.id": SECRET,
        "gen_ai.agent.name": SECRET,
        "error.type": SECRET,
        "gen_ai.output.messages": answer(),
        "gen_ai.tool.definitions": json.dumps([{"type": SECRET, "name": SECRET, "parameters": {SECRET: 1}}]),
        SECRET: 1,
        f"gen_ai.{SECRET}": True,
    },
    "unknown operation": {"gen_ai.operation.name": SECRET, "gen_ai.provider.name": "openai"},
    "tool": {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": SECRET, "gen_ai.tool.call.id": SECRET},
    "agent": {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": SECRET, "user.id": SECRET},
}


@pytest.mark.parametrize("attributes", SPANS.values(), ids=SPANS.keys())
@pytest.mark.parametrize("keep_raw_content", [False, True])
def test_every_text_of_an_application_passes_the_redactor(
    tmp_path: Path, attributes: dict[str, object], *, keep_raw_content: bool
) -> None:
    """Names, ids, keys, types and all columns: what the redactor takes out is in no byte of the file."""
    path = tmp_path / "traces.db"
    spans = [telling_span(attributes), span_of({**CHAT}, span_id=9, trace_id=7)]
    control = SQLiteSpanExporter(tmp_path / "control.db")
    control.export(spans)
    control.shutdown()
    assert SECRET.encode() in (tmp_path / "control.db").read_bytes()
    exporter = SQLiteSpanExporter(
        path, redact=lambda _, text: text.replace(SECRET, "***"), keep_raw_content=keep_raw_content
    )
    exporter.export(spans)
    assert [file.name for file in tmp_path.glob("traces.db*") if SECRET.encode() in file.read_bytes()] == []
    exporter.shutdown()
    assert SECRET.encode() not in path.read_bytes()
    assert value(path, "SELECT name FROM spans WHERE id = 1") == "chat ***"
    check_file(path)


def test_two_keys_that_are_redacted_alike_both_keep_their_values(tmp_path: Path) -> None:
    """Nothing is lost where a redactor makes one name of several."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path, redact=lambda _, text: "*" if "@" in text else text)
    exporter.export([span_of({**CHAT, "a@b": 1, "c@d": 2, "map": {"e@f": 3, "g@h": 4, "i@j": 5}})])
    exporter.shutdown()
    kept = json.loads(str(value(path, "SELECT attributes FROM spans")))
    assert (kept["*"], kept["* (2)"]) == (1, 2)
    assert kept["map"] == {"*": 3, "* (2)": 4, "* (4)": 5}


def test_the_conventions_own_words_stay_what_they_are(tmp_path: Path) -> None:
    """A redactor that changes everything leaves roles, types, operations, fields and known keys."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path, redact=lambda _, text: f"<{len(text)}>")
    call = {"type": "tool_call", "id": "abc", "name": "search", "arguments": {"q": "x"}}
    exporter.export(
        [
            span_of(
                {
                    **CHAT,
                    "gen_ai.response.finish_reasons": ("tool_calls",),
                    "gen_ai.input.messages": json.dumps(
                        [{"role": "user", "parts": [{"type": "text", "content": "Hello?"}]}]
                    ),
                    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [call]}]),
                }
            )
        ]
    )
    exporter.shutdown()
    assert query(path, "SELECT kind, operation, provider, finish_reason, input_text FROM llm_calls") == [
        ("llm", "chat", "openai", "tool_calls", "<6>")
    ]
    assert json.loads(str(value(path, "SELECT tool_calls FROM llm_calls"))) == [
        {"id": "<3>", "name": "<6>", "arguments": {"<1>": "<1>"}}
    ]
    assert "gen_ai.provider.name" in json.loads(str(value(path, "SELECT attributes FROM spans")))


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError, BaseException])
def test_a_redactor_that_raises_whatever_costs_its_text_only(tmp_path: Path, error: type[BaseException]) -> None:
    """Not even ``sys.exit`` in a redactor ends the exporter thread or lets the text through."""
    path = tmp_path / "traces.db"
    threads = set()

    def redact(_: str, text: str) -> str:
        if SECRET in text:
            threads.add(threading.current_thread().name)
            raise error
        return text

    with recording(path, redact=redact) as processor:
        for _ in range(3):
            end_spans(processor, 2, **{"user.id": SECRET, "note": SECRET, "plain": "kept"})
            assert processor.force_flush()
        assert processor.stats().written == 7
    assert threads == {"otel-sqlite-exporter"}
    assert SECRET.encode() not in every_byte(tmp_path)
    assert query(
        path, "SELECT DISTINCT user_id, json_extract(attributes, '$.plain') FROM spans WHERE name <> 'first'"
    ) == [("[dropped: redact failed]", "kept")]


@pytest.mark.parametrize("answer_of_redact", [None, 7, b"bob4711", ["bob4711"]])
def test_a_redactor_that_returns_no_text_drops_the_text(tmp_path: Path, answer_of_redact: object) -> None:
    """Anything but a str is no text to store, in columns as elsewhere."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path, redact=lambda _key, _text: answer_of_redact)  # type: ignore[arg-type,return-value]
    exporter.export([telling_span(SPANS["model call"])])
    exporter.shutdown()
    assert SECRET.encode() not in path.read_bytes()
    assert value(path, "SELECT user_id FROM spans") == "[dropped: redact failed]"
