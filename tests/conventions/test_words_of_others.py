"""Words that no table has in this spelling, and platforms that trace functions: rules for what they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import Call, EventFacts, SpanFacts
from otel_sqlite_exporter.conventions.kinds import known_step
from otel_sqlite_exporter.conventions.recognise import is_genai_scope
from otel_sqlite_exporter.conventions.summary import last_user_text, output_text, system_text, tool_calls

CALL = {"gen_ai.request.model": "m-1", "gen_ai.usage.input_tokens": 9}


def _read(attributes: dict[str, Any], scope: str = "", **facts: Any) -> Call:
    return read(SpanFacts("step", scope_name=scope, attributes=attributes, **facts))


def _spellings(*words: str) -> list[str]:
    return ["_".join(words), "-".join(words), " ".join(words), words[0] + "".join(map(str.title, words[1:]))]


@given(
    done=st.sampled_from(["call", "invoke", "generate", "stream", "request", "query"]),
    target=st.sampled_from(["llm", "model", "chat", "text", "content", "object"]),
    spelling=st.integers(0, 3),
    is_reversed=st.booleans(),
)
def test_a_word_made_of_asking_and_of_what_is_asked_is_a_call(
    done: str, target: str, spelling: int, is_reversed: bool
) -> None:
    """``call_llm``, ``generateText`` and ``model request`` are calls in any spelling and order."""
    words = (target, done) if is_reversed else (done, target)
    step = known_step(_spellings(*words)[spelling])
    assert step is not None
    assert step.kind == "llm"


@pytest.mark.parametrize(
    ("word", "kind"),
    [("embedMany", "embedding"), ("embed_query", "embedding"), ("runAgent", "agent"), ("tool-execution", "tool")],
)
def test_vectors_agents_and_tools_have_composed_words_too(word: str, kind: str) -> None:
    """What is done to them, and to what, tells the step."""
    assert _read({"gen_ai.operation.name": word, **CALL}).kind == kind


@given(
    beside=st.sampled_from(["start", "list", "create", "setup", "fetch", "cancel", "count", "record", "new"]),
    target=st.sampled_from(["llm", "model", "models", "tokens", "usage", "token"]),
    spelling=st.integers(0, 3),
)
def test_what_is_done_around_a_call_is_none_in_any_spelling(beside: str, target: str, spelling: int) -> None:
    """A word with one part that asks for nothing is no call, though the other part names a model."""
    assert _read({"gen_ai.operation.name": _spellings(beside, target)[spelling], **CALL}).kind == "other"


@given(
    role=st.sampled_from(["system", "user", "assistant", "tool"]), text=st.from_regex(r"[a-z]{3,20}", fullmatch=True)
)
def test_an_object_of_one_key_may_say_who_speaks(role: str, text: str) -> None:
    """``{"user": "Hi"}`` is a message of that role, alone or as a text in a list of such."""
    said = [json.dumps({"system": "Be brief."}), json.dumps({role: text})]
    call = _read({"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(said)})
    found = [
        (message.role, part.get("content", part.get("response")))
        for message in call.system + call.input
        for part in message.parts
    ]
    assert (role, text) in found


@pytest.mark.parametrize("keys", [("tool.name", "tool.args", "tool.id"), ("tool_name", "tool_arguments", "tool_id")])
def test_tool_calls_are_told_by_their_keys(keys: tuple[str, str, str]) -> None:
    """A call without a type is recognised by what it names, its arguments decoded."""
    asked = dict(zip(keys, ("look", '{"at": 1}', "c-1"), strict=True))
    (call,) = tool_calls(_read({"gen_ai.operation.name": "chat", "gen_ai.output": json.dumps([asked])}))
    assert call == {"id": "c-1", "name": "look", "arguments": {"at": 1}}


def test_bare_words_are_read_under_a_scope_that_traces_nothing_else() -> None:
    """An emitter of models' spans without a family of its own may call things by their plain names."""
    bare = {"type": "llm", "model": "m-1", "input": "Hi", "output": "Ho", "usage.input_tokens": 7}
    call = _read(bare, scope="vllm.engine")
    assert (call.kind, call.request_model, call.input_tokens) == ("llm", "m-1", 7)
    assert (last_user_text(call), output_text(call)) == ("Hi", "Ho")
    assert _read({**bare, "type": "pump"}, scope="my.application").kind == "llm"  # by its counts
    assert _read({"type": "pump", "model": "m-1", "input": "oil"}, scope="my.application").request_model is None


