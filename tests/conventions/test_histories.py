"""A history that is sent again is read as if it had never been seen before, whatever was remembered of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.conventions import histories as histories_module
from otel_sqlite_exporter.conventions.call import Message
from otel_sqlite_exporter.conventions.containers import read_input
from otel_sqlite_exporter.conventions.histories import MAX_CHARACTERS, SHORTEST, Histories
from otel_sqlite_exporter.conventions.messages import native_messages

Item = dict[str, object]

LONG = "x" * SHORTEST
NATIVE = st.builds(
    lambda role, text: {"role": role, "parts": [{"type": "text", "content": text}]},
    st.sampled_from(["user", "assistant", "tool"]),
    st.text('ab",[]{}\\\n', max_size=12),
)
OTHERS = st.sampled_from([{"role": "user", "content": "hi"}, {"role": "assistant", "parts": "text"}, {"type": "text"}])


def first(text: str = LONG) -> Item:
    """Return the message that begins a history."""
    return {"role": "system", "parts": [{"type": "text", "content": text}]}


@settings(max_examples=25)
@given(st.lists(st.lists(st.one_of(NATIVE, NATIVE, NATIVE, OTHERS), max_size=4), max_size=5), st.booleans())
def test_every_turn_says_what_its_text_says(turns: list[list[Item]], is_compact: bool) -> None:
    """Turns that add messages, in this form or another, and the same turn once more."""
    separators = (",", ":") if is_compact else (", ", ": ")
    items: list[Item] = [first()]
    for turn in turns:
        items = [*items, *turn]
        text = json.dumps(items, separators=separators)
        expected = native_messages(json.loads(text))
        for _ in range(2):
            if expected is not None:
                assert read_input(text) == expected
            else:
                assert len(read_input(text)) >= 1


@settings(max_examples=25)
@given(st.text('[]{},": a', max_size=8), NATIVE)
def test_what_only_begins_like_a_history_is_none_of_its_turns(more: str, added: Item) -> None:
    """Text that follows and is no JSON has the whole read otherwise."""
    histories = Histories()
    text = json.dumps([first(), added])
    histories.remember(text, native_messages([first(), added]) or [])
    found = histories.continued(f"{text[:-1]}{more}]")
    try:
        expected = native_messages(json.loads(f"{text[:-1]}{more}]", strict=False))
    except ValueError:
        expected = None
    assert found == expected


def test_a_turn_does_not_change_what_was_read_of_the_turns_before() -> None:
    """Whoever holds the messages of a turn keeps them."""
    histories = Histories()
    items = [first(), first("hello")]
    histories.remember(json.dumps(items), native_messages(items) or [])
    before = histories.continued(json.dumps(items))
    longer = histories.continued(json.dumps([*items, first("more")]))
    assert before is not None
    assert longer is not None
    assert (len(before), len(longer)) == (2, 3)
    longer.clear()
    assert len(histories.continued(json.dumps([*items, first("more")])) or ()) == 3


def test_only_so_much_is_remembered() -> None:
    """Of very many chats the oldest are forgotten."""
    histories = Histories()
    message = Message("user", [{"type": "text", "content": LONG}])
    texts = [json.dumps([first(f"{number} {LONG * 60}"), first()]) for number in range(30)]
    for text in texts:
        histories.remember(text, [message, message])
    assert sum(map(len, texts)) > MAX_CHARACTERS
    assert [bool(histories.continued(text)) for text in (texts[0], texts[-1])] == [False, True]


def test_as_much_is_remembered_after_very_many_chats(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was forgotten takes no room, however often something is: in a process that runs for months as well."""
    monkeypatch.setattr(histories_module, "MAX_CHARACTERS", 3 * SHORTEST)
    histories = Histories()
    message = Message("user", [{"type": "text", "content": LONG}])
    for number in range(SHORTEST):
        turns = [[first(f"{number} {LONG}"), first()], [first(f"{number} {LONG}"), first(), first("more")]]
        turns = turns if number % 2 else turns[:1]
        histories.remember(json.dumps(turns[0]), [message, message])
        assert all(histories.continued(json.dumps(turn)) for turn in turns)
