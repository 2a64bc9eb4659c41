"""What is a call, where its numbers come from and who served it: rules for emitters that nobody has seen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import Call, EventFacts, SpanFacts
from otel_sqlite_exporter.conventions.kinds import known_step
from otel_sqlite_exporter.conventions.recognise import is_genai_key
from otel_sqlite_exporter.conventions.summary import last_user_text, output_text, tool_calls

WORD_KEYS = ("gen_ai.operation.name", "openinference.span.kind", "traceloop.span.kind", "mlflow.spanType")
CALL = {
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.provider.name": "openai",
    "gen_ai.usage.input_tokens": 9,
    "gen_ai.usage.output_tokens": 3,
}
WORDS = st.from_regex(r"[a-z]{3,12}_[a-z]{3,12}", fullmatch=True).filter(lambda word: known_step(word) is None)


def _read(attributes: dict[str, Any], name: str = "step", scope: str = "", **facts: Any) -> Call:
    return read(SpanFacts(name, scope_name=scope, attributes=attributes, **facts))


@given(key=st.sampled_from(WORD_KEYS), word=WORDS)
def test_a_word_that_is_not_known_is_kept_and_makes_no_call(key: str, word: str) -> None:
    """Model and tokens do not make a call of a span whose own word says something else."""
    call = _read({key: word, **CALL})
    assert (call.kind, call.operation) == ("other", word)


@given(word=WORDS)
def test_the_word_before_the_model_in_a_spans_name_is_its_word(word: str) -> None:
    """``route gpt-4o`` is named as the GenAI conventions name spans, so ``route`` is what it is."""
    call = _read(CALL, name=f"{word} gpt-4o")
    assert (call.kind, call.operation) == ("other", word)


@pytest.mark.parametrize(
    "word", ["fetch_response", "record_usage", "moderation", "list_models", "create_cache", "enter"]
)
def test_what_is_done_beside_a_call_is_none(word: str) -> None:
    """Administration that names a model, and repeats its tokens, is stored as what it says."""
    assert _read({"gen_ai.operation.name": word, **CALL}).kind == "other"


@pytest.mark.parametrize("word", ["unknown", "UNKNOWN", "none", ""])
def test_a_word_that_says_nothing_leaves_it_to_the_rest(word: str) -> None:
    """An emitter that does not know what its span is has not said that it is something else."""
    assert _read({"gen_ai.operation.name": word, **CALL}).kind == "llm"


@pytest.mark.parametrize(
    ("word", "operation"),
    [("stt", "transcription"), ("tts", "speech"), ("image_generation", "image_generation"), ("chat", "chat")],
)
def test_speech_transcription_and_images_are_operations_of_their_own(word: str, operation: str) -> None:
    """They are calls of a model, and no chats."""
    call = _read({"gen_ai.operation.name": word, **CALL})
    assert (call.kind, call.operation) == ("llm", operation)


def test_a_span_that_only_names_a_model_calls_none() -> None:
    """A span that routes a request knows its model; without a provider, an answer or a prompt it is no call."""
    assert _read({"gen_ai.request.model": "gpt-4o"}).kind == "other"
    assert _read({"gen_ai.request.model": "gpt-4o"}, status="error").kind == "llm"


@pytest.mark.parametrize("system", ["db.system", "db.system.name"])
def test_a_vector_store_is_no_call(system: str) -> None:
    """A query of a store is a retrieval, whatever model made the vectors."""
    call = _read({system: "chroma", "db.operation.name": "query", "gen_ai.request.model": "m"}, scope="langchain")
    assert call.kind == "retriever"


@given(
    fresh=st.integers(1, 10**6),
    cached=st.integers(1, 10**6),
    output=st.integers(1, 10**5),
    provider=st.sampled_from(["anthropic", "aws.bedrock", "openai", "gcp.gemini"]),
)
def test_raw_usage_counts_as_its_provider_does(fresh: int, cached: int, output: int, provider: str) -> None:
    """Whether caches are in the input count follows from the provider, never from which of the two is larger."""
    excludes = provider in ("anthropic", "aws.bedrock")
    usage = {
        "input": fresh if excludes else fresh + cached,
        "output": output,
        "cache_read_input_tokens": cached,
    }
    attributes = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.metadata.ls_provider": provider,
        "langfuse.observation.usage_details": json.dumps(usage),
    }
    assert _read(attributes, scope="langfuse-sdk").input_tokens == fresh + cached


@given(fresh=st.integers(1, 10**6), cached=st.integers(1, 10**6), output=st.integers(1, 10**5))
def test_a_total_decides_what_the_input_includes(fresh: int, cached: int, output: int) -> None:
    """A reported total leaves no doubt, whoever reports."""
    counts = {
        "gen_ai.usage.input_tokens": fresh,
        "gen_ai.usage.cache_read.input_tokens": cached,
        "gen_ai.usage.output_tokens": output,
        "gen_ai.usage.total_tokens": fresh + cached + output,
    }
    assert _read({"gen_ai.operation.name": "chat", **counts}).input_tokens == fresh + cached


@given(
    prompt=st.integers(1, 10**6),
    tools=st.integers(1, 10**6),
    answer=st.integers(1, 10**5),
    thoughts=st.integers(0, 10**5),
)
def test_geminis_body_counts_thoughts_as_output_and_tools_as_input(
    prompt: int, tools: int, answer: int, thoughts: int
) -> None:
    """What Gemini counts apart is in its total, and so in one of the two counts."""
    body = {
        "promptTokenCount": prompt,
        "toolUsePromptTokenCount": tools,
        "candidatesTokenCount": answer,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": prompt + tools + answer + thoughts,
    }
    call = _read(
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "google",
            "output.value": json.dumps({"usageMetadata": body}),
        }
    )
    assert (call.input_tokens, call.output_tokens, call.total_tokens) == (prompt + tools, answer + thoughts, None)


@given(inputs=st.integers(1, 10**6), output=st.integers(1, 10**6), more=st.integers(1, 10**6))
def test_the_total_is_never_smaller_than_a_reported_one(inputs: int, output: int, more: int) -> None:
    """What a total has beyond the counts is in the total, or in a count."""
    call = _read({**CALL, "gen_ai.usage.input_tokens": inputs, "gen_ai.usage.output_tokens": output,
                  "gen_ai.usage.total_tokens": inputs + output + more})  # fmt: skip
    total = call.total_tokens or (call.input_tokens or 0) + (call.output_tokens or 0)
    assert total == inputs + output + more


@given(
    kind=st.from_regex(r"[a-z]{3,8}_[a-z]{3,8}", fullmatch=True).filter(
        lambda kind: not kind.endswith(("_call", "_result"))
    )
)
def test_items_of_an_unknown_type_are_no_text(kind: str) -> None:
    """Of an answer's items only what the model said is its text; the others keep their type."""
    items = [
        {"type": kind, "id": "i1", "payload": {"a": 1}},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Two moons."}]},
    ]
    call = _read({"langfuse.observation.type": "generation", "langfuse.observation.output": json.dumps(items)})
    assert output_text(call) == "Two moons."
    assert kind in [part["type"] for message in call.output for part in message.parts]


