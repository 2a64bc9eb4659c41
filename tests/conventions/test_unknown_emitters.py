"""Emitters that nobody knows: the same facts in other prefixes, cases, separators and packings are the same facts."""

from __future__ import annotations

import json
import pkgutil
from importlib import import_module
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.semconv._incubating import attributes as semantic_conventions

from otel_sqlite_exporter.conventions import key_words, read, telling_values, unknown_keys
from otel_sqlite_exporter.conventions.call import Call, EventFacts, SpanFacts
from otel_sqlite_exporter.conventions.recognise import is_genai_key
from otel_sqlite_exporter.conventions.slots import UNKNOWN
from otel_sqlite_exporter.conventions.summary import last_user_text, output_text, system_text, tool_calls
from tests.conventions.provider_bodies import (
    ANSWER,
    ANSWERED,
    ARGUMENTS,
    BODIES,
    CACHED,
    CALLING,
    INPUT,
    MODEL,
    OUTPUT,
    QUESTION,
    SYSTEM,
)


class Spelling(NamedTuple):
    """How an emitter writes a key: what stands before it, and how its words are joined."""

    prefix: str
    separator: str
    is_camel: bool

    def key(self, words: str) -> str:
        """Return a key of words that are parted by blanks."""
        first, *rest = words.split()
        if self.is_camel:
            return self.prefix + first + "".join(word.title() for word in rest)
        return self.prefix + self.separator.join([first, *rest])


SPELLINGS = st.builds(
    Spelling,
    prefix=st.sampled_from(["", "acme.", "acme.llm.", "zorb.trace.attributes.", "x_y.", "acme/", "acme_", "acme.v2."]),
    separator=st.sampled_from(["_", ".", "-"]),
    is_camel=st.booleans(),
)

WORDS = {
    "step": ["span kind", "span type", "observation type", "run type", "operation name", "operation"],
    "provider": ["provider", "llm provider", "model provider", "vendor", "llm system"],
    "request_model": ["model", "model name", "model id", "llm model", "request model", "llm model name"],
    "response_model": ["response model", "response model name"],
    "input_tokens": [
        *(
            "prompt tokens",
            "input tokens",
            "usage input tokens",
            "usage prompt tokens",
            "tokens prompt",
            "tokens input",
        ),
        *(
            "input token count",
            "prompt token count",
            "llm usage prompt tokens",
            "token count prompt",
            "usage tokens in",
        ),
        *("num input tokens", "total prompt tokens", "usage input", "usage prompt", "prompt tokens used"),
    ],
    "output_tokens": [
        *("completion tokens", "output tokens", "usage output tokens", "usage completion tokens", "tokens completion"),
        *("output token count", "token count completion", "tokens out", "usage output", "candidates token count"),
        *("num output tokens", "total completion tokens", "generated tokens", "completion tokens used"),
    ],
    "cache_read_tokens": [
        *("cached tokens", "cache read tokens", "usage cached input tokens", "prompt tokens details cached tokens"),
        *("cache read input tokens", "cached input tokens", "usage cache read"),
    ],
    "system": ["system prompt", "system instructions", "instructions", "system message"],
    "input": [
        *("input messages", "messages", "prompt", "prompts", "input", "inputs", "request messages", "input value"),
        *("llm prompts", "prompt messages", "user prompt", "input content", "request", "input json", "request body"),
    ],
    "output": [
        *("output", "outputs", "completion", "response", "output value", "response text", "answer", "output messages"),
        *("response content", "completions", "response messages", "generated text", "result", "response body"),
    ],
    "finish_reason": ["finish reason", "finish reasons", "stop reason", "response finish reason"],
    "conversation_id": ["session id", "conversation id", "thread id"],
}
PLAIN_STEPS = ["llm", "LLM", "generation", "chat_model", "chat.completions", "ChatCompletion", "invoke_model"]
LLM_WORDS = [*PLAIN_STEPS, "generate", "completion", "inference", "/v1/chat/completions", "openai.responses.create"]
USERS = ["user", "human", "User", "HUMAN"]
ASSISTANTS = ["assistant", "ai", "bot", "model", "ASSISTANT"]


