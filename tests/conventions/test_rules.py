"""The rules that real spans break, one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import Call, EventFacts, SpanFacts
from otel_sqlite_exporter.conventions.summary import last_user_text, system_text

MILLISECOND = 1_000_000


def _chat(attributes: dict[str, Any], scope: str = "", **facts: Any) -> Call:
    return read(
        SpanFacts("chat", scope_name=scope, attributes={"gen_ai.operation.name": "chat", **attributes}, **facts)
    )


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        ({"input_tokens": 2071, "cache_read.input_tokens": 2048}, 2071),
        ({"input_tokens": 23, "cache_read.input_tokens": 2048}, 2071),
        ({"input_tokens": 23, "cache_creation.input_tokens": 2048}, 2071),
        ({"input_tokens": 3000, "cache_read.input_tokens": 2048, "output_tokens": 10, "total_tokens": 5058}, 5048),
        ({"input_tokens": 3000, "cache_read.input_tokens": 2048, "output_tokens": 10, "total_tokens": 3010}, 3000),
    ],
)
def test_input_tokens_include_cached_ones(counts: dict[str, int], wanted: int) -> None:
    """An input count that leaves cached tokens out is told by the numbers, and corrected."""
    assert _chat({f"gen_ai.usage.{name}": count for name, count in counts.items()}).input_tokens == wanted


TOTALS = (
    "gen_ai.usage.total_tokens",
    "llm.usage.total_tokens",
    "llm.token_count.total",
    "gen_ai.client.token.usage",
    "ai.usage.totalTokens",
    "mistral_ai.request.total_tokens",
)


@pytest.mark.parametrize("key", TOTALS)
@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        ({"input_tokens": 20}, (20, 33)),
        ({"output_tokens": 20}, (33, 20)),
        ({"input_tokens": 20, "output_tokens": 0}, (20, 33)),
        ({"input_tokens": 20, "output_tokens": 30}, (20, 30)),
        ({"input_tokens": 53}, (53, None)),
        ({"input_tokens": 60}, (60, None)),
        ({"input_tokens": 20, "cache_read.input_tokens": 10}, (20, None)),
        ({"output_tokens": 20, "reasoning.output_tokens": 10}, (None, 20)),
        ({"input_tokens": 20, "output_tokens": 0, "cache_read.input_tokens": 10}, (20, None)),
        ({}, (None, None)),
    ],
)
def test_a_total_tells_the_one_count_that_is_missing(
    key: str, counts: dict[str, int], wanted: tuple[int | None, int | None]
) -> None:
    """Under every spelling a total completes the counts, unless some of the rest may be cached or reasoning tokens."""
    call = _chat({key: 53, **{f"gen_ai.usage.{name}": count for name, count in counts.items()}})
    assert (call.input_tokens, call.output_tokens) == wanted
    known = sum(count for count in wanted if count is not None)
    assert call.total_tokens == (53 if known < 53 else None)


@pytest.mark.parametrize("key", TOTALS)
def test_the_total_of_an_embedding_is_its_input(key: str) -> None:
    """An embedding has no output tokens; some providers count nothing but the total."""
    call = _chat({"gen_ai.operation.name": "embeddings", key: 53})
    assert (call.kind, call.input_tokens, call.output_tokens) == ("embedding", 53, None)


@pytest.mark.parametrize(
    ("scope", "provider", "wanted"),
    [
        ("opentelemetry.instrumentation.botocore.bedrock-runtime", "aws.bedrock", 5048),
        ("opentelemetry.instrumentation.bedrock", "AWS", 5048),
        ("openlit.instrumentation.anthropic", "anthropic", 5048),
        ("openlit.instrumentation.openai", "openai", 3000),
        ("opentelemetry.instrumentation.anthropic", "anthropic", 3000),
    ],
)
def test_emitters_that_leave_cached_tokens_out_are_known(scope: str, provider: str, wanted: int) -> None:
    """Where the numbers do not tell, the emitter does."""
    counts = {"gen_ai.usage.input_tokens": 3000, "gen_ai.usage.cache_read.input_tokens": 2048}
    assert _chat({**counts, "gen_ai.system": provider}, scope).input_tokens == wanted


@pytest.mark.parametrize(
    ("output", "reasoning", "total", "wanted"),
    [(220, 190, 257, 220), (30, 190, 257, 220), (200, 190, 427, 390), (220, 190, None, 220), (30, 190, None, 220)],
)
def test_output_tokens_include_reasoning_ones(output: int, reasoning: int, total: int | None, wanted: int) -> None:
    """An output count that leaves reasoning tokens out is told by the numbers, and corrected."""
    counts = {
        "gen_ai.usage.input_tokens": 37,
        "gen_ai.usage.output_tokens": output,
        "gen_ai.usage.reasoning_tokens": reasoning,
    }
    call = _chat({**counts, "gen_ai.usage.total_tokens": total} if total else counts)
    assert call.output_tokens == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (27, 27),
        (27.0, 27),
        ("27", 27),
        ('"27"', 27),
        (27.5, None),
        (-1, None),
        (2**60, None),
        (True, None),
        ("many", None),
        (None, None),
        ([27], None),
        (float("nan"), None),
    ],
)
def test_counts_come_in_many_types(value: Any, wanted: int | None) -> None:
    """A count is read from whatever says a whole number; what does not leaves the column empty and stays."""
    call = _chat({"gen_ai.usage.input_tokens": value, "gen_ai.usage.output_tokens": 1})
    assert call.input_tokens == wanted
    assert call.attributes["gen_ai.usage.input_tokens"] is value


def test_bad_value_does_not_hide_a_good_one_under_another_name() -> None:
    """The first value that says something wins, not the first key."""
    call = _chat({"gen_ai.usage.input_tokens": -1, "llm.usage.prompt_tokens": "27", "gen_ai.usage.output_tokens": 3})
    assert call.input_tokens == 27


def test_zeros_of_a_call_that_counted_nothing_are_defaults() -> None:
    """A failed call has no counts; a reported 0 beside real counts is a report."""
    zeros = {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0, "gen_ai.usage.cache_read.input_tokens": 0}
    failed = _chat(zeros)
    assert (failed.input_tokens, failed.output_tokens, failed.cache_read_tokens) == (None, None, None)
    counted = _chat({**zeros, "gen_ai.usage.input_tokens": 9})
    assert (counted.input_tokens, counted.output_tokens, counted.cache_read_tokens) == (9, 0, 0)


@pytest.mark.parametrize(
    ("spelling", "wanted"),
    [
        ("Anthropic", "anthropic"),
        ("AWS", "aws.bedrock"),
        ("bedrock", "aws.bedrock"),
        ("Google", "gcp.gemini"),
        ("gemini", "gcp.gemini"),
        ("gcp.gen_ai", "gcp.gemini"),
        ("vertex_ai", "gcp.vertex_ai"),
        ("MistralAI", "mistral_ai"),
        ("TogetherAI", "together_ai"),
        ("az.ai.openai", "azure.ai.openai"),
        ("Azure", "azure.ai.openai"),
        ("xai", "x_ai"),
        ("openai.responses", "openai"),
        ("google.vertex.chat", "gcp.vertex_ai"),
        ("langchain", None),
        ("langgraph", None),
        ("a-new-one", "a-new-one"),
    ],
)
def test_provider_has_one_canonical_name(spelling: str, wanted: str | None) -> None:
    """Every spelling of a provider is one name; a framework is no provider; an unknown one is kept."""
    assert _chat({"gen_ai.system": spelling}).provider == wanted


@pytest.mark.parametrize(
    ("attributes", "scope", "wanted"),
    [
        (
            {"gen_ai.provider.name": "langchain", "traceloop.association.properties.ls_provider": "anthropic"},
            "",
            "anthropic",
        ),
        ({"gen_ai.system": "openai", "server.address": "api.groq.com"}, "", "groq"),
        ({"gen_ai.system": "openai", "server.address": "me.openai.azure.com"}, "", "azure.ai.openai"),
        ({"gen_ai.request.model": "x"}, "openinference.instrumentation.mistralai", "mistral_ai"),
        ({"gen_ai.request.model": "claude-sonnet-4-5"}, "", "anthropic"),
        ({"gen_ai.request.model": "my-own"}, "", None),
    ],
)
def test_provider_is_told_by_framework_host_scope_or_model(
    attributes: dict[str, Any], scope: str, wanted: str | None
) -> None:
    """Where no provider is named, or the SDK's maker instead of the host asked, the rest of the span tells."""
    assert _chat(attributes, scope).provider == wanted