@pytest.mark.parametrize("kind", ["mcp_call", "shell_call", "apply_patch_call", "new_kind_call"])
def test_a_call_that_the_provider_ran_has_its_result(kind: str) -> None:
    """Whatever runs the tool, its item is a tool call, with the answer beside it."""
    item = {"type": kind, "id": "c1", "name": "lookup", "arguments": '{"q": "mars"}', "output": "Phobos"}
    call = _read({"langfuse.observation.type": "generation", "langfuse.observation.output": json.dumps([item])})
    assert tool_calls(call) == [{"id": "c1", "name": "lookup", "arguments": {"q": "mars"}}]
    assert call.output[0].parts[1]["response"] == "Phobos"
    assert output_text(call) is None


@given(st.lists(st.text("abc ,.", min_size=1), min_size=2, max_size=5))
def test_blocks_of_one_answer_are_one_text(blocks: list[str]) -> None:
    """A text that is cited in the middle gets no line breaks."""
    parts = [{"type": "text", "content": block} for block in blocks]
    output = json.dumps([{"role": "assistant", "parts": parts}])
    assert output_text(_read({**CALL, "gen_ai.output.messages": output})) == "".join(blocks)


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"gen_ai.openai.api_base": "https://api.deepseek.com/v1/"}, "deepseek"),
        ({"server.address": "api.groq.com"}, "groq"),
        ({"server.address": "europe-west1-aiplatform.googleapis.com"}, "gcp.vertex_ai"),
        ({"gen_ai.provider.name": "api.mistral.ai"}, "mistral_ai"),
        ({"gen_ai.provider.name": "127.0.0.1:8080"}, "openai"),
        ({"gen_ai.provider.name": "localhost"}, "openai"),
    ],
)
def test_the_host_beats_the_sdks_name(attributes: dict[str, str], wanted: str) -> None:
    """A compatible SDK reports its own maker; a host of nobody's leaves it to the model's name."""
    assert _read({"gen_ai.operation.name": "chat", **CALL, **attributes}).provider == wanted


