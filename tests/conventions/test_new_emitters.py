"""What an emitter that is new next month may do: the same facts in other places, forms and packings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import Call, EventFacts, SpanFacts
from otel_sqlite_exporter.conventions.kinds import known_step
from otel_sqlite_exporter.conventions.providers import canonical
from otel_sqlite_exporter.conventions.step_words import CHAT
from otel_sqlite_exporter.conventions.summary import last_user_text, output_text, system_text, tool_calls
from otel_sqlite_exporter.pipeline.span_filter import SpanFilter
from tests.conventions.provider_bodies import (
    ANSWER,
    ANSWERED,
    ARGUMENTS,
    BODIES,
    CALLING,
    INPUT,
    MODEL,
    OUTPUT,
    QUESTION,
    SYSTEM,
)
from tests.support import span_of

MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
PREFIXES = ["zorvex.", "zorvex.llm.", "zorvex_", ""]
USAGE = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT}


def _read(attributes: dict[str, Any], name: str = "step", **facts: Any) -> Call:
    return read(SpanFacts(name, scope_name="my.tracer", attributes=attributes, **facts))


def _is_recorded(attributes: dict[str, Any]) -> bool:
    return SpanFilter(everything=False).is_llm_span(span_of(attributes))


def _said(call: Call) -> tuple[str | None, str | None, str | None]:
    return system_text(call), last_user_text(call), output_text(call)


@settings(max_examples=25)
@given(
    prefix=st.sampled_from(PREFIXES),
    key=st.sampled_from(["tool_calls", "response.tool_calls", "output.tool_calls", "function_calls", "toolCalls"]),
    shape=st.sampled_from(sorted(CALLING)),
    text=st.sampled_from([None, ANSWER]),
    pack=st.sampled_from([json.dumps, str]),
)
def test_tool_calls_may_stand_beside_the_answer(prefix: str, key: str, shape: str, text: str | None, pack: Any) -> None:
    """What is called belongs to the answer, whatever stands there, and never twice."""
    calls = CALLING[shape].get("tool_calls") or CALLING[shape]["content"]
    attributes = {prefix + "kind": "llm", prefix + "model": MODEL, prefix + key: pack(calls)}
    if text is not None:
        attributes[prefix + "output"] = text
    call = _read(attributes)
    assert [(found["name"], found["arguments"]) for found in tool_calls(call)] == [("look", ARGUMENTS)]
    assert output_text(call) == text
    both = {**attributes, prefix + "output": json.dumps({"role": "assistant", "tool_calls": calls})}
    assert len(tool_calls(_read(both))) == 1


def test_tool_calls_and_text_under_the_standards_keys_are_one_answer() -> None:
    """Emitters that write the answer's text under a key of its own have its tool calls under another."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.response.text": ANSWER, "gen_ai.request.model": MODEL}
    call = _read({**attributes, "gen_ai.response.tool_calls": json.dumps(CALLING["openai"]["tool_calls"])})
    assert (output_text(call), [found["name"] for found in tool_calls(call)]) == (ANSWER, ["look"])


def test_messages_of_a_generation_are_sent() -> None:
    """The step is called so, and its messages are those of its request."""
    call = _read(
        {"zorvex.span_kind": "llm", "zorvex.generation.messages": json.dumps(MESSAGES), "zorvex.result": ANSWER}
    )
    assert _said(call) == (SYSTEM, QUESTION, ANSWER)


@pytest.mark.parametrize(
    ("spelling", "wanted"),
    [
        ("ChatOpenAI", "openai"),
        ("AsyncAnthropicClient", "anthropic"),
        ("BedrockRuntime", "aws.bedrock"),
        ("MistralClient", "mistral_ai"),
        ("AzureOpenAIChatCompletionClient", "azure.ai.openai"),
        ("ChatGoogleGenerativeAI", "gcp.gemini"),
        ("VoyageAIEmbeddings", "voyage_ai"),
        ("Client", "Client"),
        ("zorvex", "zorvex"),
    ],
)
def test_a_class_of_an_sdk_names_its_provider(spelling: str, wanted: str) -> None:
    """Some emitters write the class where the provider's name belongs; other names stay what they are."""
    assert canonical(spelling) == wanted


@pytest.mark.parametrize(
    "key", ["zorvex.llm.system", "zorvex.system", "llm.system", "gen_ai.system", "zorvex.ai_system"]
)
def test_system_is_who_serves_or_what_is_told(key: str) -> None:
    """Under a key that may mean both a name is the provider, and a sentence the instructions."""
    attributes = {"zorvex.span_kind": "llm", "zorvex.model": "zorvex-1", "zorvex.input": QUESTION}
    named, told = _read({**attributes, key: "openai"}), _read({**attributes, key: SYSTEM})
    assert (named.provider, system_text(named), named.attributes[key]) == ("openai", None, "openai")
    assert (told.provider, system_text(told), key in told.attributes) == (None, SYSTEM, False)


