"""Replace base64 media by what is worth keeping of them: type, size and SHA-256."""

from __future__ import annotations

import base64
import binascii
import string
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.digests import sha256_hex
from otel_sqlite_exporter.scanning import patterns
from otel_sqlite_exporter.scanning.patterns import BARE_BASE64_CHARACTERS, BLOCK_CHARACTERS, SLICE

if TYPE_CHECKING:
    import re

_CHUNK: Final = 1 << 18
_FEW_SEMICOLONS: Final = 16
_MANY_CHANGES: Final = 0.35
"""Of each two neighbours in base64, two thirds are of different kinds; in words and paths, one in five at most."""

_KINDS: Final = str.maketrans(string.ascii_letters + string.digits, "a" * 26 + "A" * 26 + "0" * 10)


def replace_media(text: str) -> str:
    """Replace base64 media in a text by ``[type, size, sha256 ...]``, wherever they stand.

    They are ``data:`` URIs, and long rows of base64 characters, in one line or in the lines that encoders make.
    """
    if _may_hold_data_uri(text):
        text = _without_data_uris(text)
    if len(text) < BARE_BASE64_CHARACTERS:
        return text
    if patterns.BLOCK.match(text) and _looks_encoded(text, 0, len(text)) and _end_of_base64(text, 0) == len(text):
        return placeholder(None, decoded(text))
    if _dense_part(text, 0) < 0:
        return text
    return _without_rows(_without_data_uris(text) if ";BASE64," in text else text)


def may_hold_base64(text: str) -> bool:
    """Tell whether a text may hold a long row of base64: no if not, in a fraction of the time of a thorough look."""
    start = _dense_part(text, 0)
    while start >= 0:
        end = _end_of_word(text, start)
        if _has_block(text, start, end):
            return True
        start = _dense_part(text, end)
    return False


def may_name_base64(text: str) -> bool:
    """Tell whether a text says in any spelling that base64 follows, as a data URI does."""
    return ";" in text and ";base64," in text.lower()


def _may_hold_data_uri(text: str) -> bool:
    """Look at the first semicolons: to find one character takes a tenth of the time that a word takes."""
    if ";" not in text:  # in most texts, and this is less than a call
        return False
    position = text.find(";")
    for _ in range(_FEW_SEMICOLONS):
        if position < 0:
            return False
        if text[position + 1 : position + 8].lower() == "base64,":
            return True
        position = text.find(";", position + 1)
    return position >= 0 and text.find(";base64,", position) >= 0


def is_base64(text: str, *, is_certain: bool = True) -> bool:
    """Tell whether a whole text has the shape of base64: its characters in one line, or in an encoder's lines.

    Args:
        text: What stands where media are expected.
        is_certain: Whether nothing but base64 can be expected there; else the text must look encoded as well, unlike a
            long word, a path or a number.
    """
    text = text.strip("\r\n")
    if not text:
        return False
    end = _end_of_base64(text, 0)
    if end < len(text):
        end = _end_of_lines(text, 0, end)
    if end < len(text):
        return False
    return is_certain or _changes_kind(text[:BARE_BASE64_CHARACTERS])


def _changes_kind(text: str) -> bool:
    kinds = text.translate(_KINDS)
    changes = sum([first != second for first, second in pairwise(kinds)])
    return changes >= _MANY_CHANGES * (len(kinds) - 1)


def _end_of_base64(text: str, start: int) -> int:
    """Return where a row of base64 characters ends, its padding included."""
    end = _end_of_run(text, start, len(text))
    padding = patterns.PADDING.match(text, end) if end > start else None
    return end if padding is None else padding.end()


def _end_of_run(text: str, start: int, limit: int) -> int:
    position = start
    while position < limit:
        stop = min(position + SLICE, limit)
        match = patterns.BASE64_RUN.match(text, position, stop)
        if match is None or match.end() < stop:
            return position if match is None else match.end()
        position = stop
    return position


def _without_data_uris(text: str) -> str:
    pieces: list[str] = []
    copied = 0
    match = patterns.DATA_URI_HEAD.search(text)
    while match is not None:
        end = _end_of_lines(text, match.end(), _end_of_base64(text, match.end()))
        pieces += (text[copied : match.start()], placeholder(match[1], decoded(text[match.end() : end])))
        copied = end
        match = patterns.DATA_URI_HEAD.search(text, end)
    pieces.append(text[copied:])
    return "".join(pieces)


def _without_rows(text: str) -> str:
    pieces: list[str] = []
    copied = 0
    start = _dense_part(text, 0)
    while start >= 0:
        end = _end_of_word(text, start)
        row = _next_row(text, start, end) if _has_block(text, start, end) else -1
        while row >= 0:
            row_end = _end_of_lines(text, row, _end_of_base64(text, row))
            if row_end - row >= BARE_BASE64_CHARACTERS and _looks_encoded(text, row, row_end):
                pieces += (text[copied:row], placeholder(None, decoded(text[row:row_end])))
                copied = row_end
            row = _next_row(text, row_end, end)
        start = _dense_part(text, end)
    pieces.append(text[copied:])
    return "".join(pieces)