def _read(attributes: dict[str, Any], scope: str = "my.tracer", name: str = "step", **facts: Any) -> Call:
    return read(SpanFacts(name, scope_name=scope, attributes=attributes, **facts))


def _is_recorded(attributes: dict[str, Any]) -> bool:
    marks = 0
    for key, value in attributes.items():
        found = key_words.STRONG if is_genai_key(key) else key_words.marks_of(key)
        if found & key_words.STEP and telling_values.is_models_step(value):
            return True
        marks |= found
    return key_words.is_telling(marks)


def _said(call: Call) -> tuple[str | None, str | None, str | None]:
    return system_text(call), last_user_text(call), output_text(call)


@settings(max_examples=25)
@given(spelling=SPELLINGS, data=st.data())
def test_facts_are_the_same_in_any_spelling(spelling: Spelling, data: st.DataObject) -> None:
    """Prefixes, separators, cases and synonyms change no fact of a call."""
    word = {fact: data.draw(st.sampled_from(words), label=fact) for fact, words in WORDS.items()}
    has_step = data.draw(st.booleans())
    values: dict[str, Any] = {
        "provider": data.draw(st.sampled_from(["openai", "OpenAI"])),
        "request_model": MODEL,
        "response_model": ANSWERED,
        "input_tokens": data.draw(st.sampled_from([INPUT, float(INPUT), str(INPUT)])),
        "output_tokens": OUTPUT,
        "cache_read_tokens": CACHED,
        "system": SYSTEM,
        "input": json.dumps([{"role": data.draw(st.sampled_from(USERS)), "content": QUESTION}]),
        "output": data.draw(
            st.sampled_from([ANSWER, *(json.dumps([{"role": role, "content": ANSWER}]) for role in ASSISTANTS)])
        ),
        "finish_reason": "stop",
        "conversation_id": "s-1",
    }
    if has_step:
        values["step"] = data.draw(st.sampled_from(LLM_WORDS))
    attributes = {spelling.key(word[fact]): value for fact, value in values.items()}
    call = _read(attributes)
    assert _is_recorded(attributes)
    assert call.kind == "llm"
    assert (call.provider, call.request_model, call.response_model) == ("openai", MODEL, ANSWERED)
    assert (call.input_tokens, call.output_tokens, call.cache_read_tokens) == (INPUT, OUTPUT, CACHED)
    assert _said(call) == (SYSTEM, QUESTION, ANSWER)
    assert (call.finish_reasons, call.conversation_id) == (["stop"], "s-1")


@settings(max_examples=20)
@given(
    spelling=SPELLINGS,
    provider=st.sampled_from(sorted(BODIES)),
    names=st.sampled_from(
        [("request", "response"), ("input", "output"), ("inputs", "outputs"), ("request body", "response body")]
    ),
    packing=st.sampled_from(["json", "repr", "value"]),
    step=st.sampled_from(PLAIN_STEPS),
)
def test_bodies_of_providers_say_all_facts(
    spelling: Spelling, provider: str, names: tuple[str, str], packing: str, step: str
) -> None:
    """Request and response under any two names, as JSON or as Python shows them, hold all that is needed."""
    request, response = BODIES[provider]
    attributes = {spelling.key("span kind"): step} | {
        spelling.key(name): _pack(body, packing) for name, body in zip(names, (request, response), strict=True)
    }
    call = _read(attributes)
    assert call.kind == "llm"
    assert call.request_model == MODEL
    assert (call.input_tokens, call.output_tokens) == (INPUT, OUTPUT)
    assert _said(call) == (SYSTEM, QUESTION, ANSWER)
    assert call.finish_reasons is not None


class Writing(NamedTuple):
    """How an emitter writes messages: shape of tool calls, packing of lists, words for sides and roles."""

    shape: str
    packing: str
    sides: tuple[str, str]
    user: str
    assistant: str


WRITINGS = st.builds(
    Writing,
    shape=st.sampled_from(sorted(CALLING)),
    packing=st.sampled_from(["json", "repr", "lines", "indexed", "brackets"]),
    sides=st.sampled_from([("prompts", "completions"), ("messages", "output messages"), ("input", "output")]),
    user=st.sampled_from(USERS),
    assistant=st.sampled_from(ASSISTANTS),
)