@pytest.mark.parametrize(
    ("model", "provider", "wanted"),
    [
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("openai:gpt-4o", "openai", "gpt-4o"),
        ("openai/gpt-oss-20b", "groq", "openai/gpt-oss-20b"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "aws.bedrock", "anthropic.claude-3-haiku-20240307-v1:0"),
    ],
)
def test_model_loses_its_own_providers_prefix_only(model: str, provider: str, wanted: str) -> None:
    """``openai/gpt-4o`` asked of OpenAI is ``gpt-4o``; a maker's name in front is part of the model elsewhere."""
    assert _chat({"gen_ai.request.model": model, "gen_ai.system": provider}).request_model == wanted


def test_error_span_without_attributes_is_an_error_of_its_scope() -> None:
    """A name, a status and an exception are all that some failed calls leave."""
    facts = SpanFacts(
        "openai.chat",
        scope_name="opentelemetry.instrumentation.openai.v1",
        status="error",
        events=[EventFacts("exception", {"exception.type": "openai.RateLimitError", "exception.message": "Slow down"})],
    )
    call = read(facts)
    assert (call.kind, call.provider) == ("llm", "openai")
    assert (call.status, call.error_type, call.status_message) == ("error", "openai.RateLimitError", "Slow down")


@pytest.mark.parametrize(
    ("attributes", "error_type"),
    [
        ({"error.type": "RateLimitError"}, "RateLimitError"),
        ({"error.type": "<class 'openai.RateLimitError'>"}, "openai.RateLimitError"),
        ({"http.response.status_code": 429}, "429"),
        ({"mistral_ai.error.type": "rate_limited", "mistral_ai.error.message": "Slow down"}, "rate_limited"),
        ({"langfuse.observation.level": "ERROR"}, None),
    ],
)
def test_error_attribute_makes_an_unset_status_an_error(attributes: dict[str, Any], error_type: str | None) -> None:
    """Some emitters leave the status unset and say the error in an attribute."""
    call = _chat(attributes)
    assert (call.status, call.error_type) == ("error", error_type)


