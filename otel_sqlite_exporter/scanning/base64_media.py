"""Replace base64 media by what is worth keeping of them: type, size and SHA-256."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

BARE_BASE64_CHARACTERS: Final = 1024
"""So many base64 characters in a row are taken for media, without a ``data:`` prefix as well."""

_CHUNK: Final = 1 << 20
_BLOCK_CHARACTERS: Final = BARE_BASE64_CHARACTERS // 2  # a row of base64 then covers a whole one of a text's blocks
_FEW_SEMICOLONS: Final = 16
_SHORTEST_LINE: Final = 60
_LONGEST_LINE: Final = 76

_CHARACTER: Final = "[A-Za-z0-9+/_-]"
_BREAK: Final = r"(?:\r?\n|(?:\\r)?\\n)"  # as it is, or as JSON writes it
_DATA_URI = re.compile(
    r"[dD][aA][tT][aA]:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[\w.+-]+)*;(?i:base64),"
    rf"(?:[ \r\n]{{1,2}}(?={_CHARACTER}{{{_SHORTEST_LINE}}}))?({_CHARACTER}+={{0,2}})"
)
_PLACEHOLDER = re.compile(r"\[[\w.+/-]+, (\d+) bytes, sha256 ([0-9a-f]{64})\]")
_BASE64_HEAD = re.compile(rf"{_CHARACTER}{{{BARE_BASE64_CHARACTERS}}}")
_BASE64 = re.compile(rf"{_CHARACTER}{{{BARE_BASE64_CHARACTERS},}}={{0,2}}")
_BLOCK = re.compile(rf"[A-Za-z0-9+/_\-\r\n\\]{{{_BLOCK_CHARACTERS}}}")
_LINE = re.compile(rf"(?:(?<=\\[nrt])|(?<![A-Za-z0-9+/_\\-])){_CHARACTER}{{{_SHORTEST_LINE},}}={{0,2}}")
_NEXT_LINE = re.compile(rf"{_BREAK}({_CHARACTER}{{1,{_LONGEST_LINE}}})(?!{_CHARACTER})")
_LAST_LINE = re.compile(rf"{_BREAK}({_CHARACTER}{{1,{_LONGEST_LINE}}})(?!{_CHARACTER})(={{0,2}})")
_END = re.compile(r"[\r\n\"'<>)\]}\\`]|\Z")
_SIGNS_OF_BASE64 = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"))
_BREAKS = re.compile(r"\\[nr]|\s")


def replace_media(text: str) -> str:
    """Replace base64 media in a text by ``[type, size, sha256 ...]``, wherever they stand.

    They are ``data:`` URIs, and long rows of base64 characters, in one line or in the lines that encoders make.
    """
    if _may_hold_data_uri(text):
        text = _without_data_uris(text)
    if len(text) < BARE_BASE64_CHARACTERS:
        return text
    if _BASE64_HEAD.match(text) and _BASE64.fullmatch(text):
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


def _may_hold_data_uri(text: str) -> bool:
    """Look at the first semicolons: to find one character takes a tenth of the time that a word takes."""
    position = text.find(";")
    for _ in range(_FEW_SEMICOLONS):
        if position < 0:
            return False
        if text[position + 1 : position + 8].lower() == "base64,":
            return True
        position = text.find(";", position + 1)
    return position >= 0 and text.find(";base64,", position) >= 0


def _without_data_uris(text: str) -> str:
    pieces: list[str] = []
    copied = 0
    for match in _DATA_URI.finditer(text):
        end = _end_of_lines(text, match.start(2), match.end(2))
        pieces += (text[copied : match.start()], placeholder(match[1], decoded(text[match.start(2) : end])))
        copied = end
    pieces.append(text[copied:])
    return "".join(pieces)


def _without_rows(text: str) -> str:
    pieces: list[str] = []
    copied = 0
    start = _dense_part(text, 0)
    while start >= 0:
        end = _end_of_word(text, start)
        match = _LINE.search(text, start, end) if _has_block(text, start, end) else None
        while match is not None:
            row_end = _end_of_lines(text, match.start(), match.end())
            if row_end - match.start() >= BARE_BASE64_CHARACTERS and _looks_encoded(text, match.start(), row_end):
                pieces += (text[copied : match.start()], placeholder(None, decoded(text[match.start() : row_end])))
                copied = row_end
            match = _LINE.search(text, row_end, end)
        start = _dense_part(text, end)
    pieces.append(text[copied:])
    return "".join(pieces)


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
    return any(_BLOCK.match(text, block) for block in range(start, end - _BLOCK_CHARACTERS + 1, _BLOCK_CHARACTERS))


def _looks_encoded(text: str, start: int, end: int) -> bool:
    """Tell base64 from a line of dashes, a hexadecimal number or a word of any length."""
    end = min(end, start + BARE_BASE64_CHARACTERS)
    return all(sign.search(text, start, end) for sign in _SIGNS_OF_BASE64)


def _end_of_lines(text: str, start: int, end: int) -> int:
    """Return where base64 ends of which one line is known.

    The lines of an encoder are all of one length, but for the last, and for the first after a ``data:`` prefix: other
    lines are text that follows.
    """
    following = _NEXT_LINE.match(text, end)
    if following is None or end - start > _LONGEST_LINE or text[end - 1] == "=":
        return end
    width = max(end - start, len(following[1]))
    if width < _SHORTEST_LINE:
        return end
    length_of_break = following.start(1) - end
    lines_end = _lines_of(width)(text, end)
    characters = end - start + (lines_end - end) // (length_of_break + width) * width
    last = _LAST_LINE.match(text, lines_end)
    if last is None or len(last[1]) > width or (characters + len(last[1]) + len(last[2])) % 4:
        return lines_end
    is_base64 = last[2] or _END.match(text, last.end()) or _looks_encoded(text, *last.span(1))
    return last.end() if is_base64 else lines_end


@lru_cache
def _lines_of(width: int) -> Callable[[str, int], int]:
    """Return what finds the end of lines of one length."""
    lines = re.compile(rf"(?:{_BREAK}{_CHARACTER}{{{width}}}(?!{_CHARACTER}))*")

    def end_of(text: str, position: int) -> int:
        match = lines.match(text, position)
        return position if match is None else match.end()

    return end_of


def decoded(encoded: str) -> bytes:
    """Return the bytes that base64 text of either alphabet stands for; what is no base64 counts as it is.

    It is decoded in pieces, because the decoder holds the GIL.
    """
    text = encoded.strip().rstrip("=")
    if "\n" in text or "\r" in text or "\\" in text:
        text = _BREAKS.sub("", text)
    alphabet = b"-_" if "-" in text or "_" in text else None
    try:
        pieces = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
        return b"".join([base64.b64decode(piece + "=" * (-len(piece) % 4), altchars=alphabet) for piece in pieces])
    except (binascii.Error, ValueError):
        return encoded.encode("utf-8", "replace")


def placeholder(mime_type: str | None, data: bytes) -> str:
    """Return what stands in a text for media."""
    return f"[{mime_type or 'binary'}, {len(data)} bytes, sha256 {sha256(data)}]"


def size_and_hash(content: str | bytes) -> tuple[int, str]:
    """Return the size and SHA-256 of media, given as bytes, as base64, or as the placeholder of either."""
    if isinstance(content, str):
        match = _PLACEHOLDER.fullmatch(content)
        if match is not None:
            return int(match[1]), match[2]
        content = decoded(content)
    return len(content), sha256(content)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of media as hex digits."""
    return hashlib.sha256(data).hexdigest()
