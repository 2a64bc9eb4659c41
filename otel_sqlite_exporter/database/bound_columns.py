"""Which columns of a span a statement binds values for: to bind one takes longer than to store a NULL."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row = tuple[object, ...]


class BoundColumns:
    """The columns that were ever filled here: of a span's many, an application's emitters fill the same few.

    More and more of them, so that there are few different statements.

    Args:
        may_be_null: For each column whether it may stay NULL; two at least may not.
    """

    def __init__(self, may_be_null: Sequence[bool]) -> None:
        self._bind([not may_be for may_be in may_be_null])

    def grow(self, rows: Sequence[Row]) -> None:
        """Bind every column as well that one of these rows fills."""
        for row in rows:
            if self._rest_of(row) != self._empty:
                self._bind([is_bound or value is not None for is_bound, value in zip(self._is_bound, row, strict=True)])

    def _bind(self, is_bound: list[bool]) -> None:
        bound = [index for index, one in enumerate(is_bound) if one]
        rest = [index for index, one in enumerate(is_bound) if not one]
        self._is_bound = is_bound
        self.marks = ", ".join("?" if one else "NULL" for one in is_bound)
        """The columns' values in a statement."""
        self.count = len(bound)
        """How many of them are bound."""
        self.values_of: Callable[[Row], Row] = itemgetter(*bound)
        """Returns what is bound of a row."""
        self._rest_of: Callable[[Row], object] = itemgetter(*rest) if rest else _nothing
        self._empty = None if len(rest) < 2 else (None,) * len(rest)  # noqa: PLR2004 - one index gives a value, no tuple


def _nothing(_: Row) -> None:
    return None
