"""What is done with the value under one key, as the dictionary says and a sheet does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

Convert: TypeAlias = Callable[[object], object]


class Slot:
    """What is done with the value under one key.

    Args:
        rank: Its place in the reading order: lower is read first.
        family: Index of the family it belongs to, -1 for a key that any emitter may use.
        columns: The columns it fills and how its value is read.
        content: The place of content it belongs to; then it is not kept among the attributes.
        body: The kind of object it holds.
        tree: The name of the flattened list or object it is a leaf of, "" for a plain key.
        path: Where in that.
        hidden: It is left out of the attributes.
        is_record: It holds an object whose fields are read as attributes of their own.
        spoken: The place of content that its value belongs to where it is a sentence, and not the name of something.
    """

    __slots__ = ("body", "columns", "content", "hidden", "is_record", "mask", "path", "rank", "spoken", "tree")

    def __init__(
        self,
        rank: int = 0,
        family: int = -1,
        *,
        columns: tuple[tuple[str, Convert], ...] = (),
        content: str | None = None,
        body: str | None = None,
        tree: str = "",
        path: tuple[str | int, ...] = (),
        hidden: bool = False,
        is_record: bool = False,
        spoken: str | None = None,
    ) -> None:
        self.rank = rank
        self.mask = 0 if family < 0 else 1 << family
        self.columns = columns
        self.content = content
        self.body = body
        self.tree = tree
        self.path = path
        self.hidden = hidden
        self.is_record = is_record
        self.spoken = spoken

    def joined(self, other: Slot) -> Slot:
        """Return a slot that does what both do, for a key that has a meaning in several families."""
        both = Slot(
            self.rank,
            columns=self.columns + other.columns,
            content=self.content or other.content,
            body=self.body or other.body,
            hidden=self.hidden or other.hidden,
            spoken=self.spoken or other.spoken,
        )
        both.mask = self.mask | other.mask
        return both


UNKNOWN: Final = Slot()
"""For a key that no convention knows."""
