"""Cut a text to a size: its beginning and its end stay, and a mark between them says how much is missing.

The mark is ``[... 12345 bytes omitted ...]``, with the number of bytes of UTF-8 between the two ends. It counts towards
the limit, but is none of the text's bytes. Where it would leave fewer than :data:`SHORTEST_ENDS` bytes of the limit to
the text, the beginning alone is kept.
"""

from __future__ import annotations

from bisect import bisect_right
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.scanning.notes import NOTE, SIGN, missing_bytes, note_of, split_notes, utf8_bytes

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
    return sum(map(utf8_bytes, split_notes(text)[::2])) if SIGN in text else utf8_bytes(text)


def marked(text: str) -> str:
    """Return a text, or a JSON document, with marks in the place of its notes."""
    if SIGN not in text:
        return text
    pieces = split_notes(text)
    pieces[1::2] = [MARK.format(missing) for missing in pieces[1::2]]
    return "".join(pieces)


def cut(text: str, limit: int, measure: Callable[[str], int] = utf8_bytes) -> str:
    """Return a text of at most ``limit`` bytes, with a note of what is missing between its two ends.

    Args:
        text: Any text that UTF-8 can encode; notes in it stay whole, or are added to the one that covers their place.
        limit: Its bytes, the marks of all notes included.
        measure: What counts as its bytes: :func:`utf8_bytes` or :func:`json_bytes`.
    """
    start, missing, end = _ends(text, limit, measure)
    return f"{start}{note_of(missing)}{end}" if missing else start


def cut_with_mark(text: str, limit: int) -> tuple[str, int]:
    """Return a text cut as by :func:`cut`, with marks, and how many bytes of UTF-8 are its own."""
    start, missing, end = _ends(text, limit, utf8_bytes)
    kept = content_bytes(start) + content_bytes(end)
    return (f"{marked(start)}{MARK.format(missing)}{marked(end)}" if missing else marked(start)), kept


def _ends(text: str, limit: int, measure: Callable[[str], int]) -> tuple[str, int, str]:
    """Return what is kept of a text, and the bytes of UTF-8 between: 0 where there is nothing, or nothing to say it."""
    if len(text) <= limit and measure(text) <= limit:
        return text, 0, ""
    room = limit - len(MARK.format(content_bytes(text) + missing_bytes(text)))
    if room < SHORTEST_ENDS:
        return text[: _around_notes(text, _fitting(text, limit, measure), 0)[0]], 0, ""
    start = _fitting(text, room - room // 2, measure)
    end = len(text) - _fitting(text, room // 2, measure, is_from_end=True)
    start, end = _around_notes(text, start, end)
    between = text[start:end]
    return text[:start], content_bytes(between) + missing_bytes(between), text[end:]


def _fitting(text: str, room: int, measure: Callable[[str], int], *, is_from_end: bool = False) -> int:
    """Return how many characters have room, from the first on or back from the last."""
    fitting = 0
    while fitting < len(text):
        rest = len(text) - fitting
        block = text[max(rest - _BLOCK, 0) : rest] if is_from_end else text[fitting : fitting + _BLOCK]
        size = measure(block)
        if size > room:
            counts = range(1, len(block) + 1)
            return fitting + bisect_right(
                counts, room, key=lambda count: measure(block[-count:] if is_from_end else block[:count])
            )
        room -= size
        fitting += len(block)
    return fitting


def _around_notes(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the two ends of a cut moved out of the notes that it would go through, or touch."""
    if SIGN in text:
        spans = [match.span() for match in NOTE.finditer(text)]
        for first, last in reversed(spans):
            start = first if first < start <= last else start
        for first, last in spans:
            end = last if first <= end < last else end
    return start, end
