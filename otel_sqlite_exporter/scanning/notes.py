"""Notes of what is missing from a text, while it is on its way to the file.

A text may be shortened before its JSON is decoded (``long_strings``), with the other texts of its message, and once
more as that message's plain text (``texts.cutting``). Each of them leaves a note where it cut, and adds up the notes
that it cuts away; what is stored in a note's place is a mark that people can read.
"""

from __future__ import annotations

import os
import re
from typing import Final

_FIRST: Final = "\ue000"
SIGN: Final = "\ue001"
"""The last character of every note, hardly ever met elsewhere: a text without it has none."""

# Nobody else knows it, so no text of the application can pass for a note. Its length makes a note as long as its mark:
# what has room with notes has room with marks.
_SECRET: Final = os.urandom(9).hex()
NOTE: Final = re.compile(f"{_FIRST}{_SECRET}([0-9]+){SIGN}")
"""A note; its group is the number of bytes. ``NOTE.split`` gives texts and numbers in turns."""


def note_of(missing: int) -> str:
    """Return the note that so many bytes of UTF-8 are missing here."""
    return f"{_FIRST}{_SECRET}{missing}{SIGN}"


def missing_bytes(text: str) -> int:
    """Return how many bytes of UTF-8 the notes in a text say are missing."""
    return sum(map(int, NOTE.split(text)[1::2])) if SIGN in text else 0


def utf8_bytes(text: str) -> int:
    """Return the length of a text as UTF-8; a surrogate, which is stored as U+FFFD, counts as that."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
