"""Two lists in stretches that are the same and stretches that are not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.reading.matching import stretches

few = st.lists(st.sampled_from("abc"), max_size=12)


@given(old=few, new=few)
def test_the_stretches_are_all_of_both_lists(old: list[str], new: list[str]) -> None:
    """In order, without gaps; what is called the same is, and what begins both is called so."""
    found = stretches(old, new)
    assert [item for one in found for item in old[one.old]] == old
    assert [item for one in found for item in new[one.new]] == new
    assert all((old[one.old] == new[one.new]) for one in found if one.is_same)
    assert all(one.old.stop > one.old.start or one.new.stop > one.new.start for one in found)
    if old and new:
        assert found[0].is_same or old[0] != new[0]


def test_long_lists_of_equal_items_are_not_compared_pair_by_pair() -> None:
    """A hundred thousand equal messages with another one before them: what both end with is the same."""
    many = ["x"] * 100_000
    before, rest = stretches(many, ["new", *many])
    assert (before.is_same, before.new) == (False, slice(0, 1))
    assert (rest.is_same, rest.old) == (True, slice(0, 100_000))
    assert [one.is_same for one in stretches([*many, "y"], ["z", *many])] == [False]