def test_status_that_is_set_is_believed() -> None:
    """A span that ended ok is ok, and one without any sign of an error stays unset."""
    assert _chat({"http.response.status_code": 429}, status="ok").status == "ok"
    assert _chat({"http.response.status_code": 200}).status == "unset"


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        *(
            ({"gen_ai.operation.name": name, "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 9}, kind)
            for name, kind in {
                "create_agent": "agent",
                "invoke_agent": "agent",
                "invoke_workflow": "chain",
                "execute_task": "chain",
                "execute_tool": "tool",
                "execute_event_loop_cycle": "chain",
                "retrieval": "retriever",
                "embeddings": "embedding",
                "generate_content": "llm",
                "text_completion": "llm",
            }.items()
        ),
        *(
            ({"openinference.span.kind": name}, kind)
            for name, kind in {
                "LLM": "llm",
                "CHAIN": "chain",
                "AGENT": "agent",
                "TOOL": "tool",
                "PROMPT": "prompt",
                "RERANKER": "reranker",
                "GUARDRAIL": "guardrail",
                "EVALUATOR": "evaluator",
                "EMBEDDING": "embedding",
                "RETRIEVER": "retriever",
            }.items()
        ),
        ({"traceloop.span.kind": "workflow", "gen_ai.request.model": "m"}, "chain"),
        ({"llm.request.type": "rerank", "gen_ai.request.model": "m"}, "reranker"),
        ({"ai.operationId": "ai.generateText", "ai.model.id": "m"}, "agent"),
        ({"langsmith.span.kind": "retriever", "gen_ai.operation.name": "embeddings"}, "retriever"),
        ({"mcp.method.name": "tools/call"}, "tool"),
        ({"gen_ai.request.model": "m", "gen_ai.system": "openai"}, "llm"),
        ({"http.method": "GET"}, "other"),
    ],
)
def test_only_model_calls_are_model_calls(attributes: dict[str, Any], kind: str) -> None:
    """Agents, chains and tools may carry models and summed usage; they are never ``llm``."""
    assert read(SpanFacts("step", attributes=attributes)).kind == kind


