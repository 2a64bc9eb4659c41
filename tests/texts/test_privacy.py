from __future__ import annotations

import json
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.conventions.reader import Reading
from tests.support import CHAT, query, span_of, value

SENTENCE = "my doctor says hello"
CHINESE = "我的医生说我生病了"


def store(
    path: Path, *, name: str = "chat gpt-4o", attributes: dict[str, object] | None = None, text: str = "x"
) -> None:
    """Store a span without content, with a text in each place that no instrumentation has to fill."""
    exporter = SQLiteSpanExporter(path, capture_content=False)
    context = SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(1))
    exporter.export(
        [
            ReadableSpan(
                name=name,
                context=context,
                resource=Resource(
                    {
                        "service.name": "shop",
                        "service.version": text,
                        "process.command_args": ["python", "ask.py", text],
                        "process.command_line": f"python ask.py {text}",
                        "process.pid": 7,
                        "custom": "word",
                    },
                    text,
                ),
                attributes={**CHAT, **(attributes or {})},  # type: ignore[dict-item]
                events=[Event(text, {text: 1, "gen_ai.response.model": text})],
                links=[Link(context, {text: True, "error.type": text})],
                instrumentation_scope=InstrumentationScope("scope", text, text, {"custom": text, "level": 2}),
                start_time=1,
                end_time=2,
            )
        ]
    )
    exporter.shutdown()


def test_without_content_none_is_stored_raw_either(tmp_path: Path) -> None:
    """``capture_content=False`` wins over ``keep_raw_content``: not even a number under a key of content is stored."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path, capture_content=False, keep_raw_content=True)
    exporter.export([span_of({**CHAT, "gen_ai.input.messages": 4711, "input.value": 4712, "custom.count": 3})])
    exporter.shutdown()
    stored_attributes = str(value(path, "SELECT attributes FROM spans"))
    assert "471" not in stored_attributes
    assert "custom.count" not in stored_attributes


@pytest.mark.parametrize("step", ["__init__", "call"])
def test_without_content_nothing_of_a_span_that_cannot_be_read_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Where nobody can tell what is content, no attribute is stored: only when the span ran, and how it ended."""
    path = tmp_path / "traces.db"

    def fail(*_: object) -> None:
        raise ArithmeticError("a bug")

    monkeypatch.setattr(Reading, step, fail)
    store(path, attributes={"gen_ai.input.messages": 4711, "user.id": "bob"}, text="word")
    assert query(path, "SELECT attributes, events, user_id, status FROM spans") == [("{}", "[]", None, "unset")]


KEYS = [
    "error.type",
    "gen_ai.response.finish_reasons",
    "gen_ai.output.type",
    "gen_ai.request.model",
    "gen_ai.agent.name",
    "gen_ai.conversation.id",
    "user.id",
    "gen_ai.tool.name",
    "gen_ai.tool.call.id",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.response.id",
    "server.address",
    "traceloop.span.kind",
    "anything.else",
]


@pytest.mark.parametrize("text", [SENTENCE, CHINESE, '{"a":"doctor"}', "https://x.test/?q=doctor", "doctor" * 50])
@pytest.mark.parametrize("as_list", [False, True])
def test_without_content_no_sentence_is_stored_wherever_it_stands(tmp_path: Path, text: str, *, as_list: bool) -> None:
    """Span names, event names, error types, finish reasons, resources, scopes, links: only identifiers survive."""
    path = tmp_path / "traces.db"
    attributes: dict[str, object] = dict.fromkeys(KEYS, (text,) if as_list else text)
    store(path, name=text, attributes={**attributes, text: 1}, text=text)
    stored = path.read_bytes()
    assert text.encode() not in stored
    assert b"doctor" not in stored
    assert b"ask.py" not in stored


def test_without_content_identifiers_and_numbers_stay(tmp_path: Path) -> None:
    """Models, ids, error types, reasons, versions and counts are what such a file is for."""
    path = tmp_path / "traces.db"
    store(
        path,
        text="v1.2",
        attributes={
            "gen_ai.request.model": "meta-llama/Llama-3:free",
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.response.finish_reasons": ("stop", "one two"),
            "gen_ai.output.type": "json",
            "gen_ai.conversation.id": "c_1",
            "user.id": "bob@example.com",
            "error.type": "openai.RateLimitError",
            "custom.count": 3,
            "custom.word": "word",
        },
    )
    assert query(
        path,
        "SELECT name, request_model, response_id, finish_reasons, conversation_id, user_id, error_type FROM spans",
    ) == [
        (
            "chat gpt-4o",
            "meta-llama/Llama-3:free",
            "chatcmpl-1",
            '["stop"]',
            "c_1",
            "bob@example.com",
            "openai.RateLimitError",
        )
    ]
    attributes = json.loads(str(value(path, "SELECT attributes FROM spans")))
    assert attributes["gen_ai.output.type"] == "json"
    assert "custom.count" not in attributes  # nobody knows what an own key of the application quotes
    assert "custom.word" not in attributes
    assert query(path, "SELECT json_extract(attributes, '$'), service_name FROM resources") == [
        ('{"service.name":"shop","service.version":"v1.2","process.pid":7}', "shop")
    ]
    assert query(path, "SELECT name, version, attributes FROM scopes") == [("scope", "v1.2", "{}")]
    ((event,),) = query(path, "SELECT json_extract(events, '$[0].name') FROM spans")
    assert event == "v1.2"


@pytest.mark.parametrize(
    ("name", "attributes", "kept"),
    [
        ("chat gpt-4o", {}, "chat gpt-4o"),
        ("execute_tool get_weather", {"gen_ai.operation.name": "execute_tool"}, "execute_tool get_weather"),
        ("openai.chat", {}, "openai.chat"),
        ("ChatCompletion", {}, "ChatCompletion"),
        ("Hello doctor", {"gen_ai.request.model": "gpt-4o"}, "chat gpt-4o"),
        ("chat about my doctor", {}, "chat"),
        ("chat my doctor", {"gen_ai.request.model": "my doctor"}, "chat"),
        ("invoke_agent My Doctor", {"gen_ai.operation.name": "invoke_agent"}, "invoke_agent"),
        ("", {}, "chat"),
    ],
)
def test_without_content_a_span_is_named_by_its_operation(
    tmp_path: Path, name: str, attributes: dict[str, object], kept: str
) -> None:
    """A name of the form that the GenAI conventions ask for stays; any other that may be a sentence becomes one."""
    path = tmp_path / "traces.db"
    store(path, name=name, attributes=attributes)
    assert value(path, "SELECT name FROM spans") == kept
