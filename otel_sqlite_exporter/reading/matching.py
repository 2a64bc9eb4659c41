"""Which items of two lists are the same ones, in time that is bounded however long they are."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_PAIRS: Final = 4_000_000
"""Of items that may be the same: difflib looks at each of them in the worst case."""


class Stretch(NamedTuple):
    """Neighbouring items of two lists.

    Args:
        is_same: Whether they are the same ones, or have nothing in common.
        old: Where in the one list.
        new: Where in the other.
    """

    is_same: bool
    old: slice
    new: slice


def common_prefix(left: Sequence[object], right: Sequence[object]) -> int:
    """Return how many items two sequences begin with in common."""
    number = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        number += 1
    return number


def stretches(old: Sequence[object], new: Sequence[object]) -> list[Stretch]:
    """Return two lists in stretches that are the same and stretches that are not, in order; none is empty.

    What both begin and end with is found in lists of any length. Between that, lists too long to be compared count as
    different as a whole.
    """
    start = common_prefix(old, new)
    end = common_prefix(old[start:][::-1], new[start:][::-1])
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    found = [Stretch(is_same=True, old=slice(0, start), new=slice(0, start))]
    opcodes: Sequence[tuple[str, int, int, int, int]]
    if len(middle_old) * len(middle_new) > _MOST_PAIRS:
        opcodes = [("replace", 0, len(middle_old), 0, len(middle_new))]
    else:
        opcodes = SequenceMatcher(None, middle_old, middle_new, autojunk=False).get_opcodes()
    for tag, first, last, new_first, new_last in opcodes:
        places = slice(start + first, start + last), slice(start + new_first, start + new_last)
        found.append(Stretch(tag == "equal", *places))
    found.append(Stretch(True, slice(len(old) - end, len(old)), slice(len(new) - end, len(new))))  # noqa: FBT003 - same
    return [one for one in found if one.old.stop > one.old.start or one.new.stop > one.new.start]
