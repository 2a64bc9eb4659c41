"""Shorten the long strings in a JSON text before it is decoded.

A decoder holds the GIL for as long as it works: a prompt with a 10 MB image in it would stop every other thread for
tens of milliseconds. The strings are found in steps that each give the GIL back, and the long ones are replaced by
their beginning and their end, with a note between them of how much is missing (``notes``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.scanning.base64_media import replace_media
from otel_sqlite_exporter.scanning.notes import note_of, utf8_bytes
from otel_sqlite_exporter.scanning.patterns import SURROGATE_PAIR

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT_CHARACTERS: Final = 256 * 1024
"""How many characters of a long string are kept, as they stand in JSON: half of them from its end."""

_LONGEST_ESCAPE: Final = 6  # \\uXXXX
_CHUNK: Final = 1 << 18
_FEW: Final = 64


def shorten_json(text: str) -> str:
    """Return a JSON text in which media are placeholders and other long strings are cut and carry a note.

    Text that is no JSON comes back in some form, and is still none.
    """
    pieces: list[str] = []
    copied = 0
    quotes = _quotes(text)
    for start in quotes:
        end = next(quotes, -1)
        if end - start > KEPT_CHARACTERS:
            pieces += (text[copied:start], json.dumps(_shortened(text[start + 1 : end]), ensure_ascii=False))
            copied = end + 1
    pieces.append(text[copied:])
    return "".join(pieces)


def _quotes(text: str) -> Iterator[int]:
    """Give the position of each quote that begins or ends a string.

    In a chunk that begins outside of an escape, pairs of backslashes and then escaped quotes are blotted out: to look
    at what stands before each quote took a microsecond for every quote in a document that is a string itself.
    """
    start = 0
    while start < len(text):
        end = _boundary(text, start, min(start + _CHUNK, len(text)))
        chunk = text[start:end]
        if "\\" in chunk:
            chunk = chunk.replace("\\\\", "__").replace('\\"', "__")
        quote = chunk.find('"')
        while quote >= 0:
            yield start + quote
            quote = chunk.find('"', quote + 1)
        start = end


def _backslashes(text: str, start: int, end: int) -> int:
    """Return how many backslashes stand before ``end``, ``start`` being outside of any escape."""
    width = _FEW
    while True:
        part = text[max(end - width, start) : end]
        count = len(part) - len(part.rstrip("\\"))
        if count < width:
            return count
        width *= _FEW


def _shortened(literal: str) -> str:
    """Return what stands for the inside of a long string literal."""
    literal = replace_media(literal if "\\\\" in literal else literal.replace("\\/", "/"))
    if len(literal) <= KEPT_CHARACTERS:
        return _decoded(literal)
    position = first = _boundary(literal, 0, KEPT_CHARACTERS // 2)
    last = len(literal) - KEPT_CHARACTERS // 2
    missing = 0
    while position < last:
        end = _boundary(literal, position, min(position + _CHUNK, last))
        missing += utf8_bytes(_decoded(literal[position:end]))
        position = end
    return f"{_decoded(literal[:first])}{note_of(missing) if missing else ''}{_decoded(literal[position:])}"


def _decoded(literal: str) -> str:
    """Return what a part of a string literal stands for; what is no JSON counts as it is."""
    if "\\" not in literal:
        return literal
    try:
        return str(json.loads(f'"{literal}"', strict=False))
    except ValueError:
        return literal


def _boundary(literal: str, start: int, position: int) -> int:
    """Return the first position from ``position`` on that is not inside an escape, or between the two of a pair.

    Args:
        literal: The inside of a string literal.
        start: Where no escape is under way.
        position: Not before ``start``.
    """
    # An escape that reaches across the position begins shortly before it, at a backslash that is not itself escaped.
    escape = literal.rfind("\\", max(position - _LONGEST_ESCAPE, start), position)
    if escape < 0 or _backslashes(literal, start, escape) % 2 == 1:  # none, or the second half of an escaped backslash
        return min(position, len(literal))
    end = escape + (_LONGEST_ESCAPE if literal[escape + 1 : escape + 2] == "u" else 2)
    if SURROGATE_PAIR.match(literal, escape):
        end = escape + 2 * _LONGEST_ESCAPE
    return min(max(end, position), len(literal))