@settings(max_examples=20)
@given(spelling=SPELLINGS, message=WRITINGS)
def test_messages_and_tool_calls_are_the_same_in_any_packing(spelling: Spelling, message: Writing) -> None:
    """Lists as JSON, as a line each, as Python shows them, or flattened, hold the same messages."""
    received = [{"role": "system", "content": SYSTEM}, {"role": message.user, "content": QUESTION}]
    sent = [{"role": message.assistant, **CALLING[message.shape]}]
    attributes: dict[str, Any] = {spelling.key("llm model"): MODEL}
    for side, said in zip(message.sides, (received, sent), strict=True):
        attributes |= _packed(spelling.key(side), said, message.packing)
    call = _read(attributes)
    assert (call.kind, call.request_model) == ("llm", MODEL)
    assert _said(call)[:2] == (SYSTEM, QUESTION)
    assert tool_calls(call) == [{"id": "c-1", "name": "look", "arguments": ARGUMENTS}]
    assert not any(QUESTION in str(value) for value in call.attributes.values())


def _pack(value: Any, packing: str) -> Any:
    if packing == "value":
        return value
    return json.dumps(value) if packing == "json" else str(value)


def _packed(key: str, messages: list[dict[str, Any]], packing: str) -> dict[str, Any]:
    if packing in ("json", "repr", "lines"):
        lines = "\n".join(map(json.dumps, messages))
        return {key: lines if packing == "lines" else _pack(messages, packing)}
    attributes = {}
    for place, message in enumerate(messages):
        for name, value in message.items():
            at = f"{key}.{place}.{name}" if packing == "indexed" else f"{key}[{place}].{name}"
            if value is not None:
                attributes[at] = value if isinstance(value, str) else json.dumps(value)
    return attributes


@pytest.mark.parametrize("name", ["llm.prompt", "acme.request", "user_message", "prompt", "input"])
@pytest.mark.parametrize("key", ["content", "text", "body", "acme.message"])
def test_events_may_carry_what_was_said(name: str, key: str) -> None:
    """An event is named after its side, or its attributes name a role."""
    answer = {"llm.prompt": "llm.completion", "acme.request": "acme.response", "prompt": "completion"}.get(name)
    events = [EventFacts(name, {key: QUESTION}, None, 1), EventFacts(answer or "output", {key: ANSWER}, None, 2)]
    call = _read({"acme.llm.model": MODEL}, events=events)
    assert (last_user_text(call), output_text(call)) == (QUESTION, ANSWER)
    roles = [EventFacts("message", {"role": role, "content": text}, None, 1) for role, text in ROLES]
    assert _said(_read({"acme.llm.model": MODEL}, events=roles)) == (SYSTEM, QUESTION, ANSWER)


ROLES = [("system", SYSTEM), ("user", QUESTION), ("assistant", ANSWER)]


@pytest.mark.parametrize(
    "failure",
    [
        {"acme.error": "Too many requests"},
        {"acme.status": "error"},
        {"acme.error.type": "RateLimitError"},
        {"acme.status_code": 429},
        {"acme.error": True},
    ],
)
def test_failures_are_told_in_words_too(failure: dict[str, Any]) -> None:
    """An emitter may leave the status unset and say what failed in attributes."""
    assert _read({"acme.llm.model": MODEL, **failure}).status == "error"
    assert _read({"acme.llm.model": MODEL, "acme.status": "ok", "acme.error": ""}).status == "unset"