@pytest.mark.parametrize(
    "said",
    [
        '{"tool_calls": [{"id": "c1", "function": {"name": "get_weather", "arguments": "{}"}}]}',
        "{'role': 'assistant', 'tool_calls': [{'id': 'c1', 'function': {'name': 'get_weather', 'arguments': '{}'}}]}",
        "ResponseFunctionToolCall(arguments='{}', call_id='c1', name='get_weather', type='function_call')",
    ],
)
def test_a_message_that_stands_as_text_is_taken_out(said: str) -> None:
    """JSON or a repr of the SDK's object in the place of the answer's text is the message."""
    output = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": said}]}])
    assert tool_calls(_read({**CALL, "gen_ai.output.messages": output})) == [
        {"id": "c1", "name": "get_weather", "arguments": {}}
    ]


def test_the_parameters_of_a_request_are_nobodys_text() -> None:
    """A request body without its prompt says nothing that a user said."""
    attributes = {"request_data": '{"model": "gpt-4o", "temperature": 0.1}', "gen_ai.request.model": "gpt-4o"}
    assert last_user_text(_read({**attributes, "logfire.msg_template": "Message with {request_data[model]!r}"},
                                scope="logfire.openai")) is None  # fmt: skip


def test_a_stream_kept_in_pieces_is_one_answer() -> None:
    """Chunks that an emitter kept as they came make the message, its calls and its usage."""
    pieces = [{"content": "Pa"}, {"content": "ris."}]
    chunks: list[dict[str, Any]] = [
        {"object": "chat.completion.chunk", "id": "x", "choices": [{"index": 0, "delta": piece}]} for piece in pieces
    ]
    chunks[-1] |= {"usage": {"prompt_tokens": 7, "completion_tokens": 2}}
    chunks[-1]["choices"][0]["finish_reason"] = "stop"
    call = _read({"span_type": "LLM", "output": json.dumps(chunks)}, name="openai_chat", scope="promptflow")
    assert (output_text(call), call.input_tokens, call.output_tokens, call.finish_reasons) == ("Paris.", 7, 2, ["stop"])


def test_evicted_attributes_are_said_and_no_answering_model_is_taken_for_the_asked_one() -> None:
    """The SDK's limit takes the oldest: the row says so, and what is left is not made to say more than it does."""
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.input_messages.3.message.role": "user",
        "llm.input_messages.3.message.content": "Go on.",
        "llm.model_name": "gpt-4o-2024-08-06",
    }
    whole, cut = _read(attributes), _read(attributes, dropped_attributes=9)
    assert (whole.attributes_evicted, whole.request_model) == (False, "gpt-4o-2024-08-06")
    assert (cut.attributes_evicted, cut.request_model, cut.response_model) == (True, None, "gpt-4o-2024-08-06")


def test_an_error_said_twice_beats_a_status_that_is_always_ok() -> None:
    """An error type and an exception outweigh the ok of an emitter that sets it on every span."""
    exception = EventFacts("exception", {"exception.type": "openai.RateLimitError"})
    call = _read({"gen_ai.operation.name": "chat", "error.type": "RateLimitError"}, status="ok", events=[exception])
    assert call.status == "error"


