"""Shorten the long strings in a JSON text before it is decoded.

A decoder holds the GIL for as long as it works: a prompt with a 10 MB image in it would stop every other thread for
tens of milliseconds. The strings are found in steps that each give the GIL back, and the long ones are replaced by their
beginning and a note of how much is missing, which :func:`split_note` reads when lengths are recorded.
"""

from __future__ import annotations

import json
import re
from typing import Final

from otel_sqlite_exporter.placeholders import replace_media

KEPT_CHARACTERS: Final = 256 * 1024
"""How many characters of a long string are kept, at least."""

_ESCAPE_LENGTH: Final = 12  # a surrogate pair of two \\uXXXX
_CHUNK: Final = 1 << 20
_NOTE: Final = re.compile("\ue000(\\d+)\ue001\\Z")


def shorten_json(text: str) -> str:
    """Return a JSON text in which media are placeholders and other long strings are cut and carry a note.

    Text that is no JSON comes back in some form, and is still none.
    """
    pieces: list[str] = []
    copied = 0
    start = text.find('"')
    while start >= 0:
        end = _end_of_string(text, start + 1)
        if end < 0:
            break
        if end - start > KEPT_CHARACTERS:
            pieces += (text[copied:start], json.dumps(_shortened(text[start + 1 : end]), ensure_ascii=False))
            copied = end + 1
        start = text.find('"', end + 1)
    pieces.append(text[copied:])
    return "".join(pieces)


def split_note(text: str) -> tuple[str, int]:
    """Return a text without its note, and how many bytes of UTF-8 the note says are missing."""
    if not text.endswith("\ue001"):
        return text, 0
    match = _NOTE.search(text, max(len(text) - 32, 0))
    return (text[: match.start()], int(match[1])) if match is not None else (text, 0)


def _end_of_string(text: str, position: int) -> int:
    """Return the position of the quote that ends a string, -1 where none does."""
    while True:
        end = text.find('"', position)
        if end < 0:
            return -1
        backslashes = 0
        while text[end - 1 - backslashes] == "\\":
            backslashes += 1
        if backslashes % 2 == 0:
            return end
        position = end + 1


def _shortened(literal: str) -> str:
    """Return what stands for the inside of a long string literal."""
    if "\\" not in literal[:KEPT_CHARACTERS]:
        media = replace_media(literal.replace("\\/", "/"))
        if len(media) <= KEPT_CHARACTERS:
            return media
    kept = ""
    missing = 0
    start = 0
    while start < len(literal):
        end = _boundary(literal, start + (_CHUNK if kept else KEPT_CHARACTERS))
        try:
            piece = json.loads(f'"{literal[start:end]}"', strict=False)
        except ValueError:
            piece = literal[start:end]
        if kept:
            missing += len(piece.encode("utf-8", "replace"))
        else:
            kept = piece
        start = end
    return f"{kept}\ue000{missing}\ue001" if missing else kept


def _boundary(literal: str, position: int) -> int:
    """Return the first position from ``position`` on that is not inside an escape."""
    while position < len(literal) and "\\" in literal[position - _ESCAPE_LENGTH : position]:
        position += 1
    return min(position, len(literal))