@pytest.mark.parametrize("name", ["anthropic.messages.count_tokens", "OpenAI._prepare_chat_with_tools", "GET"])
def test_span_whose_name_says_that_it_calls_no_model_is_none(name: str) -> None:
    """Counting tokens and preparing a request are reported like calls and are none."""
    attributes = {"gen_ai.request.model": "m"} if name != "GET" else {"http.method": "GET"}
    assert read(SpanFacts(name, attributes=attributes)).kind != "llm"


def test_evicted_attributes_leave_the_name_to_tell_kind_and_model() -> None:
    """The SDK evicts the oldest attributes first: operation and request model are gone, the name is not."""
    attributes = {
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.prompt.99.role": "user",
        "gen_ai.prompt.99.content": "Hi",
    }
    call = read(SpanFacts("chat gpt-4o", attributes=attributes, dropped_attributes=300))
    assert (call.kind, call.operation, call.request_model) == ("llm", "chat", "gpt-4o")
    assert last_user_text(call) == "Hi"


def test_half_of_a_flattened_list_keeps_its_order() -> None:
    """Positions may be missing and come in any order; what is there is read in order."""
    attributes = {
        "gen_ai.prompt.7.content": "second",
        "gen_ai.prompt.7.role": "user",
        "gen_ai.prompt.3.role": "user",
        "gen_ai.prompt.3.content": "first",
        "gen_ai.prompt.9.role": "assistant",
    }
    call = _chat(attributes)
    assert [message.parts[0]["content"] for message in call.input] == ["first", "second"]


@pytest.mark.parametrize("mark", ["__REDACTED__", "[REDACTED]", "<elided>"])
def test_redaction_mark_gives_way_to_content_and_is_kept_without(mark: str) -> None:
    """A mark is what the user withheld: content where nothing else is, and never in the way of content."""
    withheld = _chat({"gen_ai.input.messages": mark})
    assert withheld.input[0].parts == [{"type": "text", "content": mark}]
    told = _chat(
        {
            "gen_ai.input.messages": mark,
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "Hi",
        }
    )
    assert last_user_text(told) == "Hi"


def test_empty_messages_give_way_to_the_next_source() -> None:
    """A list without content, as some emit beside the real one, is no source."""
    attributes = {
        "gen_ai.output.messages": '[{"role": "assistant", "parts": [], "finish_reason": "tool_calls"}]',
        "gen_ai.completion.0.function_call.name": "get_weather",
        "gen_ai.completion.0.function_call.arguments": "{}",
    }
    call = _chat(attributes)
    assert call.output[0].parts == [{"type": "tool_call", "id": None, "name": "get_weather", "arguments": {}}]


@pytest.mark.parametrize("word", ["unknown", "UNKNOWN", "undefined", "N/A", "None", "null", "<unset>", " "])
@pytest.mark.parametrize("keys", [("session.id", "user.id"), ("acme.thread_id", "acme.user_id")])
def test_a_word_for_nothing_is_no_id(word: str, keys: tuple[str, str]) -> None:
    """A conversation called ``unknown`` would hold the calls of everybody."""
    call = _chat({keys[0]: word, keys[1]: word, "gen_ai.agent.name": word, "acme.llm.call": 1})
    assert (call.conversation_id, call.user_id, call.agent_name) == (None, None, None)
    call = _chat({keys[0]: "{6F9619FF}", keys[1]: 42, "gen_ai.agent.name": "[unknown.py]", "acme.llm.call": 1})
    assert (call.conversation_id, call.user_id, call.agent_name) == ("{6F9619FF}", "42", "[unknown.py]")
    call = _chat({"metadata": json.dumps({"lc_agent_name": word, "session_id": word}), "acme.llm.call": 1})
    assert (call.conversation_id, call.agent_name) == (None, None)


def test_made_up_defaults_are_no_values() -> None:
    """Cost 0 without a price, an empty user and an unknown model are not reported."""
    call = _chat({"gen_ai.usage.cost": 0, "gen_ai.request.user": "", "gen_ai.request.model": "unknown"})
    assert (call.cost_usd, call.cost_source, call.user_id, call.request_model) == (None, None, None, None)


