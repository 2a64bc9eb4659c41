from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import EventFacts, SpanFacts
from otel_sqlite_exporter.conventions.parse import MAX_JSON_TEXT, NOT_JSON, is_deep, parse_json, parse_text, plain
from otel_sqlite_exporter.conventions.registry import dictionary_for
from otel_sqlite_exporter.conventions.summary import last_user_text, output_text, system_text, tool_calls

KEYS = [
    *sorted(dictionary_for("pydantic-ai").slots),
    "gen_ai.prompt.0.content",
    "gen_ai.prompt.0.role",
    "gen_ai.prompt.0",
    "gen_ai.completion.1.tool_calls.0.name",
    "llm.input_messages.0.message.contents.0.message_content.image.image.url",
    "llm.input_messages.0",
    "llm.tools.0.tool.json_schema",
    "retrieval.documents.0.document.content",
]
EVENTS = ["gen_ai.user.message", "gen_ai.tool.message", "gen_ai.choice", "gen_ai.content.prompt", "exception", "x"]
WORDS = ["role", "content", "parts", "type", "text", "message", "messages", "tool_calls", "function", "arguments", "id"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from(
        ["user", "assistant", "tool", "text", "tool_call", "image", "[", '{"a":', "chat", "LLM", "\ud83d"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=5)
        | inner.map(lambda value: json.dumps(value, default=str))
    ),
    max_leaves=12,
)


class Hostile:
    """An object whose every method raises."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


@given(
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8),
    st.lists(st.tuples(st.sampled_from(EVENTS), VALUES), max_size=3),
)
def test_no_attribute_of_any_type_stops_a_span(attributes: dict[str, Any], events: list[tuple[str, Any]]) -> None:
    """Any values under any known keys, and any event bodies, still make a call whose texts can be read."""
    log_events = [EventFacts(name, {"content": body}, body) for name, body in events]
    call = read(SpanFacts("chat", "pydantic-ai", attributes=attributes, events=log_events, log_events=log_events))
    for count in (call.input_tokens, call.output_tokens, call.cache_read_tokens):
        assert count is None or 0 <= count <= 2**55
    for summary in (last_user_text, output_text, system_text):
        assert isinstance(summary(call), (str, type(None)))
    assert isinstance(tool_calls(call), list)
    json.dumps([message.parts for message in [*call.system, *call.input, *call.output]], default=str)


@given(st.text() | st.text(alphabet="[]{}\"':,0x<>() \\n") | VALUES.map(str))
def test_no_text_stops_the_parser(text: str) -> None:
    """Any text is a value or it is not; asking never raises."""
    value = parse_text(text)
    assert value is NOT_JSON or not is_deep(value)


def test_invalid_json_is_kept_as_text() -> None:
    """Messages that claim JSON and break it are the text they are."""
    call = read(SpanFacts("chat m", attributes={"gen_ai.input.messages": '[{"role": "user", '}))
    assert last_user_text(call) == '[{"role": "user", '


@pytest.mark.parametrize("opening", ["[", '{"a":', "[[", '[{"content":'])
def test_nesting_of_five_thousand_levels_is_kept_as_text(opening: str) -> None:
    """Nesting beyond any reader's depth costs neither the row nor the rest of the span."""
    deep = opening * 5_000
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": deep, "gen_ai.usage.input_tokens": 9}
    call = read(SpanFacts("chat m", attributes={**attributes, "gen_ai.tool.definitions": deep + "1"}))
    assert last_user_text(call) == deep
    assert call.input_tokens == 9


