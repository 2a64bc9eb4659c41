"""Digests of texts and media of any length, made without giving the GIL away.

``hashlib`` gives it away for 2 KiB and more at once. A busy thread takes it then and keeps it for a turn of 5 ms, where
hashing a prompt takes 10 us: such an application had a third of its long prompts recorded (``python -m benchmarks
kept``).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_SLICE: Final = 2047


def blake2b_16(data: bytes) -> bytes:
    """Return the BLAKE2b digest of 16 bytes."""
    if len(data) <= _SLICE:
        return hashlib.blake2b(data, digest_size=16).digest()
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest.update, data)
    return digest.digest()


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 digest as hex digits."""
    digest = hashlib.sha256()
    _feed(digest.update, data)
    return digest.hexdigest()


def _feed(update: Callable[[bytes], None], data: bytes) -> None:
    for start in range(0, len(data), _SLICE):
        update(data[start : start + _SLICE])