def test_counts_that_openlit_invents_for_a_stream_are_withdrawn() -> None:
    """Half as many tokens as letters, on a stream and of both prompt and answer, is no count."""
    scope = "openlit.instrumentation.openai"
    output = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Paris."}]}])
    prompt = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "What is the capital of France?"}]}])
    attributes = {"gen_ai.request.stream": True, "gen_ai.usage.input_tokens": 18, "gen_ai.output.messages": output}
    made_up = _chat({**attributes, "gen_ai.input.messages": prompt, "gen_ai.usage.output_tokens": 3}, scope)
    counted = _chat({**attributes, "gen_ai.input.messages": prompt, "gen_ai.usage.output_tokens": 2}, scope)
    unknown = _chat({**attributes, "gen_ai.usage.output_tokens": 3}, scope)
    assert (made_up.input_tokens, made_up.output_tokens) == (None, None)
    assert (counted.input_tokens, counted.output_tokens) == (18, 2)
    assert (unknown.input_tokens, unknown.output_tokens) == (18, 3)


def test_system_messages_leave_the_input() -> None:
    """System messages and a leading developer's are system text; a later developer's stays where it was said."""
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Be kind."},
        {"role": "developer", "content": "Go on."},
    ]
    call = _chat({"gen_ai.prompt": json.dumps(messages)})
    assert system_text(call) == "Be brief.\nBe kind."
    assert [message.role for message in call.input] == ["user", "developer"]


def test_system_instructions_given_twice_are_stored_once() -> None:
    """Instructions of their own and the same as the first message are one."""
    attributes = {
        "gen_ai.system_instructions": "Be brief.",
        "gen_ai.prompt": '[{"role": "system", "content": "Be brief."}]',
    }
    assert system_text(_chat(attributes)) == "Be brief."


@pytest.mark.parametrize(
    ("attributes", "events", "wanted"),
    [
        ({"gen_ai.response.time_to_first_chunk": 0.25}, [], 250.0),
        ({"gen_ai.server.time_to_first_token": 31}, [], 31.0),
        ({"langfuse.observation.completion_start_time": '"1970-01-02T00:00:00.040000Z"'}, [], 40.0),
        ({}, [EventFacts("First Token Stream Event", {}, None, 86_400_000 * MILLISECOND + 5 * MILLISECOND)], 5.0),
        (
            {},
            [
                EventFacts("gen_ai.content.completion.chunk", {}, None, 86_400_000 * MILLISECOND + n * MILLISECOND)
                for n in (7, 9)
            ],
            7.0,
        ),
        ({"gen_ai.server.time_to_first_token": 0}, [], None),
    ],
)
def test_time_to_first_token_is_in_milliseconds(
    attributes: dict[str, Any], events: list[EventFacts], wanted: float | None
) -> None:
    """Emitters give seconds, milliseconds, a moment, or an event when the first token comes."""
    start = 86_400_000 * MILLISECOND
    call = _chat(attributes, events=events, start_time_unix_nano=start, end_time_unix_nano=start + 1000 * MILLISECOND)
    assert call.time_to_first_token_ms == wanted


def test_finish_reasons_come_as_list_text_or_enum() -> None:
    """A list, a JSON list, several in one text and a Python enum's repr all say the same."""
    spelled: list[Any] = [
        ("stop", "stop"),
        '["stop", "stop"]',
        "stop,stop",
        ["<FinishReason.stop: 'stop'>", "FinishReason.stop"],
    ]
    assert [_chat({"gen_ai.response.finish_reasons": value}).finish_reasons for value in spelled] == [
        ["stop", "stop"]
    ] * 4


def test_vectors_are_never_stored() -> None:
    """The numbers of an embedding are nowhere in the call."""
    attributes = {
        "openinference.span.kind": "EMBEDDING",
        "embedding.embeddings.0.embedding.text": "One",
        "embedding.embeddings.0.embedding.vector": (0.123, 0.456),
        "output.value": '{"data": [{"embedding": [0.123, 0.456]}]}',
    }
    choice = EventFacts("gen_ai.choice", {}, {"index": 0, "message": {"content": [0.123, 0.456]}})
    assert "0.123" not in repr(read(SpanFacts("embed", attributes=attributes, log_events=[choice])))
