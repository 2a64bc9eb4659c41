from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_sqlite_exporter.scanning.long_strings import KEPT_CHARACTERS, shorten_json
from otel_sqlite_exporter.scanning.notes import NOTE, note_of, utf8_bytes
from otel_sqlite_exporter.texts.cutting import MARK as MARK_FORMAT
from otel_sqlite_exporter.texts.cutting import SHORTEST_ENDS, cut, json_bytes, marked
from tests.pipeline.test_properties import quick, scratch
from tests.support import query
from tests.texts.test_limits import answer, store, stored_parts
from tests.texts.test_texts import MARK

# Every width in UTF-8 and in JSON; no bracket, so that no text holds a mark of its own.
characters = st.sampled_from('aZ é€\U0001f600"\\\n\t\x01\u2028\ue000\ue001')
texts = st.builds(
    lambda pieces, repeat: "".join(pieces) * repeat, st.lists(characters, max_size=40), st.integers(1, 200)
)
limits = st.integers(16, 3000)
measures = st.sampled_from([utf8_bytes, json_bytes])


@given(text=texts, limit=limits, measure=measures)
@example(text="\x01" * 400, limit=64, measure=json_bytes)
@example(text="a" * 999, limit=16, measure=utf8_bytes)
def test_any_text_keeps_both_ends_within_any_limit(text: str, limit: int, measure: object) -> None:
    """It begins with the beginning, ends with the end, keeps the limit, wastes none, and counts to the byte."""
    assert measure is utf8_bytes or measure is json_bytes
    kept = marked(cut(text, limit, measure))
    assert measure(kept) <= limit
    widest = max(map(measure, text), default=0)
    if measure(text) <= limit:
        assert kept == text
    elif MARK.search(kept) is None:
        assert limit < len(MARK_FORMAT.format(utf8_bytes(text))) + SHORTEST_ENDS
        assert text.startswith(kept)
        assert measure(kept) > limit - widest
    else:
        start, missing, end = MARK.split(kept)
        assert text.startswith(start)
        assert text.endswith(end)
        assert int(missing) == utf8_bytes(text) - utf8_bytes(start + end)
        assert measure(kept) > limit - 2 * widest - 1
        assert abs(measure(start) - measure(end)) <= widest


@given(
    pieces=st.lists(texts, min_size=2, max_size=4),
    gaps=st.lists(st.integers(1, 10**9), min_size=3),
    limit=st.integers(64, 3000),
)
def test_what_was_missing_before_is_added_up(pieces: list[str], gaps: list[int], limit: int) -> None:
    """A text with notes of earlier cuts is cut like any other: no note is cut through, and none is forgotten."""
    text = pieces[0] + "".join(note_of(gap) + piece for gap, piece in zip(gaps, pieces[1:], strict=False))
    whole = sum(map(utf8_bytes, pieces)) + sum(gaps[: len(pieces) - 1])
    kept = marked(cut(text, limit))
    assert utf8_bytes(kept) <= limit
    assert NOTE.search(kept) is None
    ends = MARK.split(kept)
    assert pieces[0].startswith(ends[0]) or len(ends) == 1
    if len(ends) > 1:
        assert pieces[-1].endswith(ends[-1])
        assert sum(map(int, ends[1::2])) + sum(map(utf8_bytes, ends[::2])) == whole


@given(text=texts, limits=st.lists(limits, min_size=2, max_size=3))
def test_cutting_again_tells_of_both_cuts(text: str, limits: list[int]) -> None:
    """Cut to one limit and then to a smaller one, what is left and what the mark says still make the whole."""
    kept = text
    for limit in sorted(limits, reverse=True):
        kept = cut(kept, max(limit, 64))
        start, *rest = MARK.split(marked(kept))
        assert text.startswith(start)
        assert len(rest) in (0, 2)
        if rest:
            assert text.endswith(rest[1])
            assert int(rest[0]) + utf8_bytes(start + rest[1]) == utf8_bytes(text)


