"""Spans that share words with those of models and are of something else: mail, access rights, ML serving, factories."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import Call, EventFacts, SpanFacts
from otel_sqlite_exporter.conventions.call_names import names_a_call
from otel_sqlite_exporter.conventions.summary import last_user_text, output_text, system_text
from otel_sqlite_exporter.conventions.values import is_sentence
from otel_sqlite_exporter.pipeline.span_filter import SpanFilter
from tests.support import span_of

USER = json.dumps({"role": "user", "action": "read"})


def _read(
    attributes: dict[str, Any], name: str = "step", status: str = "unset", events: list[EventFacts] | None = None
) -> Call:
    return read(
        SpanFacts(name, scope_name="my.tracer", attributes=attributes, status=status, events=tuple(events or ()))
    )


@pytest.mark.parametrize(
    "attributes",
    [
        {"mail.messages": 12, "mail.usage.sent": 5, "mail.usage.received": 9},
        {"form.completion": "80 %", "api.usage.request": 5, "form.type": "survey"},
        {"rbac.input": USER, "rbac.output": json.dumps({"role": "assistant", "allowed": True})},
        {"rbac.type": "model", "rbac.request.body": USER, "rbac.response.body": json.dumps([{"role": "system"}])},
        {"check.input": json.dumps({"type": "human", "score": 1}), "check.output": json.dumps({"type": "human"})},
        {"ml.operation": "model_predict", "ml.model": "trees-1", "ml.usage.input": 3, "ml.usage.output": 4},
        {"sensor.type": "model", "sensor.model": "X", "sensor.usage.input": 4, "sensor.usage.output": 5},
        {"report.operation": "generate", "report.usage.input": 4, "report.output": "a.pdf"},
        {"ml.op": "model_invocation", "ml.model_name": "resnet"},
        {"shop.operation": "model_request", "shop.sku": "A5"},
        {"craft.operation": "bedrock_generation", "craft.seed": 5},
        {"bank.operation": "gemini prediction", "bank.size": 5},
        {"acme_span_kind": "server", "x": 1},
        {"rpcx.call.arguments": "[1]"},
    ],
)
def test_words_and_counts_of_others_tell_nothing(attributes: dict[str, Any]) -> None:
    """Numbers are nothing said, roles without a text no messages, and models of any kind are used and asked."""
    span_filter = SpanFilter(everything=False)
    assert not span_filter.is_llm_span(span_of(attributes))
    assert not span_filter.is_llm_span(span_of(attributes))


def test_the_same_keys_are_decided_by_each_spans_values() -> None:
    """What is learnt of a set of keys is only whose values have to be looked at."""
    span_filter = SpanFilter(everything=False)
    keys = ("shop.type", "shop.input", "shop.output")
    said = json.dumps([{"role": "user", "content": "Hi"}])
    assert not span_filter.is_llm_span(span_of(dict(zip(keys, ("order", "a", "b"), strict=True))))
    assert span_filter.is_llm_span(span_of(dict(zip(keys, ("order", said, said), strict=True))))
    assert span_filter.is_llm_span(span_of(dict(zip(keys, ("llm_call", "a", "b"), strict=True))))
    assert not span_filter.is_llm_span(span_of(dict(zip(keys, ("order", said, "b"), strict=True))))


@pytest.mark.parametrize(
    ("kind", "is_recorded"), [("chain", True), ("workflow", True), ("server", False), ("x", False)]
)
def test_a_kind_of_span_is_told_by_its_value(kind: str, is_recorded: bool) -> None:
    """Spans of anything may say which of OpenTelemetry's kinds they have."""
    assert SpanFilter(everything=False).is_llm_span(span_of({"zorvex_span_kind": kind})) is is_recorded


@pytest.mark.parametrize("name", ["generation", "embedding", "tool"])
def test_a_word_of_others_for_a_name_is_no_call(name: str) -> None:
    """Where every span is recorded, one that says nothing else is what it was."""
    assert _read({"plant.mw": 3}, name).kind == "other"
    assert _read({}, "llm_call").kind == "llm"


@pytest.mark.parametrize(
    ("name", "is_call"),
    [
        ("chat gpt-4o", True),
        ("embeddings text-embedding-3-small", True),
        ("model gemini-rover", False),
        ("chat x", False),
    ],
)
def test_only_the_standards_names_name_a_call(name: str, is_call: bool) -> None:
    """What is recorded for its name alone is a call when it is read, and nothing else is."""
    assert names_a_call(name) is is_call
    assert not is_call or _read({}, name, "error").kind in ("llm", "embedding")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("You are a helpful assistant", True),
        ("Be brief.", True),
        ("请简短回答。", True),
        ("Answer in French only", True),
        ("Azure OpenAI via LiteLLM proxy", False),
        ("Google Vertex AI", False),
        ("Example Corp. Inc.", False),
        ("openai", False),
        (7, False),
    ],
)
def test_a_sentence_and_a_name(value: object, wanted: bool) -> None:
    """Names are made of words with capitals, and end in no full stop but an abbreviation's."""
    assert is_sentence(value) is wanted


@pytest.mark.parametrize(
    "name", ["first_token", "token.refresh", "retrieved_chunk", "tool_call.delta", "reasoning.delta"]
)
def test_pieces_of_something_else_are_no_answer(name: str) -> None:
    """Tokens are refreshed, documents have chunks, and a tool's arguments come in pieces too."""
    call = _read({"zorvex.span_type": "llm", "zorvex.prompt": "Hi"}, events=[EventFacts(name, {"content": "x"})])
    assert output_text(call) is None


def test_a_text_with_lines_like_turns_stays_one_text() -> None:
    """A conversation begins with its instructions: after a user's line they are a line of the user's file."""
    text = "user: root\nsystem: linux\nWhat is wrong with this file?"
    call = _read({"zorvex.span_type": "llm", "zorvex.prompt": text})
    assert (last_user_text(call), system_text(call)) == (text, None)


def test_a_text_of_more_turns_than_people_take_stays_one_text() -> None:
    """Every turn is a message to be stored; so many are lines of a log."""
    turns = "user: Hi\nassistant: Hello\n"
    attributes = {"zorvex.span_type": "llm", "zorvex.prompt": turns * 3}
    assert [message.role for message in _read(attributes).input] == ["user", "assistant"] * 3
    assert len(_read({**attributes, "zorvex.prompt": turns * 20_000}).input) == 1
