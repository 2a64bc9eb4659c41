"""Notes of what is missing from a text, while it is on its way to the file.

A text may be shortened before its JSON is decoded (``long_strings``), with the other texts of its message, and once
more as that message's plain text (``texts.cutting``). Each of them leaves a note where it cut, and adds up the notes
that it cuts away; what is stored in a note's place is a mark that people can read.
"""

from __future__ import annotations

import os
from typing import Final

from otel_sqlite_exporter.scanning.patterns import note_between

_FIRST: Final = "\ue000"
SIGN: Final = "\ue001"
"""The last character of every note, hardly ever met elsewhere: a text without it has none."""

# Nobody else knows it, so no text of the application can pass for a note. Its length makes a note as long as its mark:
# what has room with notes has room with marks.
_START: Final = _FIRST + os.urandom(9).hex()
NOTE: Final = note_between(_START, SIGN)
"""A note; its group is the number of bytes."""


def note_of(missing: int) -> str:
    """Return the note that so many bytes of UTF-8 are missing here."""
    return f"{_START}{missing}{SIGN}"


def split_notes(text: str) -> list[str]:
    """Return the pieces of a text and, between them, the numbers of bytes that its notes say are missing."""
    first, *others = text.split(_START)  # an expression would look at every character
    pieces = [first]
    for piece in others:
        missing, _, after = piece.partition(SIGN)
        pieces += (missing, after)
    return pieces


def missing_bytes(text: str) -> int:
    """Return how many bytes of UTF-8 the notes in a text say are missing."""
    return sum(map(int, split_notes(text)[1::2])) if SIGN in text else 0


def utf8_bytes(text: str) -> int:
    """Return the length of a text as UTF-8; a surrogate, which is stored as U+FFFD, counts as that."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