@settings(max_examples=25)
@given(
    prefix=st.sampled_from(PREFIXES),
    asked=st.sampled_from(["request.model", "req.model", "model.requested", "input.model", "asked_model"]),
    answered=st.sampled_from(["response.model", "resp.model", "model.used", "output.model", "used_model.name"][:4]),
)
def test_the_model_asked_for_and_the_one_that_answered(prefix: str, asked: str, answered: str) -> None:
    """Each has its words, and one word alone stands for both."""
    kind = {prefix + "span_kind": "llm", prefix + "prompt": QUESTION}
    call = _read({**kind, prefix + asked: MODEL, prefix + answered: ANSWERED})
    assert (call.request_model, call.response_model) == (MODEL, ANSWERED)
    call = _read({**kind, prefix + "model": MODEL})
    assert (call.request_model, call.response_model) == (MODEL, MODEL)
    assert _read({**kind, prefix + "model": MODEL}, status="error").response_model is None


def test_a_request_tells_the_model_that_was_asked_for() -> None:
    """Where the one word for the model is overwritten with what answered, the request's body has the other."""
    asked = json.dumps({"model": MODEL, "messages": MESSAGES})
    call = _read({"zorvex.span_kind": "llm", "zorvex.model": ANSWERED, "zorvex.request": asked})
    assert (call.request_model, call.response_model) == (MODEL, ANSWERED)


@settings(max_examples=25)
@given(
    key=st.sampled_from(
        ["zorvex.data", "zorvex.call.payload", "zorvex.details", "zorvex.record", "zorvex.span.attributes"]
    ),
    nested=st.booleans(),
    usage=st.sampled_from(["usage", "token_usage"]),
    pack=st.sampled_from([json.dumps, str]),
)
def test_a_record_of_all_is_read_as_its_fields(key: str, nested: bool, usage: str, pack: Any) -> None:
    """One object with everything says what as many attributes would, and what is no content of it is kept."""
    model = {"name": MODEL, "vendor": "anthropic"} if nested else MODEL
    record = {"model": model, "messages": MESSAGES, "completion": ANSWER, usage: USAGE, "temperature": 0.5}
    call = _read({"zorvex.type": "llm_call", key: pack(record)})
    assert (call.kind, call.request_model) == ("llm", MODEL)
    assert (call.input_tokens, call.output_tokens) == (INPUT, OUTPUT)
    assert _said(call) == (SYSTEM, QUESTION, ANSWER)
    assert "temperature" in str(call.attributes[key])
    assert QUESTION not in str(call.attributes[key])


def test_a_record_tells_the_step() -> None:
    """The word for the step may stand in an object too."""
    sides = {
        "zorvex.input_json": json.dumps(MESSAGES),
        "zorvex.output_json": json.dumps([{"role": "assistant", "content": ANSWER}]),
    }
    attributes = {**sides, "zorvex.span_attributes": '{"type": "llm"}', "zorvex.metadata": json.dumps({"model": MODEL})}
    assert _is_recorded(attributes)
    call = _read(attributes)
    assert (call.kind, call.request_model, _said(call)) == ("llm", MODEL, (SYSTEM, QUESTION, ANSWER))


@pytest.mark.parametrize("word", ["SpanKind.LLM", "StepType.MODEL_CALL", "LlmRequest", "SpanKind.AGENT"])
def test_steps_are_recorded_as_members_of_enums(word: str) -> None:
    """An emitter that writes ``str()`` of its enum's member means the member."""
    assert _is_recorded({"zorvex.kind": word})
    assert _read({"zorvex.kind": word, "zorvex.input": QUESTION}).kind in ("llm", "agent")


@pytest.mark.parametrize(
    ("attributes", "is_recorded"),
    [
        ({"zorvex.usage_input": 3, "zorvex.prompt": "x"}, True),
        ({"zorvex.usage_input": 3, "zorvex.prompts": ("x", "y")}, True),
        ({"zorvex.usage_input": 3, "zorvex.prompts": 2}, False),
        ({"zorvex.type": "completion", "zorvex.usage_input": 3}, True),
        ({"zorvex.tool_arguments": "{}"}, True),
        ({"car.usage.input": 3, "car.model": "x9"}, False),
        ({"zorvex.usage.input": 3}, False),
        ({"ci.agent_name": "build-7", "ci.input": "x"}, False),
        ({"queue.input": json.dumps(MESSAGES)}, False),
        ({"queue.input": json.dumps(MESSAGES), "http.response.body": json.dumps(MESSAGES)}, False),
    ],
)
def test_keys_that_tell_together(attributes: dict[str, Any], is_recorded: bool) -> None:
    """A usage beside a prompt or a word for a step: no other span has both. Cars and builds have models and agents."""
    assert _is_recorded(attributes) is is_recorded


