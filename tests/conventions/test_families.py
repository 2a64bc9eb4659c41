from __future__ import annotations

import json
from typing import Any

import pytest

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import Call, EventFacts, SpanFacts
from otel_sqlite_exporter.conventions.summary import last_user_text, output_text, system_text, tool_calls
from tests.conventions.family_cases import CASES, GENAI_INPUT, GENAI_OUTPUT, MESSAGES, WANTED


def _said(call: Call, column: str) -> Any:
    texts = {"system": system_text, "input": last_user_text, "output": output_text}
    return texts[column](call) if column in texts else getattr(call, column)


@pytest.mark.parametrize(("scope", "attributes", "differs"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_model_call_of_each_family_fills_the_same_columns(
    scope: str, attributes: dict[str, Any], differs: dict[str, Any]
) -> None:
    """One call reads the same whichever family of emitters reported it."""
    call = read(SpanFacts("call", scope_name=scope, attributes=attributes))
    wanted = {**WANTED, **differs}
    assert {column: _said(call, column) for column in wanted} == wanted


@pytest.mark.parametrize(
    ("scope", "attributes", "convention"),
    [
        ("", {"gen_ai.operation.name": "chat", "gen_ai.prompt": "Hi", "gen_ai.completion": "Ho"}, "openllmetry"),
        ("", {"gen_ai.operation.name": "chat", "gen_ai.usage.input_token_details": '{"cache_read": 1}'}, "gen_ai"),
        ("", {"gen_ai.prompt": "Hi", "langsmith.span.kind": "llm"}, "langsmith"),
        ("langsmith", {"gen_ai.prompt": "Hi"}, "langsmith"),
    ],
)
def test_only_its_own_words_or_scope_make_a_span_langsmiths(
    scope: str, attributes: dict[str, Any], convention: str
) -> None:
    """Keys that LangSmith shares with others are no evidence of LangSmith."""
    assert read(SpanFacts("call", scope_name=scope, attributes=attributes)).convention == convention


@pytest.mark.parametrize(("scope", "attributes"), [case[1:3] for case in CASES], ids=[c[0] for c in CASES])
def test_attributes_keep_everything_but_message_content(scope: str, attributes: dict[str, Any]) -> None:
    """No prompt or answer is left among the attributes, and what is left there is as it was emitted."""
    call = read(SpanFacts("call", scope_name=scope, attributes=attributes))
    left = json.dumps(call.attributes)
    assert "Be brief." not in left
    assert "Hello" not in left
    assert call.attributes.items() <= attributes.items()


@pytest.mark.parametrize(
    ("attributes", "kind", "sent", "received"),
    [
        (
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "get_weather",
                "gen_ai.tool.call.id": "1",
                "gen_ai.tool.call.arguments": '{"city": "Paris"}',
                "gen_ai.tool.call.result": "21",
            },
            "tool",
            [{"type": "tool_call", "id": "1", "name": "get_weather", "arguments": {"city": "Paris"}}],
            [{"type": "tool_call_response", "id": "1", "response": "21"}],
        ),
        (
            {
                "openinference.span.kind": "TOOL",
                "tool.name": "get_weather",
                "input.value": '{"city": "Paris"}',
                "output.value": '{"temp": 21}',
                "tool.parameters": '{"type": "object", "properties": {"city": {}}}',
            },
            "tool",
            [{"type": "tool_call", "id": None, "name": "get_weather", "arguments": {"city": "Paris"}}],
            [{"type": "tool_call_response", "id": None, "response": {"temp": 21}}],
        ),
        (
            {
                "traceloop.span.kind": "tool",
                "traceloop.entity.name": "get_weather",
                "traceloop.entity.input": '{"tool_name": "get_weather", "arguments": {"city": "Paris"}}',
                "traceloop.entity.output": '{"result": "21"}',
            },
            "tool",
            [{"type": "tool_call", "id": None, "name": "get_weather", "arguments": {"city": "Paris"}}],
            [{"type": "tool_call_response", "id": None, "response": "21"}],
        ),
        (
            {
                "ai.operationId": "ai.toolCall",
                "ai.toolCall.name": "get_weather",
                "ai.toolCall.id": "1",
                "ai.toolCall.args": '{"city": "Paris"}',
                "ai.toolCall.result": '"21"',
            },
            "tool",
            [{"type": "tool_call", "id": "1", "name": "get_weather", "arguments": {"city": "Paris"}}],
            [{"type": "tool_call_response", "id": "1", "response": "21"}],
        ),
        (
            {
                "openinference.span.kind": "RETRIEVER",
                "input.value": "Where?",
                "retrieval.documents.0.document.content": "In one file.",
            },
            "retriever",
            [{"type": "text", "content": "Where?"}],
            [{"type": "text", "content": "In one file."}],
        ),
        (
            {
                "openinference.span.kind": "RERANKER",
                "reranker.query": "Where?",
                "reranker.input_documents.0.document.content": "Here.",
                "reranker.output_documents.0.document.content": "There.",
            },
            "reranker",
            [{"type": "text", "content": "Where?"}, {"type": "text", "content": "Here."}],
            [{"type": "text", "content": "There."}],
        ),
        (
            {
                "openinference.span.kind": "EMBEDDING",
                "embedding.model_name": "m",
                "embedding.embeddings.0.embedding.text": "One",
                "embedding.embeddings.0.embedding.vector": (0.1, 0.2),
                "embedding.embeddings.1.embedding.text": "Two",
            },
            "embedding",
            [{"type": "text", "content": "One"}, {"type": "text", "content": "Two"}],
            [],
        ),
        (
            {
                "traceloop.span.kind": "workflow",
                "traceloop.entity.input": '{"inputs": {"country": "France"}, "tags": []}',
                "traceloop.entity.output": '{"outputs": "Paris"}',
            },
            "chain",
            [{"type": "text", "content": '{"country": "France"}'}],
            [{"type": "text", "content": "Paris"}],
        ),
        (
            {"openinference.span.kind": "AGENT", "input.value": "Hi", "output.value": "Hello", "agent.name": "a"},
            "agent",
            [{"type": "text", "content": "Hi"}],
            [{"type": "text", "content": "Hello"}],
        ),
        (
            {
                "gen_ai.operation.name": "invoke_agent",
                "pydantic_ai.all_messages": json.dumps([*json.loads(GENAI_INPUT), *json.loads(GENAI_OUTPUT)]),
            },
            "agent",
            [{"type": "text", "content": "Hi"}],
            [{"type": "text", "content": "Hello"}],
        ),
        (
            {
                "ai.operationId": "ai.generateText.doGenerate",
                "ai.prompt.messages": "Hi",
                "ai.response.text": "Let me see.",
                "ai.response.toolCalls": json.dumps(
                    [{"toolCallId": "1", "toolName": "get_weather", "args": '{"city": "Paris"}'}]
                ),
            },
            "llm",
            [{"type": "text", "content": "Hi"}],
            [
                {"type": "text", "content": "Let me see."},
                {"type": "tool_call", "id": "1", "name": "get_weather", "arguments": {"city": "Paris"}},
            ],
        ),
    ],
)
def test_every_kind_has_an_input_and_an_output(
    attributes: dict[str, Any], kind: str, sent: list[Any], received: list[Any]
) -> None:
    """Tools, retrievers, embeddings, agents and chains have messages as model calls have."""
    call = read(SpanFacts("step", attributes=attributes))
    assert call.kind == kind
    assert [part for message in call.input for part in message.parts] == sent
    assert [part for message in call.output for part in message.parts] == received


@pytest.mark.parametrize("body_is_text", [False, True])
def test_content_is_read_from_log_events(body_is_text: bool) -> None:
    """Per-message log events carry input and output, as structures or as JSON in a string."""

    def event(name: str, body: dict[str, Any]) -> EventFacts:
        return EventFacts(name, {"gen_ai.system": "openai"}, json.dumps(body) if body_is_text else body)

    call_part = {"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    events = [
        event("gen_ai.system.message", {"content": "Be brief."}),
        event("gen_ai.user.message", {"content": "Hi"}),
        event("gen_ai.assistant.message", {"tool_calls": [call_part]}),
        event("gen_ai.tool.message", {"content": "21", "id": "1"}),
        event(
            "gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}
        ),
    ]
    call = read(SpanFacts("chat m", attributes={"gen_ai.operation.name": "chat"}, log_events=events))
    assert (system_text(call), last_user_text(call), output_text(call)) == ("Be brief.", "Hi", "Hello")
    assert [message.role for message in call.input] == ["user", "assistant", "tool"]
    assert call.finish_reasons == ["stop"]
    assert call.events == []


def test_details_event_fills_what_the_span_lacks() -> None:
    """One details event carries structured messages and may carry columns that the span does not."""
    event = EventFacts(
        "gen_ai.client.inference.operation.details",
        {
            "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}],
            "gen_ai.output.messages": ({"role": "assistant", "parts": ({"type": "text", "content": "Hello"},)},),
            "gen_ai.usage.input_tokens": 42,
            "gen_ai.request.model": "another",
        },
    )
    facts = SpanFacts(
        "chat m", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}, log_events=[event]
    )
    call = read(facts)
    assert (last_user_text(call), output_text(call)) == ("Hi", "Hello")
    assert (call.input_tokens, call.request_model) == (42, "m")


