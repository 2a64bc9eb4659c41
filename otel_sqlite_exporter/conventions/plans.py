"""What is done with the attributes of spans of one shape, worked out once for all of them.

An emitter writes the same keys in the same order again and again. Which of them fills which column, which hold content
and which are left over depends on the keys alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from otel_sqlite_exporter.conventions.slots import UNKNOWN, Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from otel_sqlite_exporter.conventions.slots import Convert
    from otel_sqlite_exporter.conventions.step_words import Step

_VECTORS: Final = frozenset({"vector", "embedding.vector"})
"""Where flattened lists end that are never stored."""

_LONGEST_REMEMBERED: Final = 256


class Fill:
    """How a column is filled from the value under a key.

    Args:
        rank: Its place in the reading order.
        column: The column.
        convert: How the value is read; None means that it says nothing.
        key: The key.
    """

    __slots__ = ("_convert", "column", "key", "last", "rank")

    def __init__(self, rank: int, column: str, convert: Convert, key: str) -> None:
        self.rank = rank
        self.column = column
        self.key = key
        self._convert = convert
        self.last: tuple[object, object] = (None, None)
        """The text that was read last and what it says, always both at once: other threads read by the same plan."""

    def read(self, value: object) -> object:
        """Return what a value says, and remember a text: in the next span most say the same."""
        said = self._convert(value)
        if type(value) is str and len(value) <= _LONGEST_REMEMBERED and type(said) is not list:  # which may be changed
            self.last = (value, said)
        return said


class Planner(Protocol):
    """Where a sheet learns what is done with attributes."""

    steps: Mapping[str, Step]
    """What the names of spans and events stand for under the scope."""
    scope_family: str | None
    """The family whose scope it is."""

    def plan(self, attributes: Mapping[str, object]) -> Plan:
        """Return what is done with attributes of these keys."""

    def plan_of_fields(self, fields: Mapping[str, object]) -> Plan:
        """Return what is done with the fields of an object that a model's emitter wrote."""


class Plan:
    """What is done with the values under some keys.

    Args:
        keys: The keys of a span's or an event's attributes, in order.
        slot_of: Returns what is done with a value under a key.
    """

    __slots__ = ("bodies", "contents", "fills", "leaves", "left_out", "mask", "records", "spoken")

    def __init__(self, keys: Iterable[str], slot_of: Callable[[str], Slot]) -> None:
        self.mask = 0
        """Which families' words are among the keys."""
        self.leaves: list[tuple[Slot, str]] = []
        """Keys of flattened lists."""
        self.left_out: list[str] = []
        """Keys that are not kept among the attributes, because they hold content."""
        self.records: list[str] = []
        """Keys of objects whose fields are read as attributes."""
        self.spoken: list[tuple[str, int, str]] = []
        """Place of content, rank and key of what is content where it is a sentence."""
        fills: list[Fill] = []
        bodies: list[tuple[str, int, str]] = []
        contents: list[tuple[str, int, str]] = []
        for key in keys:
            slot = slot_of(key)
            if slot is UNKNOWN:
                continue
            self.mask |= slot.mask
            if slot.tree:
                if slot.path[-1] not in _VECTORS:
                    self.leaves.append((slot, key))
            else:
                fills += [Fill(slot.rank, column, convert, key) for column, convert in slot.columns]
                if slot.body is not None:
                    bodies.append((slot.body, slot.rank, key))
                if slot.content is not None:
                    contents.append((slot.content, slot.rank, key))
            if slot.is_record:
                self.records.append(key)
            if slot.spoken is not None:
                self.spoken.append((slot.spoken, slot.rank, key))
            if slot.content is not None or slot.hidden:
                self.left_out.append(key)
        self.fills = sorted(fills, key=_rank)
        """How columns are filled; what is read first comes first."""
        self.bodies = bodies
        """Kind of object, rank and key."""
        self.contents = contents
        """Place of content, rank and key."""


def _rank(fill: Fill) -> int:
    return fill.rank