@quick
@given(contents=st.lists(texts.filter(bool), min_size=1, max_size=4), attribute=texts, limit=st.integers(64, 3000))
def test_a_message_and_its_columns_agree_on_what_is_missing(contents: list[str], attribute: str, limit: int) -> None:
    """In one part or several: the marks, ``full_bytes``, ``kept_bytes`` and ``truncated_bytes`` tell the same."""
    with scratch() as path:
        messages = answer(*({"type": "text", "content": content} for content in contents))
        store(path, limit, gen_ai__output__messages=messages, note=attribute)
        ((text, full, kept, attributes, truncated),) = query(
            path, "SELECT text, full_bytes, kept_bytes, attributes, truncated_bytes FROM messages, spans"
        )
        assert full == sum(map(utf8_bytes, contents))
        stored = [str(part["content"]) for part in stored_parts(path)]
        for content, what_is_left in zip(contents, stored, strict=True):
            ends = MARK.split(what_is_left)
            assert content.startswith(ends[0])
            assert content.endswith(ends[-1]) or len(ends) == 1
        if "\0" not in str(text):
            assert kept == sum(utf8_bytes(MARK.sub("", what_is_left)) for what_is_left in stored)
        assert utf8_bytes(str(text)) <= limit
        note = json.loads(str(attributes))["note"]
        missing = utf8_bytes(attribute) - utf8_bytes(MARK.sub("", note))
        assert truncated == int(str(full)) - int(str(kept)) + missing


def test_a_note_takes_as_much_room_as_its_mark() -> None:
    """So what keeps a limit while its notes are still notes keeps it in the file."""
    for missing in (1, 12_345, 10**9):
        assert utf8_bytes(note_of(missing)) == json_bytes(note_of(missing)) == len(marked(note_of(missing)))


@pytest.mark.parametrize("as_ascii", [True, False])
@pytest.mark.parametrize("limit", [1000, 65_536, 400_000])
def test_a_chat_too_large_to_be_decoded_keeps_both_ends(tmp_path: Path, as_ascii: bool, limit: int) -> None:
    """Of a 3 MB text, which is shortened before its JSON is decoded, the end is kept as well, and all is counted."""
    path = tmp_path / "traces.db"
    text = "Instructions. " + 'größer 😀\n"\\ ' * 100_000 + " The question?"
    messages = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": text}]}], ensure_ascii=as_ascii)
    assert len(messages) > 1_000_000
    store(path, limit, gen_ai__output__messages=messages)
    ((stored, full, kept, truncated),) = query(
        path, "SELECT text, full_bytes, kept_bytes, truncated_bytes FROM messages, spans"
    )
    start, missing, end = MARK.split(str(stored))
    assert text.startswith(start)
    assert text.endswith(end)
    assert min(len(start), len(end)) >= min(limit // 8, KEPT_CHARACTERS // 24)
    assert full == len(text.encode())
    assert kept == len((start + end).encode())
    assert truncated == int(missing) == len(text.encode()) - len((start + end).encode())
    assert len(str(stored).encode()) <= limit


def test_an_image_between_long_texts_is_still_one_image() -> None:
    """A string whose media make it long is whole once they are placeholders, whatever escapes it begins with."""
    image = random.Random(1).randbytes(900_000).hex() + "Zz"
    document = json.dumps(["first line\n" + "data:image/png;base64," + image + ' "and" the rest'])
    (text,) = json.loads(shorten_json(document))
    assert text.startswith("first line\n[image/png, ")
    assert text.endswith(' "and" the rest')
    assert NOTE.search(text) is None


@pytest.mark.parametrize(
    "text", ["\\" * 1_500_000, '\\"' * 600_000, "\U0001f600" * 500_000], ids=["\\", '\\"', "pairs"]
)
def test_strings_of_escapes_alone_are_shortened_between_them(text: str) -> None:
    """However many escapes stand in a row, none is cut through, and each is looked at a few times only."""
    (shortened,) = json.loads(shorten_json(json.dumps([text])))
    start, missing, end = NOTE.split(shortened)
    assert text.startswith(start)
    assert text.endswith(end)
    assert len((start + end).encode()) + int(missing) == len(text.encode())
