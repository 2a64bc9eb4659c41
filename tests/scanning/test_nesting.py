"""How deep JSON nests is told before it is decoded, whatever stands in its strings."""

from __future__ import annotations

import json
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.scanning.nesting import nests_deeper

Value: TypeAlias = "str | int | list[Value] | dict[str, Value]"

TEXTS = st.text('[]{}"\\a,', max_size=12)
VALUES: st.SearchStrategy[Value] = st.recursive(
    st.one_of(TEXTS, st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=30,
)


def _depth(value: Value) -> int:
    if isinstance(value, (str, int)):
        return 0
    return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)


@given(VALUES, st.integers(1, 6))
def test_json_nests_as_deep_as_its_value(value: Value, limit: int) -> None:
    """Brackets in strings and names are text."""
    for ensure_ascii in (True, False):
        assert nests_deeper(json.dumps(value, ensure_ascii=ensure_ascii), limit) == (_depth(value) > limit)


@pytest.mark.parametrize("rest", ["", "]" * 70, '"', '"]' * 70, "\\" + "]" * 70, "x" + "]" * 70, "}" * 70])
def test_what_a_decoder_would_enter_counts_whatever_follows(rest: str) -> None:
    """A decoder that recurses has gone down before it finds that the text is no JSON."""
    assert nests_deeper("[" * 65 + rest, 64)


@given(TEXTS, st.integers(0, 3))
def test_a_text_that_is_no_json_has_no_depth_that_a_decoder_could_reach(text: str, limit: int) -> None:
    """Where the answer is no, no prefix that JSON allows opens more brackets."""
    if not nests_deeper(text, limit):
        opened = len(text) - len(text.lstrip("["))
        assert opened <= limit
