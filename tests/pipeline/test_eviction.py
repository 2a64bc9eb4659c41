from __future__ import annotations

import logging
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.pipeline.eviction import Eviction
from tests.support import RESOURCE, value

LONG_CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"} | {
    f"gen_ai.prompt.{place}.{field}": field for place in range(80) for field in ("role", "content")
}


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Eviction, "is_said", False)


def _record(path: Path, limits: SpanLimits | None = None) -> None:
    provider = TracerProvider(resource=RESOURCE, span_limits=limits)
    provider.add_span_processor(SQLiteSpanProcessor(path))
    tracer = provider.get_tracer("long chats")
    for _ in range(3):
        with tracer.start_as_current_span("chat gpt-4o") as span:
            for key, text in LONG_CHAT.items():
                span.set_attribute(key, text)
    provider.shutdown()


def test_the_sdks_limit_is_said_once_with_the_remedy(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each row that lost something says so; the log says it once in a process, and what to do about it."""
    path = tmp_path / "traces.db"
    with caplog.at_level(logging.WARNING, "otel_sqlite_exporter"):
        _record(path)
    assert value(path, "SELECT sum(attributes_evicted) FROM spans") == 3
    (line,) = (message for message in caplog.messages if "limit" in message)
    assert "long chats" in line
    assert "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=4096" in line
    assert "SpanLimits(max_span_attributes=4096)" in line


def test_a_provider_that_keeps_all_is_no_trouble(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With room for every attribute nothing is missing and nothing is said."""
    path = tmp_path / "traces.db"
    _record(path, SpanLimits(max_span_attributes=4096))
    assert value(path, "SELECT sum(attributes_evicted) FROM spans") == 0
    assert not [message for message in caplog.messages if "limit" in message]