def test_structure_nested_natively_or_in_itself_is_cut_where_it_is_too_deep() -> None:
    """A structure, as the SDK and log bodies may hold, is copied so far as it is worth it."""
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = [deep]
    loop: dict[str, Any] = {"role": "user", "content": [{"type": "text", "text": "Hi"}]}
    loop["again"] = loop["and again"] = loop
    for value in (deep, loop, [loop, loop]):
        copied = plain(value)
        assert len(json.dumps(copied)) < 10_000
        body = EventFacts("gen_ai.user.message", {}, {"content": value, "more": loop})
        read(SpanFacts("chat m", attributes={"gen_ai.input.messages": value}, log_events=[body]))
    assert last_user_text(read(SpanFacts("chat m", attributes={"gen_ai.input.messages": [loop]}))) == "Hi"


def test_foreign_objects_become_text() -> None:
    """Bytes become Base64, other objects their text, and one that refuses its class's name."""
    assert plain({1: b"\x00\x01", "b": {2}, "c": Hostile(), "d": (1, None)}) == {
        "1": "AAE=",
        "b": [2],
        "c": "<Hostile>",
        "d": [1, None],
    }


def test_long_text_is_not_decoded() -> None:
    """A decoder holds the GIL as long as it works, so a text beyond the bound stays text."""
    long = json.dumps(["word" * 100] * (MAX_JSON_TEXT // 400))
    assert parse_json(long) is NOT_JSON
    call = read(SpanFacts("chat m", attributes={"gen_ai.input.messages": long}))
    assert last_user_text(call) == long


def test_infinity_and_nan_become_text() -> None:
    """What JSON cannot hold is not passed on as if it could."""
    assert parse_json('[NaN, Infinity, {"a": -Infinity}]') == ["NaN", "Infinity", {"a": "-Infinity"}]


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        ("{'a': 1, 'b': [None, True, -2.5]}", {"a": 1, "b": [None, True, -2.5]}),
        (
            "[ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(text='Hi <b>')], _meta={})]",
            [{"_role": "user", "_content": [{"text": "Hi <b>"}], "_meta": {}}],
        ),
        (
            "[Tool(name='t', function=<function ag.<locals>.<lambda> at 0x7f7f350ec900>)]",
            [{"name": "t", "function": None}],
        ),
        ("[<object object at 0x7f>, 'x']", [None, "x"]),
        ("('a', 'b')", ["a", "b"]),
    ],
)
def test_python_reprs_are_read_back(shown: str, wanted: Any) -> None:
    """``str()`` of a structure is read as the structure, objects as their fields."""
    assert parse_text(shown) == wanted


@pytest.mark.parametrize(
    "text", ["[__import__('os').system('x')]", "['a' * 9]", "{'a': lambda: 1}", "['\\d']", "[*'ab']"]
)
def test_code_is_no_repr(text: str) -> None:
    """What no repr shows is text; nothing is evaluated."""
    assert parse_text(text) in (NOT_JSON, [["x"]], ["x"])


@pytest.mark.parametrize(
    "damage",
    [
        {"otel_sqlite.kind": 7},
        {"otel_sqlite.kind": "llm", "otel_sqlite.operation": ["chat"]},
        {"otel_sqlite.kind": "llm", "otel_sqlite.messages": "[[1]]", "otel_sqlite.truncated_bytes": "x"},
        {"otel_sqlite.kind": "llm", "otel_sqlite.messages": '[["input","user",0],["input","user",0]]'},
        {"otel_sqlite.kind": "llm", "gen_ai.output.messages": '[{"role":"assistant","parts":["Hi"'},
        {"otel_sqlite.kind": "llm", "otel_sqlite.shown_in_trace_id": "no", "otel_sqlite.status": "fine"},
    ],
)
def test_a_replay_that_was_damaged_on_its_way_is_read_as_far_as_it_goes(damage: dict[str, Any]) -> None:
    """What a sender said of a row may come cut or changed: the call is there, with its question."""
    question = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}])
    facts = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.input.messages": question, **damage}
    call = read(SpanFacts(name="chat m", attributes=facts))
    assert (call.kind, call.request_model, call.status, last_user_text(call)) == ("llm", "m", "unset", "Why?")
    assert not [key for key in call.attributes if key.startswith("otel_sqlite")]
