"""Replace base64 media by what is worth keeping of them: type, size and SHA-256."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Final

BARE_BASE64_CHARACTERS: Final = 1024
"""A text of so many base64 characters and nothing else is taken for media without a ``data:`` prefix."""

_CHUNK: Final = 1 << 20
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[\w.+-]+)*;base64,([A-Za-z0-9+/_-]+={0,2})")
_PLACEHOLDER = re.compile(r"\[[\w.+/-]+, (\d+) bytes, sha256 ([0-9a-f]{64})\]")
_BASE64_HEAD = re.compile(r"[A-Za-z0-9+/_-]{1024}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{1024,}={0,2}")


def replace_media(text: str) -> str:
    """Replace base64 media in a text, ``data:`` URIs wherever they stand, by ``[type, size, sha256 ...]``."""
    if ";base64," in text:
        text = _DATA_URI.sub(lambda match: placeholder(match[1], decoded(match[2])), text)
    if len(text) >= BARE_BASE64_CHARACTERS and _BASE64_HEAD.match(text) and _BASE64.fullmatch(text):
        return placeholder(None, decoded(text))
    return text


def decoded(encoded: str) -> bytes:
    """Return the bytes that base64 text of either alphabet stands for; what is no base64 counts as it is.

    It is decoded in pieces, because the decoder holds the GIL.
    """
    text = encoded.strip().rstrip("=")
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
