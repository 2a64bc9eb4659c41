"""A conversation of any length is whole: the SDK's default limit of attributes does not hold for models' spans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.pipeline.room import LIMITS
from tests.support import RESOURCE, query

INSTRUMENTATION = "openinference.instrumentation.openai"
ASKED = {"openinference.span.kind": "LLM", "llm.model_name": "m-1", "llm.system": "openai"}
SAID = {
    f"llm.input_messages.{place}.message.{field}": value
    for place in range(100)
    for field, value in (("role", "user" if place else "system"), ("content", f"text {place}"))
}


def _record(path: Path, scope: str = INSTRUMENTATION, limits: SpanLimits | None = None) -> int:
    """Record a long conversation, and return how many attributes another exporter got."""
    provider = TracerProvider(resource=RESOURCE, span_limits=limits)
    others = InMemorySpanExporter()
    provider.add_span_processor(SQLiteSpanProcessor(path))
    provider.add_span_processor(SimpleSpanProcessor(others))
    with provider.get_tracer(scope).start_as_current_span("ChatCompletion") as span:
        span.set_attributes(ASKED)
        for key, value in SAID.items():
            span.set_attribute(key, value)
    provider.shutdown()
    return len(others.get_finished_spans()[0].attributes or {})


def _evicted(path: Path) -> list[tuple[Any, ...]]:
    return query(path, "SELECT dropped_attributes > 0, attributes_evicted FROM spans")


def test_a_models_span_keeps_a_whole_conversation(tmp_path: Path) -> None:
    """With a provider as it comes, model, instructions and every message arrive, here and elsewhere."""
    path = tmp_path / "traces.db"
    assert _record(path) == len(ASKED) + len(SAID)
    assert query(path, "SELECT request_model, system_text, input_text FROM llm_calls") == [("m-1", "text 0", "text 99")]
    assert _evicted(path) == [(0, 0)]


@pytest.mark.parametrize("name", LIMITS)
def test_the_environments_limit_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Who sets a limit means it, be it the default's number."""
    monkeypatch.setenv(name, "128")
    assert _record(tmp_path / "traces.db") == 128
    assert _evicted(tmp_path / "traces.db") == [(1, 1)]


def test_the_providers_limit_holds(tmp_path: Path) -> None:
    """A limit that the application gave its provider is not touched."""
    assert _record(tmp_path / "traces.db", limits=SpanLimits(max_span_attributes=40)) == 40
    assert _evicted(tmp_path / "traces.db") == [(1, 1)]


def test_spans_of_others_are_left_alone(tmp_path: Path) -> None:
    """A span of a scope that is not one of models' is as the SDK makes it."""
    assert _record(tmp_path / "traces.db", scope="my.application") == 128


@pytest.mark.parametrize("span", [None, object()])
def test_what_is_no_span_is_no_trouble(tmp_path: Path, span: Any) -> None:
    """Nothing is raised into the application when a span is built in another way."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db")
    processor.on_start(span)
    processor.shutdown()
