from __future__ import annotations

import json
from typing import Any

import pytest

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import EventFacts, SpanFacts
from otel_sqlite_exporter.conventions.summary import last_user_text, output_text, system_text, tool_calls

ASKED = [{"role": "user", "content": "Hi"}]
BODY = {"system": "Be brief.", "messages": ASKED, "model": "claude-haiku-4-5"}
FLAT = {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Hi"}
FUNCTION = {"arguments": '{"city": "Paris"}', "name": "get_weather"}
CALLED = {"id": "c", "function": FUNCTION, "type": "function"}
TRANSCRIPT = "system: Be brief.\nuser: Hello there\nassistant: Hello!\nuser: Hi\nand bye"


@pytest.mark.parametrize(
    ("scope", "attributes"),
    [
        ("openinference.instrumentation.anthropic", {**FLAT, "llm.invocation_parameters": json.dumps(BODY)}),
        ("openinference.instrumentation.anthropic", {**FLAT, "input.value": json.dumps(BODY)}),
        (
            "lmnr.tracer",
            {
                "gen_ai.input.messages": json.dumps(ASKED),
                "gen_ai.prompt.0.role": "system",
                "gen_ai.prompt.0.content": "Be brief.",
                "gen_ai.prompt.1.role": "user",
                "gen_ai.prompt.1.content": "Hi",
            },
        ),
        (
            "langtrace_python_sdk.instrumentation.openai.instrumentation",
            {"instructions": "Be brief.", "gen_ai.prompt": json.dumps(ASKED)},
        ),
        (
            "langfuse-sdk",
            {
                "langfuse.observation.type": "generation",
                "langfuse.observation.input": "Hi",
                "langfuse.observation.metadata.instructions": "Be brief.",
            },
        ),
    ],
)
def test_instructions_are_found_beside_messages_that_lack_them(scope: str, attributes: dict[str, Any]) -> None:
    """Where the first list of messages has no instructions, the body, the parameters or another list tells them."""
    call = read(SpanFacts("call", scope_name=scope, attributes={"gen_ai.request.model": "m", **attributes}))
    assert (system_text(call), last_user_text(call)) == ("Be brief.", "Hi")


def test_no_instructions_are_made_of_a_prompt_that_speaks_of_them() -> None:
    """A user who quotes a request body gives no instructions."""
    quoted = json.dumps([{"role": "user", "content": json.dumps(BODY)}])
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": quoted, "input.value": quoted}
    assert system_text(read(SpanFacts("chat", attributes=attributes))) is None


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ("Chat Completion with {request_data[model]!r}", "llm"),
        ("Message with {request_data[model]!r}", "llm"),
        ("Embedding Creation with {request_data[model]!r}", "embedding"),
        ("Message with {name}", "other"),
    ],
)
def test_logfires_template_tells_what_its_spans_are(template: str, kind: str) -> None:
    """Before it wrote GenAI keys, a template was all that told a model call from a span of the application."""
    attributes = {"logfire.msg_template": template, "request_data": json.dumps({"model": "m", "messages": ASKED})}
    assert read(SpanFacts(template, scope_name="logfire.openai", attributes=attributes)).kind == kind


def test_transcript_of_old_openlit_is_parted_into_messages() -> None:
    """One text with a line for each message becomes these messages, lines of one message stay together."""
    event = EventFacts("gen_ai.content.prompt", {"gen_ai.prompt": TRANSCRIPT})
    attributes = {"gen_ai.operation.name": "chat"}
    call = read(SpanFacts("chat m", scope_name="openlit.otel.tracing", attributes=attributes, events=[event]))
    assert [message.role for message in call.input] == ["user", "assistant", "user"]
    assert (system_text(call), last_user_text(call)) == ("Be brief.", "Hi\nand bye")


def test_old_openlits_answer_none_is_the_tool_call_beside_it() -> None:
    """``None`` as text is no answer where a list of tool calls is beside it."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.response.tool_calls": str([CALLED])}
    event = EventFacts("gen_ai.content.completion", {"gen_ai.completion": "None"})
    call = read(SpanFacts("chat m", scope_name="openlit.otel.tracing", attributes=attributes, events=[event]))
    assert tool_calls(call) == [{"id": "c", "name": "get_weather", "arguments": {"city": "Paris"}}]
    assert output_text(call) is None


@pytest.mark.parametrize(
    ("scope", "system", "model", "wanted"),
    [
        ("opentelemetry.instrumentation.bedrock", "anthropic", "claude-haiku-4-5-v1:0", "aws.bedrock"),
        ("", "anthropic", "us.anthropic.claude-haiku-4-5-v1:0", "aws.bedrock"),
        ("", "anthropic", "claude-haiku-4-5", "anthropic"),
        ("opentelemetry.instrumentation.llamaindex", "mistralai_llm", "m", "mistral_ai"),
    ],
)
def test_provider_is_who_serves_the_model_and_not_who_made_it(scope: str, system: str, model: str, wanted: str) -> None:
    """A maker's name under Bedrock's instrumentation, or beside an id that only Bedrock has, is not the provider's."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.system": system, "gen_ai.request.model": model}
    assert read(SpanFacts("chat", scope_name=scope, attributes=attributes)).provider == wanted


