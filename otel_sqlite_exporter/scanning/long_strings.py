"""Shorten the long strings in a JSON text before it is decoded.

A decoder holds the GIL for as long as it works: a prompt with a 10 MB image in it would stop every other thread for
tens of milliseconds. The strings are found in steps that each give the GIL back, and the long ones are replaced by
their beginning and a note of how much is missing, which :func:`split_note` reads when lengths are recorded.
"""

from __future__ import annotations

import json
import re
from typing import Final

from otel_sqlite_exporter.scanning.base64_media import replace_media

KEPT_CHARACTERS: Final = 256 * 1024
"""How many characters of a long string are kept, at least."""

_LONGEST_ESCAPE: Final = 6  # \\uXXXX
_SURROGATE_PAIR: Final = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]")
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
    """Return the first position from ``position`` on that is not inside an escape, or between the two of a pair."""
    # An escape that reaches across the position begins shortly before it, at a backslash that is not itself escaped.
    start = literal.rfind("\\", max(position - _LONGEST_ESCAPE, 0), position)
    if start < 0:
        return min(position, len(literal))
    first = start
    while first > 0 and literal[first - 1] == "\\":
        first -= 1
    if (start - first) % 2 == 1:  # the second half of an escaped backslash
        return min(position, len(literal))
    end = start + (_LONGEST_ESCAPE if literal[start + 1 : start + 2] == "u" else 2)
    if _SURROGATE_PAIR.match(literal, start):
        end = start + 2 * _LONGEST_ESCAPE
    return min(max(end, position), len(literal))