@pytest.mark.parametrize("key", ["acme.operation", "acme.span_kind", "acme.run_type", "operationName"])
@pytest.mark.parametrize("word", ["fetch_quota", "moderate", "route", "setup", "sync_index"])
def test_unknown_words_are_kept_and_are_no_calls(key: str, word: str) -> None:
    """What an emitter has a word for that is not known is stored as what it says."""
    call = _read({key: word, "acme.llm.model": MODEL, "acme.prompt_tokens": 9})
    assert (call.kind, call.operation) == ("other", word)


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("POST", {"http.request.method": "POST", "url.full": "https://api.openai.com/v1/chat/completions"}),
        ("GET /chat", {"http.method": "GET", "http.route": "/chat", "http.request.body": "{}"}),
        ("SELECT", {"db.system": "postgresql", "db.statement": "SELECT model, prompt FROM calls"}),
        ("query", {"db.system.name": "qdrant", "db.operation.name": "query", "db.collection.name": "docs"}),
        ("print", {"printer.model": "HP-9", "job.status": "error", "job.output": "tray 2"}),
        ("phone", {"device.model.name": "Pixel", "device.model.identifier": "P9", "app.messages": 3}),
        ("predict", {"model": "xgboost-7", "input": "[1, 2]", "output": "[0.3]"}),
        ("login", {"auth.access_token": "x", "auth.request_token": "y", "session.id": "s"}),
        ("publish", {"messaging.system": "kafka", "messaging.batch.message_count": 4}),
        ("read", {"memory.usage.total": 9, "cpu.usage": 1}),
        ("shell", {"shell.prompt": "$", "shell.output": "ok", "type": "command"}),
        ("order", {"order.type": "function", "order.model": "T-1", "order.operation": "generate"}),
    ],
)
def test_spans_of_other_things_are_neither_recorded_nor_calls(name: str, attributes: dict[str, Any]) -> None:
    """HTTP, databases, vector stores, devices and queues have models, prompts and inputs of their own."""
    assert not _is_recorded(attributes)
    call = _read(attributes, name=name)
    assert call.kind not in ("llm", "embedding")
    assert call.status == "unset"


def test_no_key_of_opentelemetrys_other_conventions_tells_of_a_model() -> None:
    """Hundreds of keys are known that are no model's: none of them, nor all together, makes a span one."""
    found = [
        key
        for module in pkgutil.iter_modules(semantic_conventions.__path__)
        for name, key in vars(import_module(f"{semantic_conventions.__name__}.{module.name}")).items()
        if name.isupper() and isinstance(key, str) and not is_genai_key(key)
    ]
    assert len(found) > 300
    assert [key for key in found if key_words.marks_of(key) & (key_words.STRONG | key_words.SAID)] == []


@pytest.mark.parametrize(
    ("step", "kind"),
    [("agent", "agent"), ("TOOL", "tool"), ("retriever", "retriever"), ("guardrail", "guardrail"), ("chain", "chain")],
)
@pytest.mark.parametrize("key", ["acme.span_type", "acme.kind", "zorbSpanKind"])
def test_other_steps_are_what_they_are(key: str, step: str, kind: str) -> None:
    """An agent that sums the tokens of its calls, and names their model, is no call."""
    attributes = {key: step, "acme.llm.model": MODEL, "acme.usage.input_tokens": 9, "acme.input": QUESTION}
    assert _read(attributes).kind == kind


def test_an_applications_own_keys_stay_where_they_are() -> None:
    """Beside a known convention, keys that tell nothing of a model are the application's, whatever they end with."""
    own = {"order.status": "failed", "order.request": "42", "order.type": "tool", "cart.output": "x"}
    call = _read({"gen_ai.operation.name": "chat", "gen_ai.request.model": MODEL, **own})
    assert (call.kind, call.status, call.input, call.output) == ("llm", "unset", [], [])
    assert own.items() <= call.attributes.items()


@pytest.mark.parametrize("key", ["run_type", "node_type", "acme.span_type"])
def test_a_word_for_the_step_counts_beside_a_known_convention_without_one(key: str) -> None:
    """``input.value`` is everybody's, and says nothing of what its span does."""
    request, response = BODIES["openai"]
    attributes = {key: "llm", "input.value": json.dumps(request), "output.value": json.dumps(response)}
    call = _read(attributes)
    assert (call.kind, call.request_model, call.response_model, call.input_tokens) == ("llm", MODEL, ANSWERED, INPUT)
    assert _said(call) == (SYSTEM, QUESTION, ANSWER)
    assert _read(attributes | {"openinference.span.kind": "CHAIN"}).kind == "chain"


