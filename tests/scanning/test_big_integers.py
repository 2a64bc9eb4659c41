"""Big integers are found wherever they stand."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.scanning.big_integers import may_hold_big_integer

PIECES = st.lists(st.one_of(st.text("0123456789", min_size=15, max_size=22), st.text("a1,", max_size=40)), max_size=8)


@given(PIECES.map("".join))
def test_nineteen_digits_are_found_at_any_place_and_fewer_never_are(text: str) -> None:
    """A sample of the characters says the same as a look at all of them."""
    assert may_hold_big_integer(text) == (re.search("[0-9]{19}", text) is not None)
