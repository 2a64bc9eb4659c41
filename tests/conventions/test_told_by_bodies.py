"""What an emitter left out of its keys, told by the bodies, texts and names that it passed on."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace.status import Status, StatusCode

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import Call, SpanFacts
from otel_sqlite_exporter.conventions.summary import last_user_text, system_text
from otel_sqlite_exporter.pipeline.span_filter import SpanFilter
from tests.conventions.provider_bodies import ANSWERED, BODIES, CACHED, INPUT, MODEL, OUTPUT, QUESTION, SYSTEM
from tests.support import provider_with, query, recording, span_of

if TYPE_CHECKING:
    from pathlib import Path

_COUNTING_CACHES = ("openai", "responses", "anthropic", "gemini", "bedrock")
_SYSTEMS = {"anthropic": "anthropic", "bedrock": "aws.bedrock", "gemini": "gcp.gemini"}


def _read(attributes: dict[str, Any], scope: str = "my.tracer", name: str = "step", **facts: Any) -> Call:
    return read(SpanFacts(name, scope_name=scope, attributes=attributes, **facts))


def _passed_on(shape: str, counted: int, response: Any) -> dict[str, Any]:
    return {
        "openinference.span.kind": "LLM",
        "llm.provider": _SYSTEMS.get(shape, "openai"),
        "llm.model_name": MODEL,
        "gen_ai.response.model": ANSWERED,
        "gen_ai.response.id": "r-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "llm.token_count.prompt": counted,
        "llm.token_count.completion": OUTPUT,
        "output.value": json.dumps(response),
    }


@pytest.mark.parametrize("is_inclusive", [True, False])
@pytest.mark.parametrize("shape", _COUNTING_CACHES)
def test_cached_tokens_are_in_the_answers_usage_where_no_key_has_them(shape: str, is_inclusive: bool) -> None:
    """They cost less, so they are looked for in the body though all else has keys."""
    told = INPUT if is_inclusive or shape not in ("anthropic", "bedrock") else INPUT - CACHED
    call = _read(_passed_on(shape, told, BODIES[shape][1]))
    assert (call.input_tokens, call.output_tokens, call.cache_read_tokens) == (INPUT, OUTPUT, CACHED)


@given(counted=st.integers(1, 5000).filter(lambda count: count not in (INPUT, INPUT - CACHED)))
def test_cached_tokens_of_another_usage_are_not_the_calls(counted: int) -> None:
    """A body whose input count is not the span's counts something else: a session, a cache that was made."""
    call = _read(_passed_on("openai", counted, BODIES["openai"][1]))
    assert (call.input_tokens, call.cache_read_tokens) == (counted, None)


def test_parameters_that_are_the_answer_name_the_model_that_answered() -> None:
    """An answer repeats the parameters, with an id and a time; requests have neither."""
    attributes = {"openinference.span.kind": "LLM", "gen_ai.request.model": ANSWERED}
    answer = {"id": "resp_1", "created_at": 1767225600.0, "model": ANSWERED, "tool_choice": "auto"}
    call = _read({**attributes, "llm.invocation_parameters": json.dumps(answer)})
    assert (call.response_model, call.response_id) == (ANSWERED, "resp_1")
    asked = {"model": ANSWERED, "id": "p-1", "tool_choice": "auto"}
    call = _read({**attributes, "llm.invocation_parameters": json.dumps(asked)})
    assert (call.response_model, call.response_id) == (None, None)


@given(
    said=st.lists(
        st.tuples(st.sampled_from(["user", "assistant"]), st.sampled_from(["Hi\nand bye", "Why?", "c: d"])), min_size=1
    )
)
def test_a_prompt_with_roles_before_its_lines_is_parted(said: list[tuple[str, str]]) -> None:
    """Whoever wrote it: each message keeps its role, and instructions are none of the input."""
    text = "\n".join(f"{role}: {words}" for role, words in (("system", SYSTEM), *said))
    call = _read({"gen_ai.operation.name": "chat", "gen_ai.prompt": text}, scope="acme.sdk")
    assert (system_text(call), [message.role for message in call.input]) == (SYSTEM, [role for role, _ in said])


def test_a_dialogue_that_a_user_quotes_stays_one_message() -> None:
    """A message that has a role of its own is not parted by its text."""
    quoted = f"system: {SYSTEM}\nuser: {QUESTION}"
    messages = [{"role": "user", "content": quoted}]
    call = _read({"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(messages)})
    assert (system_text(call), last_user_text(call), len(call.input)) == (None, quoted, 1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("chat gpt-5.4-mini", "llm"),
        ("text_completion claude-haiku-4-5", "llm"),
        ("embeddings text-embedding-3-small", "embedding"),
        ("chat room", None),
        ("chat about gpt-4o", None),
        ("gpt-4o", None),
        ("GET gpt-4o", None),
        ("execute_tool gpt-4o", None),
    ],
)
def test_an_empty_span_named_as_the_conventions_name_a_call_is_one(name: str, kind: str | None) -> None:
    """An instrumentation that failed leaves the name alone; without a known maker's model it may be anything."""
    assert _is_recorded({}, name, StatusCode.ERROR) == (kind is not None)
    if kind is not None:
        call = _read({}, scope="acme.sdk", name=name, status="error")
        assert (call.kind, call.request_model, call.provider is None) == (kind, name.partition(" ")[2], False)
    assert not _is_recorded({"order": 1}, name, StatusCode.ERROR)
    assert not _is_recorded({}, name, StatusCode.UNSET)


def _is_recorded(attributes: dict[str, Any], name: str, status: StatusCode) -> bool:
    span = span_of(attributes, name=name)
    span._status = Status(status)
    return SpanFilter(everything=False).is_llm_span(span)


def test_a_failed_call_without_attributes_is_recorded_once(tmp_path: Path) -> None:
    """Also by the processor's own short way, after its scope was found to be no emitter's, and inside of a wrapper."""
    database = tmp_path / "traces.db"
    with recording(database) as processor:
        provider = provider_with(processor)
        own, known = provider.get_tracer("my.app"), provider.get_tracer("opentelemetry.instrumentation.openai")
        with contextlib.suppress(ValueError), own.start_as_current_span("work"):
            raise ValueError
        with contextlib.suppress(ValueError), own.start_as_current_span("chat gpt-5.4-mini"):
            raise ValueError
        with (
            contextlib.suppress(ValueError),
            own.start_as_current_span("chat gpt-5.4-nano"),
            known.start_as_current_span("chat gpt-5.4-nano", attributes={"gen_ai.request.model": "gpt-5.4-nano"}),
        ):
            raise ValueError
        with own.start_as_current_span("chat gpt-5.4"):
            pass
    rows = query(database, "SELECT request_model, status FROM llm_calls WHERE request_model IS NOT NULL ORDER BY 1")
    assert rows == [("gpt-5.4-mini", "error"), ("gpt-5.4-nano", "error")]


def test_an_sdk_that_adds_cached_tokens_up_itself_is_known() -> None:
    """It writes Anthropic's names for numbers that it has normalised."""
    attributes = {
        "gen_ai.operation.name": "generateText",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.usage.input_tokens": INPUT,
        "gen_ai.usage.cache_read_input_tokens": INPUT - 22,
    }
    assert _read(attributes, scope="github.com/grafana/sigil/sdks/python").input_tokens == INPUT
    assert _read(attributes).input_tokens == INPUT + INPUT - 22