def test_what_a_function_was_given_had_its_facts_before() -> None:
    """A function that takes a response, or an agent, and the one that makes it, are one call and not two."""
    answer = {"model": ANSWERED, "id": "r-1", "usage.prompt_tokens": INPUT, "usage.completion_tokens": OUTPUT}
    made = {f"result.{key}": value for key, value in answer.items()} | {"inputs.model": MODEL}
    call = _read(made)
    assert (call.kind, call.request_model, call.response_model) == ("llm", MODEL, ANSWERED)
    assert (call.response_id, call.input_tokens, call.output_tokens) == ("r-1", INPUT, OUTPUT)
    taken = {f"inputs.response.{key}": value for key, value in answer.items()} | {"inputs.agent.model.id": MODEL}
    assert (_read(taken).kind, _read(taken).input_tokens) == ("other", None)


@pytest.mark.parametrize(
    ("word", "kind"), [("llm.invoke", "llm"), ("embedding.create", "embedding"), ("tool.invoke", "tool")]
)
def test_a_step_may_be_two_words_with_a_point(word: str, kind: str) -> None:
    """What is done, and to what, in either order and with any separator."""
    attributes = {"ai.operation.type": word, "ai.model.name": MODEL, "function.args": json.dumps([QUESTION])}
    assert _is_recorded(attributes)
    call = _read(attributes | {"function.name": "ask"})
    assert call.kind == kind
    if kind == "llm":
        assert (call.request_model, last_user_text(call)) == (MODEL, QUESTION)


def test_behind_an_emitters_name_the_keys_of_conventions_mean_what_they_mean_there() -> None:
    """OpenInference has one key for the model that was asked and the one that answered."""
    call = _read({"acme.llm.model_name": MODEL, "acme.llm.token_count.prompt": INPUT, "acme.output.value": ANSWER})
    assert (call.request_model, call.response_model, call.input_tokens) == (MODEL, MODEL, INPUT)
    assert output_text(call) == ANSWER


@pytest.mark.parametrize("task", ["general", "self_check_input", "generate_user_intent"])
def test_calls_of_guardrails_are_named_after_their_tasks(task: str) -> None:
    """NeMo's operation is the task that the prompt was written for; only calls name a model."""
    attributes = {"gen_ai.operation.name": task, "gen_ai.request.model": MODEL, "gen_ai.usage.input_tokens": INPUT}
    assert _read(attributes, scope="nemo_guardrails", name=f"{task} {MODEL}").kind == "llm"
    rail = {"gen_ai.operation.name": "guardrails"}
    assert _read(rail, scope="nemo_guardrails", name="guardrails.rail").kind == "guardrail"


@pytest.mark.parametrize("key", ["", ".", "..", "_", "-0", "[0]", "\x00", "...0.1", "\U0001f600"])
def test_keys_and_names_without_a_word_say_nothing(key: str) -> None:
    """They stay what they are, in a span that is a model's and under a scope that traces nothing else."""
    assert unknown_keys.slot_of(key) is UNKNOWN
    attributes = {"acme.llm.prompt": QUESTION, "acme.llm.model": MODEL, key: "x"}
    call = _read(attributes, events=[EventFacts(key, {key: "x"}, None, 0)])
    assert (call.request_model, _said(call)[1]) == (MODEL, QUESTION)
    assert call.attributes[key] == "x"


@pytest.mark.parametrize("key", ["gen_ai.request.max_tokens", "acme.llm.max_tokens", "acme.stop.tokens"])
def test_limits_of_tokens_are_no_usage(key: str) -> None:
    """Their words end as those of a usage do, and nothing in them was used."""
    assert unknown_keys.slot_of(key) is UNKNOWN


def test_making_a_model_is_no_call() -> None:
    """OpenLLMetry's watsonx says of the object's creation what it says of requests."""
    attributes = {"gen_ai.system": "Watsonx", "llm.request.type": "completion"}
    assert _read(attributes, name="watsonx.model_init").kind == "chain"
    assert _read(attributes, name="watsonx.generate").kind == "llm"
