"""A span around exactly one model call tells what the call's own span does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import StatusCode

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.support import RESOURCE, query

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "geo"}
ASKED = {"gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}])}
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1"}
COLUMNS = "SELECT input_text, finish_reason, input_tokens FROM llm_calls ORDER BY id"


def _record(
    directory: Path, wrapper: dict[str, Any], *calls: dict[str, Any], is_failed: bool = False
) -> list[tuple[Any, ...]]:
    """Record calls inside a wrapper, and return what is known of each."""
    path = directory / "traces.db"
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SQLiteSpanProcessor(path))
    tracer = provider.get_tracer("my.agents")
    with tracer.start_as_current_span("agent", attributes=wrapper) as agent:
        for attributes in calls:
            with tracer.start_as_current_span("chat m-1", attributes=attributes) as span:
                if is_failed:
                    span.set_status(StatusCode.ERROR)
        if is_failed:
            agent.set_status(StatusCode.ERROR)
    provider.shutdown()
    return query(path, COLUMNS)


def test_a_call_that_failed_was_asked_what_its_agent_was(tmp_path: Path) -> None:
    """Of a call that says nothing but that it failed, the agent's span has the question."""
    assert _record(tmp_path, AGENT | ASKED, CALL, is_failed=True) == [("Hi", None, None)]


def test_what_a_failed_call_says_of_itself_stays(tmp_path: Path) -> None:
    """The call's own question is not the agent's."""
    own = {"gen_ai.input.messages": ASKED["gen_ai.input.messages"].replace("Hi", "Own")}
    assert _record(tmp_path, AGENT | ASKED, CALL | own, is_failed=True) == [("Own", None, None)]


def test_an_answered_call_gets_no_question(tmp_path: Path) -> None:
    """Content that was left out on purpose is not filled in from elsewhere."""
    assert _record(tmp_path, AGENT | ASKED, CALL) == [(None, None, None)]


@pytest.mark.parametrize(("own", "told"), [(None, "stop"), ("length", "length")])
def test_the_reason_of_the_end_is_the_wrappers_where_the_call_has_none(
    tmp_path: Path, own: str | None, told: str
) -> None:
    """A chain's output is the message as the framework has it, with the reason that its call's span lacks."""
    chain = {"traceloop.span.kind": "task", "gen_ai.response.finish_reasons": ["stop"]}
    call = CALL | ({"gen_ai.response.finish_reasons": [own]} if own else {})
    assert _record(tmp_path, chain, call) == [(None, told, None)]


def test_of_several_calls_none_is_completed(tmp_path: Path) -> None:
    """What is said of several calls together is said of none of them."""
    said = AGENT | ASKED | {"gen_ai.response.finish_reasons": ["stop"], "gen_ai.usage.input_tokens": 9}
    assert _record(tmp_path, said, CALL, CALL) == [(None, None, None)] * 2
