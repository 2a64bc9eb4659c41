"""What parts of a message hold is measured in one walk, which also tells what needs a closer look."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.texts.cleaning import Cleaner, encode_json
from otel_sqlite_exporter.texts.measuring import MAX_DEPTH, MAX_INTEGER, MAX_NODES, bytes_of_plain, text_bytes

LIMIT = 1 << 20

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-MAX_INTEGER - 1, MAX_INTEGER),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text("aü🙂", max_size=40),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(("text", "id", "name", "arguments", "type", "x")), inner, max_size=4),
    ),
    max_leaves=20,
)


def measured(parts: object, limit: int = LIMIT) -> int | None:
    """Measure parts as the policy does."""
    return bytes_of_plain(parts, json.dumps(parts, ensure_ascii=False), limit)


@given(st.lists(VALUES, max_size=4))
def test_plain_parts_have_the_bytes_of_their_texts(parts: list[object]) -> None:
    """Names and ids do not count."""
    assert measured(parts) == text_bytes(parts)


@pytest.mark.parametrize("number", [MAX_INTEGER + 1, -MAX_INTEGER - 2, 10**18 + (1 << 63)])
@pytest.mark.parametrize("holder", [lambda x: [x], lambda x: [{"a": x}], lambda x: [{"a": [1, {"b": [x]}]}]])
def test_an_integer_that_sqlite_can_t_hold_is_found_wherever_it_stands(number: int, holder: Any) -> None:
    """The largest that it can hold is none."""
    assert measured(holder(number)) is None
    assert measured(holder(MAX_INTEGER)) == 0


@pytest.mark.parametrize(
    "part",
    [
        {"type": "blob", "content": "x"},
        {"type": "text", "inner": [{"type": "image"}]},
        {"arguments": {"mime_type": "text/plain"}},
        {"arguments": ["media"]},
        {"content": "data:image/png;base64,AAAA"},
        {"content": "data:image/png;BASE64,AAAA"},
        {"content": "QUJD" * 400},
    ],
)
def test_signs_of_media_are_found_wherever_they_stand(part: dict[str, object]) -> None:
    """As a name, as a whole text and in one."""
    assert measured([part]) is None
    assert measured([{"content": f"of {' '.join(part)}; nothing else"}]) is not None


def test_what_is_too_deep_too_many_or_too_long_needs_care() -> None:
    """By a little, and by far."""
    deep: object = "x"
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    assert measured(deep) is None
    assert measured([1] * 50_000) is None
    assert measured(["abc"], limit=6) is None
    assert measured(["abc"], limit=7) == 3
    assert measured(["aüc"], limit=7) is None


@pytest.mark.parametrize(("item", "values"), [(1, 1), ([], 1), ([1], 2), ({"a": 1}, 2), ([[1]], 3), ([1, 2], 3)])
@pytest.mark.parametrize("most", [MAX_NODES // 2, MAX_NODES - 4, MAX_NODES, MAX_NODES + 4])
def test_more_values_than_are_kept_need_care_however_they_are_nested(item: object, values: int, most: int) -> None:
    """What is measured as it is would have been copied whole."""
    parts: Any = [{"type": "x", "x": [item] * (most // values)}]
    document = encode_json(parts)
    is_plain = bytes_of_plain(parts, document, LIMIT) is not None
    assert is_plain or most > MAX_NODES // 2
    assert not is_plain or encode_json(Cleaner("", None).parts(parts)) == document


def test_values_of_other_types_need_care() -> None:
    """A subclass may behave as it likes."""

    class Word(str):
        __slots__ = ()

    assert bytes_of_plain([Word("a")], '["a"]', LIMIT) is None
    assert bytes_of_plain([{"a": ("b",)}], '[{"a":["b"]}]', LIMIT) is None
