"""Spans whose keys tell little: a word that others have too, messages beside it, a model in the name of the span."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import Call, SpanFacts
from otel_sqlite_exporter.conventions.summary import last_user_text, output_text, system_text, tool_calls
from otel_sqlite_exporter.conventions.usage import read_usage
from otel_sqlite_exporter.pipeline.span_filter import SpanFilter
from tests.conventions.provider_bodies import ANSWER, INPUT, MODEL, OUTPUT, QUESTION, SYSTEM
from tests.support import span_of

REQUEST = {
    "messages": [
        {"role": "system", "content": [{"text": SYSTEM}]},
        {"role": "user", "content": [{"text": QUESTION}]},
    ]
}
RESPONSE = {
    "message": {"role": "model", "content": [{"text": ANSWER}]},
    "finishReason": "stop",
    "usage": {"inputTokens": float(INPUT), "outputTokens": float(OUTPUT)},
}


def _read(attributes: dict[str, Any], name: str = "step") -> Call:
    return read(SpanFacts(name, scope_name="my.tracer", attributes=attributes))


def _is_recorded(attributes: dict[str, Any]) -> bool:
    return SpanFilter(everything=False).is_llm_span(span_of(attributes))


@settings(max_examples=25, deadline=None)
@given(
    prefix=st.sampled_from(["acme:", "acme.", "acme/", "acme_"]),
    step=st.sampled_from(["type", "subtype", "metadata:subtype", "span_kind", "operation"]),
    word=st.sampled_from(["model", "chat", "completion", "generate", "generateText", "inference"]),
    sides=st.sampled_from([("input", "output"), ("request", "response"), ("inputs", "outputs")]),
    pack=st.sampled_from([json.dumps, str]),
)
def test_an_everyday_word_for_the_step_is_a_call_beside_messages(
    prefix: str, step: str, word: str, sides: tuple[str, str], pack: Any
) -> None:
    """A type ``model`` is a model's step where the same emitter wrote what a system or a user said."""
    request, response = (prefix + side for side in sides)
    attributes = {prefix + step: word, request: pack(REQUEST), response: pack(RESPONSE)}
    assert _is_recorded(attributes)
    call = _read(attributes, name=f"openai/{MODEL}")
    assert (call.kind, call.provider, call.request_model) == ("llm", "openai", MODEL)
    assert (call.input_tokens, call.output_tokens, call.finish_reasons) == (INPUT, OUTPUT, ["stop"])
    assert (system_text(call), last_user_text(call), output_text(call)) == (SYSTEM, QUESTION, ANSWER)


@pytest.mark.parametrize(
    "attributes",
    [
        {"dbt.node.type": "model", "dbt.node.input": "SELECT 1", "dbt.status": "ok"},
        {"acme.type": "model", "http.request.body": json.dumps(REQUEST), "url.path": "/v1/chat/completions"},
        {"room.type": "chat", "room.payload": json.dumps({"role": "moderator", "text": "hello"})},
        {"messaging.operation": "chat", "messaging.body": json.dumps(REQUEST)},
        {"db.operation": "generate", "db.statement": json.dumps(REQUEST)},
        {"queue.kind": "predict", "queue.input": "[1, 2]", "queue.output": "[0.3]"},
        {"queue.kind": ["model"], "queue.input": json.dumps(REQUEST)},
    ],
)
def test_an_everyday_word_alone_is_none(attributes: dict[str, Any]) -> None:
    """Models of data, rooms and queues have such words, and HTTP, databases and queues carry messages to models."""
    assert not _is_recorded(attributes)
    assert _read(attributes).kind not in ("llm", "embedding")


@pytest.mark.parametrize("name", ["GET /gpt-4o", "files/report", "openai/chat", "a b/gpt-4o", "/"])
def test_only_a_models_name_behind_a_maker_names_the_model(name: str) -> None:
    """Routes and paths have slashes too."""
    assert _read({"acme.llm.prompt": QUESTION, "acme.span_type": "llm"}, name=name).request_model is None