def test_bedrocks_model_has_its_maker_in_front() -> None:
    """Of a model's id with and without its maker, the whole one is believed for both."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": "claude-3-haiku-20240307-v1:0",
        "gen_ai.response.model": "anthropic.claude-3-haiku-20240307-v1:0",
    }
    call = read(SpanFacts("chat", attributes=attributes))
    assert call.request_model == call.response_model == "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": None, "tool_calls": [CALLED]}, "finish_reason": "tool_calls"},
        {"message": {"role": "assistant", "tool_call_id": "c", "content": json.dumps(FUNCTION)}},
    ],
)
def test_tool_calls_of_an_answer_without_a_role_or_told_as_text_are_tool_calls(choice: dict[str, Any]) -> None:
    """An answer that is nothing but a tool call is never text."""
    attributes = {"gen_ai.operation.name": "chat", "output.value": json.dumps({"choices": [choice]})}
    call = read(SpanFacts("chat m", attributes=attributes))
    assert tool_calls(call) == [{"id": "c", "name": "get_weather", "arguments": {"city": "Paris"}}]
    assert output_text(call) is None


def test_finish_reason_that_stands_alone_in_a_list_is_no_text() -> None:
    """Some put the reason one place further than the answer."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.completion.0.content": "Hello",
        "gen_ai.completion.1.finish_reason": "stop",
    }
    call = read(SpanFacts("chat m", attributes=attributes))
    assert (output_text(call), call.finish_reasons) == ("Hello", ["stop"])


def test_tool_result_that_the_user_sends_is_no_question() -> None:
    """An API without a role for tools wants their results from the user; the question stays what it was."""
    attributes = {
        "openinference.span.kind": "LLM",
        **FLAT,
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.tool_call_id": "c",
        "llm.input_messages.1.message.content": "21 °C",
    }
    call = read(SpanFacts("Messages", attributes=attributes))
    assert last_user_text(call) == "Hi"
    assert call.input[1].role == "tool"


def test_list_of_one_response_is_its_answer() -> None:
    """A whole response in a list is no list of parts, whatever settings it repeats."""
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}
    response = {"object": "response", "reasoning": {"effort": "none"}, "output": [said]}
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.completion": json.dumps([response])}
    assert output_text(read(SpanFacts("chat m", attributes=attributes))) == "Hello"


def test_values_that_langwatch_wraps_are_taken_out() -> None:
    """A typed value is what it holds, and a typed nothing is nothing."""
    attributes = {
        "langwatch.span.type": "llm",
        "langwatch.input": json.dumps({"type": "chat_messages", "value": ASKED}),
        "langwatch.output": '{"type": "json", "value": null}',
        "langwatch.metrics": '{"prompt_tokens": 42, "completion_tokens": 12}',
    }
    call = read(SpanFacts("llm", scope_name="langwatch", attributes=attributes))
    assert (call.kind, last_user_text(call), output_text(call)) == ("llm", "Hi", None)
    assert (call.input_tokens, call.output_tokens) == (42, 12)


def test_span_of_the_responses_api_that_says_only_what_it_is_is_a_model_call() -> None:
    """The kind of an agents SDK's span is told by its type, and the provider by the SDK."""
    spans = {kind: read(_agents_span(kind)) for kind in ("response", "generation", "turn", "function")}
    assert {kind: call.kind for kind, call in spans.items()} == {
        "response": "llm",
        "generation": "llm",
        "turn": "chain",
        "function": "tool",
    }
    assert spans["response"].provider == "openai"


def _agents_span(kind: str) -> SpanFacts:
    return SpanFacts(f"gen_ai.{kind}", scope_name="openai.agents", attributes={"agent.span.type": kind})


def test_generic_span_named_after_embeddings_is_one() -> None:
    """A platform that calls every request to a model LLM leaves the name to tell."""
    attributes = {"lmnr.span.type": "LLM", "gen_ai.input.messages": '[{"content": "one"}, {"content": "two"}]'}
    call = read(SpanFacts("openai.embeddings", scope_name="lmnr.tracer", attributes=attributes))
    assert (call.kind, last_user_text(call)) == ("embedding", "one\ntwo")
