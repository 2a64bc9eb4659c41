"""Texts are looked for in what was said, not in the JSON that it is stored as."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from otel_sqlite_exporter.reading.passages import Wanted, texts_of

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading import Database

PARTS = json.dumps(
    [
        {"type": "reasoning", "content": "Look it up.\nThen answer."},
        {
            "type": "tool_call",
            "id": "call_7",
            "name": "lookup",
            "arguments": {"order": "F-1", "count": 3, "fast": True},
        },
        {"type": "tool_call_response", "id": "call_7", "response": [{"name": "Zelt «Nunatak»", "price": 249.0}]},
        {"type": "blob", "modality": "image", "mime_type": "image/png"},
        {
            "type": "tool_definitions",
            "tools": [{"type": "function", "name": "refund", "parameters": {"type": "object", "title": "Refunds"}}],
        },
        "a bare text",
    ],
    ensure_ascii=False,
)


@pytest.mark.parametrize(
    "text",
    [
        "look it UP.\nthen",
        "F-1",
        "call_7",
        "lookup",
        "zelt «nunatak»",
        "249.0",
        "image/png",
        "refund",
        "Refunds",
        "bare",
    ],
)
def test_what_parts_say_is_found(text: str) -> None:
    """Contents, names, ids, arguments, results and definitions are texts, at any depth, whatever their case."""
    assert Wanted(text).is_in(PARTS)


@pytest.mark.parametrize(
    "text", ["content", "type", "tool_call", "order", "arguments", "modality", "object", '":', "true"]
)
def test_what_json_needs_is_not_found(text: str) -> None:
    """Keys, signs and the words of the format are no texts."""
    assert not Wanted(text).is_in(PARTS)


@pytest.mark.parametrize("parts", [None, 7, b"\xff{", "{", "[" * 100_000, "null", "[[[1]]]", '{"type": {"a": 1}}'])
def test_odd_parts_are_searched_as_well(parts: object) -> None:
    """What another program wrote there is searched as it is, and fails nothing."""
    assert all(isinstance(text, str) for text in texts_of(parts))


def test_the_excerpt_is_the_place_of_the_text() -> None:
    """An excerpt is one line: what stands before, the text as it stands there, and what follows."""
    assert Wanted("it UP").excerpt(None, PARTS) == ("Look ", "it up", ". Then answer.")
    assert Wanted("here").excerpt("x" * 100 + " Here " + "y" * 200, None) == (
        "…" + "x" * 59 + " ",
        "Here",
        " " + "y" * 119 + "…",
    )


@pytest.mark.parametrize("text", ["tool_call", "arguments", "mime_type", '"type"'])
def test_the_words_of_the_stored_json_find_nothing(demo: Database, text: str) -> None:
    """Neither the search, nor lists and sums of what has a text, find how messages are stored."""
    assert not demo.search(text)
    assert not demo.calls(text=text)
    assert not demo.traces(text=text)
    assert not demo.usage(text=text)


def test_a_call_that_was_asked_for_by_a_text_says_where_it_stands(demo: Database) -> None:
    """Such a list has an excerpt of each call, the newest message that has the text; another list has none."""
    calls = demo.calls(text="LOOKUP_order")
    assert calls
    for call in calls:
        assert call.excerpt is not None
        assert call.excerpt.found == "lookup_order"
        message = [m for m in demo.messages(call.id) if m.direction == call.excerpt.direction and m.parts is not None]
        assert any("lookup_order" in json.dumps(m.parts) for m in message)
    assert "excerpt" in calls.columns
    assert "<mark>lookup_order</mark>" in calls._repr_html_()
    assert "excerpt" not in demo.calls(limit=1).dicts()[0]
    assert "excerpt" not in json.loads(demo.call(-1).json())


def test_what_is_followed_keeps_to_the_text(demo: Database) -> None:
    """Calls that are written after a span are filtered by the text as well."""
    followed = {call.id for call in demo.calls_after(0, text="lookup_order")}
    assert followed == {call.id for call in demo.calls(text="lookup_order", limit=None)}