@settings(max_examples=25)
@given(
    shape=st.sampled_from(["openai", "anthropic", "gemini"]),
    scope=st.sampled_from(["request", "inputs", "request_data"]),
)
def test_bodies_of_a_request_and_its_answer_are_a_call(shape: str, scope: str) -> None:
    """A model that was asked and tokens that were used make a call; a request alone, which may be routed, does not."""
    asked, answered = BODIES[shape]
    request = {scope: json.dumps({"model": MODEL, "messages": MESSAGES, **asked})}
    sides = {f"zorvex.{key}": value for key, value in request.items()}
    call = _read({**sides, "zorvex.llm.run": 1, "zorvex.response": json.dumps(answered)}, name="ask")
    assert (call.kind, call.request_model, call.output_tokens) == ("llm", MODEL, OUTPUT)
    routed = _read({**sides, "zorvex.llm.run": 1, "zorvex.response": "somewhere"}, name="route")
    assert routed.kind == "other"
    assert _read({**sides, "zorvex.llm.run": 1}, name="ask", status="error").kind == "llm"


def test_a_span_called_after_its_agent_is_the_agents() -> None:
    """Its tokens are the sum of what is inside, its model that of its calls."""
    attributes = {
        "zorvex.agent.name": "scout",
        "zorvex.tokens.prompt": 9,
        "zorvex.tokens.completion": 3,
        "zorvex.model": MODEL,
    }
    assert _read(attributes, name="agent scout").kind == _read(attributes, name="scout.run").kind == "agent"
    assert _read(attributes, name=f"chat {MODEL}").kind == "llm"
    assert _read(attributes, name="scouting the sky").kind == "llm"
    assert _read({**attributes, "zorvex.finish_reason": "stop"}, name="scout: answer").kind == "llm"


def test_a_span_that_asks_for_vectors_by_its_name() -> None:
    """Of an emitter with one word for every request the name tells, unless something was answered."""
    attributes = {"zorvex.span_kind": "llm", "zorvex.model": "vectors-1", "zorvex.input": "a text"}
    assert _read(attributes, name="embed_documents").kind == "embedding"
    assert _read({**attributes, "zorvex.output": ANSWER}, name="embed_documents").kind == "llm"
    assert _read({**attributes, "zorvex.model": MODEL}, name="EmbeddedDevices", status="error").kind == "llm"


def test_events_before_a_question_are_its_history() -> None:
    """What the assistant said before the user asks again was sent, and only what comes after was answered."""
    said = [("user", "Name a city."), ("assistant", "Bergen."), ("user", QUESTION), ("assistant", ANSWER)]
    events = [EventFacts(f"{role}.message", {"role": role, "content": text}) for role, text in said]
    call = _read({"zorvex.span_kind": "llm", "zorvex.model": MODEL}, events=events)
    assert [message.role for message in call.input] == ["user", "assistant", "user"]
    assert (last_user_text(call), output_text(call)) == (QUESTION, ANSWER)


def test_an_event_may_carry_what_a_tool_answered() -> None:
    """A message with the role of a tool is one of the input."""
    events = [
        EventFacts(
            "assistant.message", {"role": "assistant", "tool_calls": json.dumps(CALLING["openai"]["tool_calls"])}
        ),
        EventFacts("tool.message", {"role": "tool", "content": "21", "tool_call_id": "c-1"}),
        EventFacts("assistant.message", {"role": "assistant", "content": ANSWER}),
    ]
    call = _read({"zorvex.span_kind": "llm", "zorvex.model": MODEL}, events=events)
    assert [message.role for message in call.input] == ["assistant", "tool"]
    assert (output_text(call), tool_calls(call)) == (ANSWER, [])


@settings(max_examples=25)
@given(words=st.lists(st.sampled_from(["Paris", " is", " its", "  capital", "."]), min_size=2, max_size=6))
def test_pieces_of_a_stream_are_one_answer_without_breaks(words: list[str]) -> None:
    """Pieces in a list or in events are put together as they came; several answers stay several."""
    whole = "".join(["Paris", *words, " ."])
    kind = {"zorvex.span_kind": "llm", "zorvex.model": MODEL}
    assert output_text(_read({**kind, "zorvex.output": json.dumps(["Paris", *words, " ."])})) == whole
    events = [
        EventFacts("zorvex.chunk", {"index": at, "content": word}) for at, word in enumerate(["Paris", *words, " ."])
    ]
    assert output_text(_read(kind, events=events)) == whole
    bare = [EventFacts("zorvex.chunk", {"content": word}) for word in ("Bra", "tis", "lava")]
    assert output_text(_read(kind, events=bare)) == "Bratislava"
    assert output_text(_read({**kind, "zorvex.output": json.dumps(["Paris", "Lyon"])})) == "Paris\nLyon"


