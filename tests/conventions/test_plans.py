"""What is done with a span's attributes depends on their keys alone, and is remembered by them."""

from __future__ import annotations

import json

from otel_sqlite_exporter.conventions import read
from otel_sqlite_exporter.conventions.call import SpanFacts
from otel_sqlite_exporter.conventions.dictionary import MAX_PLANNED_KEYS, Dictionary
from otel_sqlite_exporter.conventions.registry import FAMILIES, SHARED

MODEL, OTHER = "gen_ai.request.model", "llm.model_name"


def test_values_of_the_same_keys_are_read_anew() -> None:
    """A key whose value says nothing leaves its column to the key after it, in this span and not in the next."""
    for model, other, expected in (("a", "b", "a"), ("", "b", "b"), ("c", "", "c"), ("", "d", "d")):
        call = read(SpanFacts("chat", attributes={"gen_ai.operation.name": "chat", MODEL: model, OTHER: other}))
        assert call.request_model == expected


def test_a_key_that_is_read_first_is_read_first_wherever_it_stands() -> None:
    """The order of the attributes is the emitter's own affair."""
    for keys in ((MODEL, OTHER), (OTHER, MODEL)):
        attributes = {"gen_ai.operation.name": "chat", **{key: "first" if key == MODEL else "second" for key in keys}}
        assert read(SpanFacts("chat", attributes=attributes)).request_model == "first"


def test_only_so_many_shapes_are_remembered() -> None:
    """An emitter that makes keys of its data does not fill the memory."""
    dictionary = Dictionary(FAMILIES, SHARED, "")
    for number in range(MAX_PLANNED_KEYS):
        dictionary.plan({f"key.{number}": 1, MODEL: "m"})
    assert sum(map(len, dictionary._plans)) <= MAX_PLANNED_KEYS


def test_the_shape_of_a_span_with_very_many_keys_is_used_and_forgotten() -> None:
    """It is the only one that is remembered, until the next one comes."""
    dictionary = Dictionary(FAMILIES, SHARED, "")
    attributes = {f"key.{number}": 1 for number in range(MAX_PLANNED_KEYS + 1)} | {MODEL: "m"}
    assert [fill.key for fill in dictionary.plan(attributes).fills] == [MODEL]
    dictionary.plan({MODEL: "m"})
    assert list(dictionary._plans) == [(MODEL,)]


def test_no_two_calls_share_a_list_that_a_text_was_read_as() -> None:
    """What one call makes of its finish reasons is none of the next one's business."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.response.finish_reasons": '["stop"]'}
    first, second = (read(SpanFacts("chat", attributes=attributes)).finish_reasons for _ in range(2))
    assert first == second == ["stop"]
    assert first is not second


def test_an_object_with_very_many_fields_is_data() -> None:
    """A span has no more than a hundred or two attributes, and what has more is kept as it is."""
    fields = {"model": "m", **{f"key_{number}": number for number in range(300)}}
    few = read(SpanFacts("x", attributes={"zorvex.type": "llm_call", "zorvex.data": json.dumps({"model": "m"})}))
    many = read(SpanFacts("x", attributes={"zorvex.type": "llm_call", "zorvex.data": json.dumps(fields)}))
    assert (few.request_model, many.request_model) == ("m", None)
    assert many.attributes["zorvex.data"] == json.dumps(fields)


def test_the_ways_to_read_one_shape_by_its_values_are_bounded_too() -> None:
    """Words for steps under several keys tell or do not, in every combination."""
    dictionary = Dictionary(FAMILIES, SHARED, "")
    keys = [f"zorvex.{word}.type" for word in "abcdefghijk"]
    for number in range(1 << len(keys)):
        dictionary.plan({key: "llm_call" if number >> at & 1 else "x" for at, key in enumerate(keys)})
    assert len(dictionary._plans) * len(keys) <= MAX_PLANNED_KEYS