def test_span_events_with_messages_are_content_and_others_stay() -> None:
    """Strands and older conventions put messages in span events; they leave the events, an exception stays."""
    facts = SpanFacts(
        "chat",
        scope_name="strands.telemetry.tracer",
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "strands-agents",
            "gen_ai.request.model": "gpt-4o",
        },
        events=[
            EventFacts("gen_ai.user.message", {"content": '[{"text": "Hi"}]'}),
            EventFacts(
                "gen_ai.choice",
                {"message": '[{"toolUse": {"toolUseId": "1", "name": "t", "input": {}}}]', "finish_reason": "tool_use"},
            ),
            EventFacts("exception", {"exception.type": "ValueError"}),
        ],
    )
    call = read(facts)
    assert last_user_text(call) == "Hi"
    assert tool_calls(call) == [{"id": "1", "name": "t", "arguments": {}}]
    assert call.finish_reasons == ["tool_use"]
    assert call.provider == "openai"
    assert [event.name for event in call.events] == ["exception"]


def test_evaluation_events_become_span_events() -> None:
    """An evaluation of a call arrives as a log event and is kept beside the span's events."""
    evaluation = EventFacts("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "relevance"})
    call = read(SpanFacts("chat m", attributes={"gen_ai.operation.name": "chat"}, log_events=[evaluation]))
    assert call.events == [evaluation]


def test_tool_definitions_are_read_and_leave_the_attributes() -> None:
    """The tools on offer are decoded once, from a JSON list or a flattened one."""
    schema = {"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}
    spoken: list[dict[str, Any]] = [
        {"gen_ai.tool.definitions": json.dumps([schema])},
        {"llm.tools.0.tool.json_schema": json.dumps(schema)},
        {"mlflow.chat.tools": json.dumps([schema])},
    ]
    for attributes in spoken:
        call = read(SpanFacts("chat m", attributes={"gen_ai.operation.name": "chat", **attributes}))
        assert call.tool_definitions == [schema]
        assert call.attributes == {"gen_ai.operation.name": "chat"}


def test_raw_exchange_of_litellm_is_no_second_call() -> None:
    """LiteLLM's span with the raw exchange is not a model call, and its content is content."""
    attributes = {"llm.openai.messages": str(MESSAGES), "llm.openai.choices": "[{'message': {'content': 'Hello'}}]"}
    call = read(SpanFacts("raw_gen_ai_request", scope_name="litellm", attributes=attributes))
    assert call.kind == "other"
    assert output_text(call) == "Hello"
    assert call.attributes == {}


def test_everyday_words_mean_something_under_their_own_scope_only() -> None:
    """``model`` or ``inputs`` on a span of somebody else is an attribute like any other."""
    attributes = {"model": "T", "inputs": "x", "events": "y", "embeddings": "z", "metadata.session_id": "1"}
    call = read(SpanFacts("assemble", scope_name="car-factory", attributes=attributes))
    assert call.kind == "other"
    assert call.attributes == attributes