@settings(max_examples=25)
@given(cut=st.integers(1, len(ANSWER) - 1), has_tool=st.booleans())
def test_the_events_of_an_anthropic_stream_are_its_message(cut: int, has_tool: bool) -> None:
    """Text, arguments, reason and usage of a stream that is kept as it came."""
    deltas: list[Any] = [{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}]
    deltas += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        for text in (ANSWER[:cut], ANSWER[cut:])
    ]
    if has_tool:
        block = {"type": "tool_use", "id": "c-1", "name": "get_weather", "input": {}}
        deltas.append({"type": "content_block_start", "index": 1, "content_block": block})
        arguments = json.dumps(ARGUMENTS)
        deltas += [
            {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": text}}
            for text in (arguments[:5], arguments[5:])
        ]
    stream = [
        {
            "type": "message_start",
            "message": {
                "id": "m-1",
                "role": "assistant",
                "model": ANSWERED,
                "content": [],
                "usage": {"input_tokens": INPUT},
            },
        },
        *deltas,
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": OUTPUT}},
        {"type": "message_stop"},
    ]
    call = _read({"zorvex.span_kind": "llm", "zorvex.model": MODEL, "zorvex.response": json.dumps(stream)})
    assert (output_text(call), call.finish_reasons) == (ANSWER, ["end_turn"])
    assert (call.input_tokens, call.output_tokens) == (INPUT, OUTPUT)
    assert [found["arguments"] for found in tool_calls(call)] == [ARGUMENTS] * has_tool


def test_what_stands_between_the_pieces_of_a_stream_is_passed_over() -> None:
    """A type that is no text, as a filter of somebody's may write it."""
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Paris."}]}
    last = {"type": "response.completed", "response": {"object": "response", "model": MODEL, "output": [said]}}
    stream = [{"type": "response.created", "response": {}}, {"type": ["filtered"], "response": {}}, last]
    call = _read({"zorvex.span_kind": "llm", "zorvex.response": json.dumps(stream)})
    assert output_text(call) == "Paris."
    assert call.response_model == MODEL


def test_an_answer_in_json_that_is_encoded_once_more_is_decoded_once() -> None:
    """The answer is what the model wrote, not its encoding."""
    answer = '{"city": "Paris"}'
    call = _read({"zorvex.span_kind": "llm", "zorvex.model": MODEL, "zorvex.output": json.dumps(answer)})
    assert output_text(call) == answer


@settings(max_examples=50)
@given(
    parts=st.sampled_from(
        [
            ("llm", "llm", "invoke"),
            ("llm", "chat", "stream"),
            ("llm", "generate", "node"),
            ("llm", "openai", "responses"),
            ("llm", "language", "model"),
            ("embedding", "embed", "documents"),
            ("agent", "agent", "execution"),
            ("tool", "tool", "use"),
            ("retriever", "similarity", "search"),
            ("reranker", "rerank", "documents"),
            ("guardrail", "guardrail", "check"),
            ("chain", "pipeline", "run"),
        ]
    ),
    other=st.sampled_from(["start", "list", "setup", "fetch", "count", "cancel", "config", "history", "session"]),
    spelling=st.sampled_from(["_".join, "-".join, ".".join, lambda words: "".join(word.title() for word in words)]),
    is_reversed=st.booleans(),
)
def test_a_word_of_known_parts_is_their_step_and_with_another_part_is_not_known(
    parts: tuple[str, str, str], other: str, spelling: Any, is_reversed: bool
) -> None:
    """What is done, and to what, may stand in any order and spelling; what is done around it is something else."""
    kind, *words = parts
    words = words[::-1] if is_reversed else words
    step = known_step(spelling(words))
    assert step is not None
    assert step.kind == kind
    around = known_step(spelling([other, *words]))
    assert around is None or around.kind not in ("llm", "embedding")


@pytest.mark.parametrize("word", ["LLMSpan", "callLLM", "Messages.create", "AsyncCompletions.create"])
def test_acronyms_and_methods_are_parts(word: str) -> None:
    """An acronym within a word is a part of it; a class is too where its method alone says nothing."""
    assert known_step(word) == CHAT


def test_the_form_of_a_traced_function_is_no_tool() -> None:
    """How a function is called says nothing of what it does; a word for that beside it does."""
    assert known_step("function_call_async") is None
    assert _read({"span_type": "function_call_async", "run_type": "llm", "zorvex.llm.model": MODEL}).kind == "llm"
