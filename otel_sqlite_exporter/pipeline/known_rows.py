"""Rows of what many spans share as one object, each made once for as long as it is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Shared = TypeVar("_Shared")
_Row = TypeVar("_Row")

_CAPACITY: Final = 64


class KnownRows(Generic[_Shared, _Row]):
    """Rows by the identity of the objects they are made of: comparing these would cost as much as making the row.

    Only for objects that nobody changes.

    Args:
        make: Makes a row of an object.
    """

    __slots__ = ("_known", "_make")

    def __init__(self, make: Callable[[_Shared], _Row]) -> None:
        self._make = make
        self._known: dict[int, tuple[_Shared, _Row]] = {}
        """With the object, whose number is nobody else's as long as it is here."""

    def __len__(self) -> int:
        return len(self._known)

    def of(self, shared: _Shared) -> _Row:
        """Return an object's row."""
        known = self._known.get(id(shared))
        if known is None:
            if len(self._known) >= _CAPACITY:
                self._known.clear()
            known = self._known[id(shared)] = (shared, self._make(shared))
        return known[1]