def _chunk(**delta: Any) -> str:
    reason = delta.pop("finish_reason", None)
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return json.dumps({"object": "chat.completion.chunk", "model": "m-1-2026-01-01", "choices": [choice]})


def test_a_stream_without_an_answer_is_put_together_from_its_chunks() -> None:
    """Tool calls have no text, so an emitter that joins texts has none; its chunks say the rest."""
    call = {"index": 0, "id": "c-1", "function": {"name": "look", "arguments": '{"at": 1}'}}
    chunks = [_chunk(role="assistant"), _chunk(tool_calls=[call]), _chunk(finish_reason="tool_calls")]
    events = [
        EventFacts(f"mlflow.chunk.item.{place}", {"mlflow.chunk.value": chunk}, None, place)
        for place, chunk in enumerate(chunks)
    ]
    read_call = _read({"mlflow.spanType": '"CHAT_MODEL"', "mlflow.spanOutputs": '""'}, scope="mlflow", events=events)
    assert tool_calls(read_call) == [{"id": "c-1", "name": "look", "arguments": {"at": 1}}]
    assert (read_call.response_model, read_call.finish_reasons) == ("m-1-2026-01-01", ["tool_calls"])


def test_the_root_of_a_record_is_a_call_only_where_the_model_was_asked_in_it() -> None:
    """TruLens calls every outermost function a record's root, also the one that asks the model itself."""
    root = {"ai.observability.span_type": "record_root", "ai.observability.record_root.input": "Hi"}
    asked = {"ai.observability.cost.model": "m-1", "ai.observability.cost.num_prompt_tokens": 9}
    assert _read(root, "trulens").kind == "chain"
    call = _read(root | asked, "trulens")
    assert (call.kind, call.response_model, call.input_tokens, last_user_text(call)) == ("llm", "m-1", 9, "Hi")


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_monocles_entities_are_found_by_their_types(shift: int) -> None:
    """Service and model are numbered among others, in whatever order they took part."""
    entities = [("other", None)] * shift + [("inference.azure_openai", None), ("model.llm.m-1", "m-1")]
    attributes: dict[str, Any] = {"span.type": "inference"}
    for number, (kind, name) in enumerate(entities, 1):
        attributes |= {f"entity.{number}.type": kind, f"entity.{number}.name": name or ""}
    events = [
        EventFacts("data.input", {"input": ('{"system": "Be brief."}', '{"user": "Hi"}')}, None, 1),
        EventFacts("data.output", {"response": '{"assistant": "Ho"}'}, None, 2),
        EventFacts("metadata", {"prompt_tokens": 9, "completion_tokens": 2, "finish_reason": "stop"}, None, 3),
    ]
    call = _read(attributes, "monocle_apptrace", events=events)
    assert (call.kind, call.provider, call.request_model) == ("llm", "azure.ai.openai", "m-1")
    assert (call.input_tokens, call.output_tokens, call.finish_reasons) == (9, 2, ["stop"])
    assert (system_text(call), last_user_text(call), output_text(call)) == ("Be brief.", "Hi", "Ho")


def test_a_traced_function_is_a_call_where_its_decorator_says_so() -> None:
    """What went in and came out is written as Python shows it, bodies of requests and responses among it."""
    answer = {"model": "m-1-x", "choices": [{"message": {"role": "assistant", "content": "Ho"}, "finish_reason": None}]}
    attributes = {
        "type": "llm",
        "input": str({"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}),
        "output": str(answer),
    }
    call = _read(attributes, "orq_ai_sdk.traced")
    assert (call.kind, call.request_model, call.response_model) == ("llm", "m-1", "m-1-x")
    assert (last_user_text(call), output_text(call)) == ("Hi", "Ho")
    assert _read({**attributes, "type": "function"}, "orq_ai_sdk.traced").kind == "chain"
    assert is_genai_scope("orq_ai_sdk.traced")
