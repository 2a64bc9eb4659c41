"""Cut a text to a size: its beginning and its end stay, and a mark between them says how much is missing.

The mark is ``[... 12345 bytes omitted ...]``, with the number of bytes of UTF-8 between the two ends. It counts towards
the limit, but is none of the text's bytes. Where it would leave fewer than :data:`SHORTEST_ENDS` bytes of the limit to
the text, the beginning alone is kept.
"""

from __future__ import annotations

from bisect import bisect_right
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.scanning.notes import NOTE, SIGN, missing_bytes, note_of, utf8_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

MARK: Final = "[... {} bytes omitted ...]"
"""What is stored in the place of what was cut out."""

SHORTEST_ENDS: Final = 16
"""Bytes of beginning and end together without which a mark is not worth its place."""

_BLOCK: Final = 2048


def json_bytes(text: str) -> int:
    """Return the length of a text within a JSON string, as UTF-8, escapes included."""
    return utf8_bytes(encode_basestring(text)) - 2


def content_bytes(text: str) -> int:
    """Return the length of a text as UTF-8, without its notes."""
    return sum(map(utf8_bytes, NOTE.split(text)[::2])) if SIGN in text else utf8_bytes(text)


def marked(text: str) -> str:
    """Return a text, or a JSON document, with marks in the place of its notes."""
    return NOTE.sub(lambda match: MARK.format(match[1]), text) if SIGN in text else text


def cut(text: str, limit: int, measure: Callable[[str], int] = utf8_bytes) -> str:
    """Return a text of at most ``limit`` bytes, with a note of what is missing between its two ends.

    Args:
        text: Any text that UTF-8 can encode; notes in it stay whole, or are added to the one that covers their place.
        limit: Its bytes, marks included.
        measure: What counts as its bytes: :func:`utf8_bytes` or :func:`json_bytes`.
    """
    if len(text) <= limit and measure(text) <= limit:
        return text
    room = limit - len(MARK.format(content_bytes(text) + missing_bytes(text)))
    if room < SHORTEST_ENDS:
        return text[: _around_notes(text, _fitting(text, limit, measure), 0)[0]]
    start = _fitting(text, room - room // 2, measure)
    end = len(text) - _fitting(text[-room:][::-1], room // 2, measure)
    start, end = _around_notes(text, start, end)
    between = text[start:end]
    return f"{text[:start]}{note_of(content_bytes(between) + missing_bytes(between))}{text[end:]}"


def _fitting(text: str, room: int, measure: Callable[[str], int]) -> int:
    """Return how many characters from the first on have room."""
    position = 0
    while position < len(text):
        block = text[position : position + _BLOCK]
        size = measure(block)
        if size > room:
            return position + bisect_right(range(1, len(block) + 1), room, key=lambda count: measure(block[:count]))
        room -= size
        position += len(block)
    return position


def _around_notes(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the two ends of a cut moved out of the notes that it would go through, or touch."""
    if SIGN in text:
        spans = [match.span() for match in NOTE.finditer(text)]
        for first, last in reversed(spans):
            start = first if first < start <= last else start
        for first, last in spans:
            end = last if first <= end < last else end
    return start, end
