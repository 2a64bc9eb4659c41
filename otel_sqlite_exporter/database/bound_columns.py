"""Which columns of a span a statement binds, and whether once for all spans: binding takes longer than storing."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row = tuple[object, ...]


class BoundColumns:
    """The columns that were ever filled here, and those among them in which the spans of a batch ever differed.

    Of a span's many columns an application's emitters fill the same few, and most of these are the same for a whole
    batch: kind, model, status, resource. Both only become more, so that there are few different statements.

    Args:
        may_be_null: For each column whether it may stay NULL.
    """

    def __init__(self, may_be_null: Sequence[bool]) -> None:
        self._bind([not may_be for may_be in may_be_null], [False] * len(may_be_null))

    def grow(self, rows: Sequence[Row]) -> None:
        """Bind every column as well that one of these rows fills, and for each row where they differ."""
        alike_of = self._alike_of
        alike = [alike_of(row) for row in rows]
        if alike and (alike.count(alike[0]) != len(alike) or self._empty_of(rows[0]) != self._empty):
            columns = list(zip(*rows, strict=True))
            is_filled = [column.count(None) != len(rows) for column in columns]
            differs = [column.count(column[0]) != len(rows) for column in columns]
            self._bind(
                [before or now for before, now in zip(self._is_bound, is_filled, strict=True)],
                [before or now for before, now in zip(self._is_own, differs, strict=True)],
            )

    def _bind(self, is_bound: list[bool], is_own: list[bool]) -> None:
        self._is_bound = is_bound
        self._is_own = is_own
        shared = [index for index, one in enumerate(is_bound) if one and not is_own[index]]
        own = [index for index, one in enumerate(is_own) if one]
        self.shared_marks = _marks(shared, len(is_bound))
        """The row of what all spans of a batch share, in a statement."""
        self.shared_values_of = _getter(shared)
        """Returns what is bound of it, of any of the spans."""
        self.own_marks = _marks(own, len(is_bound))
        """The row of each span."""
        self.own_values_of = _getter(own)
        """Returns what is bound of it."""
        self.own_count = len(own)
        """How many values that are."""
        self._alike_of = _getter([index for index, one in enumerate(is_own) if not one])
        self._empty_of = _getter([index for index, one in enumerate(is_bound) if not one])
        self._empty = (None,) * is_bound.count(False)


def _marks(indexes: Sequence[int], count: int) -> str:
    return ", ".join("?" if index in indexes else "NULL" for index in range(count))


def _getter(indexes: Sequence[int]) -> Callable[[Row], Row]:
    """Return what takes these out of a row, as a row."""
    if len(indexes) > 1:
        return itemgetter(*indexes)
    return lambda row: tuple(row[index] for index in indexes)
