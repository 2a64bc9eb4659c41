from __future__ import annotations

import subprocess
import sys

import pytest

from otel_sqlite_exporter.conventions import is_genai_event, is_genai_key, is_genai_scope
from otel_sqlite_exporter.conventions.registry import FAMILIES


def test_every_key_of_every_family_marks_a_span() -> None:
    """A key that a family claims makes a span one of its kind, unless it is an everyday word of one scope."""
    keys = {
        key
        for family in FAMILIES
        if not family.scoped
        for table in (family.columns, family.contents)
        for spoken in table.values()
        for key in spoken
    }
    ambiguous = {
        "operation.name",
        "operation.cost",
        "all_messages",
        "all_messages_events",
        "tool.id",
        "tool_call.id",
        "tool.call.id",
        "tool_call.function.name",
        "tool_call.function.arguments",
        "message.tool_calls.{i}",
    }
    assert {key for key in keys if not is_genai_key(key)} == ambiguous


@pytest.mark.parametrize(
    "key",
    [
        "http.method",
        "http.request.method",
        "url.full",
        "db.system",
        "rpc.service",
        "aws.request_id",
        "messaging.system",
        "server.address",
        "session.id",
        "user.id",
        "error.type",
        "code.function",
        "exception.type",
        "service.name",
        "thread.id",
    ],
)
def test_keys_of_other_spans_mark_nothing(key: str) -> None:
    """HTTP, database, AWS and general keys are on all kinds of spans."""
    assert not is_genai_key(key)


@pytest.mark.parametrize(
    "scope",
    [
        "openinference.instrumentation.openai",
        "opentelemetry.instrumentation.openai.v1",
        "opentelemetry.instrumentation.openai_v2",
        "opentelemetry.instrumentation.genai.anthropic",
        "opentelemetry.instrumentation.botocore.bedrock-runtime",
        "langfuse-sdk",
        "litellm",
        "mlflow.tracing.provider",
        "pydantic-ai",
        "strands.telemetry.tracer",
        "com.anthropic.sdk.python",
        "mistralai_sdk_tracer",
        "gcp.vertex.agent",
        "logfire.openai",
        "openlit.instrumentation.openai",
    ],
)
def test_scope_of_an_llm_instrumentation_is_known(scope: str) -> None:
    """A failed call without attributes is known by who made its span."""
    assert is_genai_scope(scope)


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "my-app",
        "opentelemetry.instrumentation.httpx",
        "opentelemetry.instrumentation.botocore",
        "opentelemetry.instrumentation.botocore.s3",
        "opentelemetry.instrumentation.requests",
        "opentelemetry.instrumentation.sqlalchemy",
        "logfire",
        "logfire.httpx",
    ],
)
def test_scope_of_other_instrumentations_is_not(scope: str) -> None:
    """HTTP clients, databases, AWS and the application itself trace all kinds of things."""
    assert not is_genai_scope(scope)


def test_events_with_messages_are_known() -> None:
    """Strands and old conventions say in span events what others say in attributes."""
    assert is_genai_event("gen_ai.user.message")
    assert not is_genai_event("exception")


def test_recognising_imports_nothing() -> None:
    """The module that the application's side asks stands alone."""
    code = "import sys, runpy; before = set(sys.modules); runpy.run_path(sys.argv[1]); print(set(sys.modules) - before)"
    path = sys.modules["otel_sqlite_exporter.conventions.recognise"].__file__
    done = subprocess.run([sys.executable, "-S", "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert "json" not in done.stdout
    assert "otel_sqlite_exporter" not in done.stdout