@given(
    arguments=st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text("abc") | st.integers(), min_size=1),
    key=st.sampled_from(["gen_ai.tool.call.arguments", "tool.parameters"]),
)
def test_a_tools_arguments_may_stand_field_by_field(arguments: dict[str, Any], key: str) -> None:
    """One attribute for each argument makes the object that others write as JSON."""
    attributes = {f"{key}.{name}": argument for name, argument in arguments.items()}
    call = _read({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t", **attributes})
    assert call.input[0].parts[0]["arguments"] == arguments
    assert not any(name.startswith(key) for name in call.attributes)


def test_an_event_of_the_emitters_own_tells_what_the_span_does() -> None:
    """Where spans have no attributes at all, what was done within is in events with names of their own."""
    start = {"messages": json.dumps([{"role": "user", "content": "Hi"}]), "model_dict.model_name": "gpt-4o"}
    end = {"response.message.role": "assistant", "response.message.blocks": '[{"block_type": "text", "text": "Ho"}]',
           "response.raw.usage.prompt_tokens": 7, "response.raw.usage.completion_tokens": 2}  # fmt: skip
    events = [EventFacts("LLMChatStartEvent", start), EventFacts("LLMChatEndEvent", end)]
    call = _read({}, name="OpenAI.chat", scope="llamaindex.opentelemetry.tracer", events=events)
    assert (call.kind, call.provider, call.request_model, call.input_tokens) == ("llm", "openai", "gpt-4o", 7)
    assert (last_user_text(call), output_text(call), call.events) == ("Hi", "Ho", [])
    elsewhere = _read({}, name="OpenAI.chat", events=events)
    assert (elsewhere.request_model, elsewhere.events) == (None, events[:1])


FLAT_KEYS = ("gen_ai.input.messages", "gen_ai.request.messages", "traceloop.entity.input", "langwatch.input")


@given(key=st.sampled_from(FLAT_KEYS), texts=st.lists(st.text("abc", min_size=1), min_size=1, max_size=5))
def test_any_list_of_messages_may_be_flattened(key: str, texts: list[str]) -> None:
    """A key for messages with positions behind it is the list that others write as one JSON text."""
    attributes: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    attributes |= {f"{key}.{place}.message.content": text for place, text in enumerate(texts)}
    attributes |= {f"{key}.{place}.message.role": "user" for place in range(len(texts))}
    call = _read(attributes)
    assert [message.parts[0]["content"] for message in call.input] == texts
    assert not any(name.startswith(key) for name in call.attributes)


@example(vendor="llm", holder="usage", name="cached_tokens", cached=1)
@given(
    vendor=st.from_regex(r"[a-z]{1,6}qx", fullmatch=True),
    holder=st.sampled_from(["usage", "token_usage", "token_count", "tokens"]),
    name=st.sampled_from(
        ["cache_read_input_tokens", "cached_tokens", "cache_input_tokens", "prompt_details.cache_read"]
    ),
    cached=st.integers(1, 9),
)
def test_a_count_is_told_by_its_name_whoever_wrote_the_key(vendor: str, holder: str, name: str, cached: int) -> None:
    """What an emitter adds under words of its own has the names that usage objects have."""
    call = _read({"gen_ai.operation.name": "chat", **CALL, f"{vendor}.{holder}.{name}": cached})
    assert call.cache_read_tokens == cached
    sums = _read({"gen_ai.operation.name": "chat", **CALL, f"{vendor}.aggregated_{holder}.{name}": cached})
    assert sums.cache_read_tokens is None


@pytest.mark.parametrize(
    ("named", "answered", "asked", "wanted"),
    [
        ("m-2026-03-17", None, "m", ("m", "m-2026-03-17")),
        ("m-2026-03-17", "m-2026-03-17", "m", ("m", "m-2026-03-17")),
        ("m", "m-2026-03-17", "m", ("m", "m-2026-03-17")),
        ("m", None, "openai/m", ("m", None)),
        ("m", "n", "o", ("m", "n")),
        (None, None, "m", ("m", None)),
    ],
)
def test_the_parameters_tell_which_model_was_asked_for(
    named: str | None, answered: str | None, asked: str, wanted: tuple[str, str | None]
) -> None:
    """Emitters overwrite the requested model with the one that answered; the request's own parameters still know."""
    models = {"gen_ai.request.model": named, "gen_ai.response.model": answered}
    call = _read({"gen_ai.operation.name": "chat", "gen_ai.request.parameters": json.dumps({"model": asked}),
                  **{key: model for key, model in models.items() if model}})  # fmt: skip
    assert (call.request_model, call.response_model) == wanted


OPENLIT = "openlit.instrumentation.openai"


@given(answer=st.text("abc ", min_size=1, max_size=60), tokens=st.integers(1, 60), inputs=st.integers(1, 400))
def test_counts_are_withdrawn_only_where_both_show_that_they_are_made_up(answer: str, tokens: int, inputs: int) -> None:
    """A count of a stream stays unless answer and prompt both have exactly half as many tokens as letters."""
    prompt = "What is the capital of France?"
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.stream": True,
        "gen_ai.usage.input_tokens": inputs,
        "gen_ai.usage.output_tokens": tokens,
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": prompt}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]),
    }
    half = len(prompt) / 2
    made_up = tokens == -(-len(answer) // 2) and half <= inputs <= half + 12
    counted = _read(attributes, scope=OPENLIT)
    assert (counted.output_tokens is None) == made_up
    assert _read(attributes | {"gen_ai.request.stream": False}, scope=OPENLIT).output_tokens == tokens
    assert _read(attributes, scope="opentelemetry.instrumentation.openai.v1").output_tokens == tokens


SERVERS = {
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "us-east5-aiplatform.googleapis.com": "gcp.vertex_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "mine.openai.azure.com": "azure.ai.openai",
    "bedrock-runtime.eu-central-1.amazonaws.com": "aws.bedrock",
    "api.x.ai": "x_ai",
    "openrouter.ai": "openrouter",
}


@given(
    server=st.sampled_from(list(SERVERS)),
    key=st.sampled_from(["server.address", "gen_ai.openai.api_base", "llm.openai.api_base", "net.peer.name"]),
    said=st.sampled_from(["openai", "anthropic", "OpenAI", ""]),
    path=st.sampled_from(["", "/", "/v1", "/v1/"]),
)
def test_the_endpoint_tells_who_served_whatever_the_sdk_calls_itself(
    server: str, key: str, said: str, path: str
) -> None:
    """A host that is one provider's beats every name, under each key and in each spelling of an address."""
    address = server if key in ("server.address", "net.peer.name") else f"https://{server}{path}"
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.system": said, key: address}
    assert _read(attributes).provider == SERVERS[server]


@pytest.mark.parametrize(
    ("model", "wanted"),
    [("claude-sonnet-4-5", "anthropic"), ("gemini-2.5-pro", "gcp.gemini"), ("gpt-4o", "openai"), ("my-own", "openai")],
)
def test_a_model_that_only_one_provider_has_beats_the_sdks_name(model: str, wanted: str) -> None:
    """An SDK for one provider's interface is used for others' models; a name of nobody's leaves it to the SDK."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": model}
    assert _read(attributes).provider == wanted


def test_a_chains_sum_of_tokens_is_read_and_makes_no_call() -> None:
    """Of a framework that counts on its outermost span only, the counts are there to be given to the call inside."""
    call = _read({"mlflow.spanType": '"CHAIN"', "mlflow.chat.tokenUsage": '{"input_tokens": 7, "output_tokens": 2}'})
    assert (call.kind, call.input_tokens, call.output_tokens) == ("chain", 7, 2)


@pytest.mark.parametrize(("name", "wanted"), [("get_weather", "get_weather"), ("tool call", None), ("a.b", None)])
def test_a_tool_without_a_name_is_called_what_its_span_is(name: str, wanted: str | None) -> None:
    """Decorators and callbacks name the span after the function, and nothing else says which it was."""
    assert _read({"mlflow.spanType": '"TOOL"'}, name=name).tool_name == wanted


def test_langchains_metadata_names_the_agent() -> None:
    """Spans of LangChain's agents are called after classes and graph nodes; the agent's name is in the metadata."""
    attributes = {"openinference.span.kind": "AGENT", "metadata": '{"lc_agent_name": "weather_agent"}'}
    assert _read(attributes, name="LangGraph").agent_name == "weather_agent"


@given(vendor=st.from_regex(r"[b-km-z]{3,7}qx", fullmatch=True), tokens=st.integers(1, 10**6))
def test_an_emitter_that_nobody_knows_is_read_by_what_stands_after_its_own_name(vendor: str, tokens: int) -> None:
    """Keys under the name of the scope that writes them have the words of other conventions behind it."""
    attributes = {
        "span.kind": "LLM",
        "llm.provider": "openai",
        "llm.model": "gpt-4o",
        "llm.token_count.prompt": tokens,
        "llm.token_count.completion": 3,
        "llm.input_messages.0.role": "user",
        "llm.input_messages.0.content": "Hi",
        "output": "Ho",
        "session_id": "s-1",
        "user.id": "u-1",
    }
    own = {f"{vendor}.{key}": value for key, value in attributes.items()}
    call = _read(own, scope=f"{vendor}.tracing")
    assert (call.kind, call.provider, call.request_model) == ("llm", "openai", "gpt-4o")
    assert (call.input_tokens, call.output_tokens, call.conversation_id, call.user_id) == (tokens, 3, "s-1", "u-1")
    assert (last_user_text(call), output_text(call)) == ("Hi", "Ho")
    assert "Hi" not in repr(call.attributes)
    assert is_genai_key(f"{vendor}.llm.model")
    assert is_genai_key(f"{vendor}.span.kind")
    elsewhere = _read(own, scope="another.scope")
    assert (elsewhere.request_model, output_text(elsewhere), elsewhere.user_id) == ("gpt-4o", "Ho", "u-1")


def test_what_an_emitter_says_in_known_words_beats_its_own() -> None:
    """Under its own name it may say anything; what a convention says is believed first."""
    own = {"acme.model": "mine", "acme.type": "tool", "acme.output": "raw"}
    call = _read({**own, **CALL, "gen_ai.operation.name": "chat", "gen_ai.completion": "Ho"}, scope="acme")
    assert (call.kind, call.request_model, output_text(call)) == ("llm", "gpt-4o", "Ho")