def test_a_tool_may_be_requested() -> None:
    """``toolRequest`` and ``toolResponse`` are parts of messages, their reference is the call's id."""
    asked = {"role": "model", "content": [{"toolRequest": {"ref": "c-1", "name": "look", "input": {"at": 1}}}]}
    told = {"role": "tool", "content": [{"toolResponse": {"ref": "c-1", "name": "look", "output": "a map"}}]}
    call = _read({"acme.span_type": "llm", "acme.input": json.dumps([told]), "acme.output": json.dumps([asked])})
    assert tool_calls(call) == [{"id": "c-1", "name": "look", "arguments": {"at": 1}}]
    assert [part["id"] for message in call.input for part in message.parts] == ["c-1"]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"cached_prompt_tokens": 3, "prompt_tokens": 9}, {"cache_read_tokens": 3, "input_tokens": 9}),
        ({"tokensIn": 9, "tokensOut": 4}, {"input_tokens": 9, "output_tokens": 4}),
        ({"sent_tokens": 9, "input_tokens": 8}, {"input_tokens": 8}),
        ({"max_output_tokens": 9, "prompt_tokens_details": {"text_tokens": 3}, "tokens_per_second": 3}, {}),
    ],
)
def test_counts_of_a_usage_are_read_by_their_words(usage: dict[str, Any], counts: dict[str, int]) -> None:
    """Names that no provider has are believed behind those that one has."""
    assert read_usage(usage) == counts


def test_counts_beside_a_known_convention_are_read_by_their_words() -> None:
    """A framework's own usage among its metadata says what its convention has no key for."""
    attributes = {"openinference.span.kind": "LLM", "llm.model_name": MODEL, "llm.token_count.prompt": INPUT}
    call = read(
        SpanFacts(
            "x",
            scope_name="openinference.instrumentation.acme",
            attributes=attributes | {"metadata.usage.cached_prompt_tokens": 2},
        )
    )
    assert (call.input_tokens, call.cache_read_tokens) == (INPUT, 2)


@pytest.mark.parametrize(
    "given",
    [
        {"args": [REQUEST["messages"]], "kwargs": {"tools": [{"type": "function", "function": {"name": "look"}}]}},
        {"args": ["self", REQUEST["messages"]], "kwargs": {"temperature": 0.2}},
        {"args": [REQUEST["messages"][1:]], "kwargs": {"system": SYSTEM}},
        {"args": [], "kwargs": REQUEST},
    ],
)
def test_messages_may_be_any_argument_of_a_function(given: dict[str, Any]) -> None:
    """What else the function was given is no message, but for its instructions."""
    call = _read({"acme.span_type": "llm", "acme.input": json.dumps(given)})
    assert (system_text(call), last_user_text(call), len(call.input)) == (SYSTEM, QUESTION, 1)


@pytest.mark.parametrize("key", ["metadata", "acme.metadata", "acme.model_info"])
def test_metadata_may_name_the_model_that_nothing_else_names(key: str) -> None:
    """An application's metadata beside a model's name change nothing."""
    attributes = {"acme.span_type": "llm", "acme.prompt": QUESTION, key: json.dumps({"model_name": MODEL})}
    assert _read(attributes).request_model == MODEL
    assert _read({**attributes, "acme.llm.model": "o3"}).request_model == "o3"
    assert _read({**attributes, "acme.span_type": "tool"}).request_model is None


def test_a_response_may_have_its_facts_among_its_metadata() -> None:
    """A framework's own answer: results, and beside them the provider's model and usage."""
    usage = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT}
    answer = {
        "results": [{"message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}],
        "metadata": {"model": "gpt-x-1", "id": "r-1", "usage": usage},
    }
    call = _read({"acme.span_type": "llm", "acme.llm.model": MODEL, "acme.output": json.dumps(answer)})
    assert (call.request_model, call.response_model, call.response_id) == (MODEL, "gpt-x-1", "r-1")
    assert (call.input_tokens, call.output_tokens, call.finish_reasons) == (INPUT, OUTPUT, ["stop"])
    own = {"choices": [{"message": {"role": "assistant", "content": ANSWER}}], "metadata": {"model": "T-1", "id": "9"}}
    call = _read({"acme.span_type": "llm", "acme.llm.model": MODEL, "acme.output": json.dumps(own)})
    assert (call.response_model, call.response_id) == (MODEL, None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("openai.chat.completions", "llm"),
        ("anthropic.messages.create", "llm"),
        ("openai.embeddings", "embedding"),
        ("redis.message", "other"),
        ("openai.files.list", "other"),
        ("shop.chat.messages", "other"),
    ],
)
def test_an_empty_span_named_after_a_method_of_a_providers_sdk_is_a_call(name: str, kind: str) -> None:
    """An instrumentation that failed leaves the name alone."""
    call = read(SpanFacts(name, scope_name="openlit.otel.tracing", attributes={}, status="error"))
    assert call.kind == kind