def _next_row(text: str, start: int, end: int) -> int:
    """Return where the next run begins that is long enough for a line of base64, -1 if nowhere."""
    while start < end:
        # A run that begins at the end of a slice is seen whole only in the next one.
        match = patterns.LINE_START.search(text, start, min(start + SLICE, end))
        if match is not None:
            return match.start()
        if start + SLICE >= end:
            return -1
        start += SLICE - patterns.SHORTEST_LINE
    return -1


def _dense_part(text: str, position: int) -> int:
    """Return where the next row of characters without a space begins that is long enough for media, -1 if nowhere.

    From one space to the last one within reach: a text of words is looked at once in a thousand characters.
    """
    last = len(text) - BARE_BASE64_CHARACTERS
    rfind = text.rfind
    while position <= last:
        space = rfind(" ", position, position + BARE_BASE64_CHARACTERS)
        if space < 0:
            return position
        position = space + 1
    return -1


def _end_of_word(text: str, start: int) -> int:
    end = text.find(" ", start)
    return len(text) if end < 0 else end


def _has_block(text: str, start: int, end: int) -> bool:
    return any(
        patterns.BLOCK.match(text, block) for block in range(start, end - BLOCK_CHARACTERS + 1, BLOCK_CHARACTERS)
    )


def _looks_encoded(text: str, start: int, end: int) -> bool:
    """Tell base64 from a line of dashes, a hexadecimal number or a word of any length."""
    end = min(end, start + BARE_BASE64_CHARACTERS)
    return all(sign.search(text, start, end) for sign in patterns.SIGNS_OF_BASE64)


def _end_of_lines(text: str, start: int, end: int) -> int:
    """Return where base64 ends of which one line is known.

    The lines of an encoder are all of one length, but for the last, and for the first after a ``data:`` prefix: other
    lines are text that follows.
    """
    following = patterns.NEXT_LINE.match(text, end)
    if following is None or end - start > patterns.LONGEST_LINE or text[end - 1] == "=":
        return end
    width = max(end - start, len(following[1]))
    if width < patterns.SHORTEST_LINE:
        return end
    length_of_break = following.start(1) - end
    lines_end = _end_of_equal_lines(text, end, width)
    characters = end - start + (lines_end - end) // (length_of_break + width) * width
    last = patterns.LAST_LINE.match(text, lines_end)
    if last is None or len(last[1]) > width or (characters + len(last[1]) + len(last[2])) % 4:
        return lines_end
    is_base64 = last[2] or patterns.END.match(text, last.end()) or _looks_encoded(text, *last.span(1))
    return last.end() if is_base64 else lines_end


_line_of = lru_cache(maxsize=patterns.LONGEST_LINE)(patterns.lines_of)


def _end_of_equal_lines(text: str, position: int, width: int) -> int:
    line: re.Pattern[str] = _line_of(width)
    match = line.match(text, position)
    while match is not None:
        position = match.end()
        match = line.match(text, position)
    return position


def decoded(encoded: str) -> bytes:
    """Return the bytes that base64 text of either alphabet stands for; what is no base64 counts as it is.

    It is decoded in pieces, because the decoder holds the GIL.
    """
    text = encoded.strip().rstrip("=")
    if "\n" in text or "\r" in text or "\\" in text:
        text = "".join([patterns.BREAKS.sub("", piece) for piece in _lines_in_pieces(text)])
    alphabet = b"-_" if "-" in text or "_" in text else None
    try:
        pieces = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
        return b"".join([base64.b64decode(piece + "=" * (-len(piece) % 4), altchars=alphabet) for piece in pieces])
    except (binascii.Error, ValueError):
        return encoded.encode("utf-8", "replace")


def _lines_in_pieces(text: str) -> list[str]:
    """Return a text in slices, none of which ends between a backslash and what it escapes."""
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = min(start + SLICE, len(text))
        end += text[end - 1] == "\\"
        pieces.append(text[start:end])
        start = end
    return pieces


def placeholder(mime_type: str | None, data: bytes) -> str:
    """Return what stands in a text for media."""
    return f"[{mime_type or 'binary'}, {len(data)} bytes, sha256 {sha256_hex(data)}]"


def is_placeholder(text: str) -> bool:
    """Tell whether a text is what :func:`placeholder` returns."""
    return patterns.PLACEHOLDER.fullmatch(text) is not None


def size_and_hash(content: str | bytes) -> tuple[int, str]:
    """Return the size and SHA-256 of media, given as bytes, as base64, or as the placeholder of either."""
    if isinstance(content, str):
        match = patterns.PLACEHOLDER.fullmatch(content)
        if match is not None:
            return int(match[1]), match[2]
        content = decoded(content)
    return len(content), sha256_hex(content)
