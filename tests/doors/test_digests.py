"""Digests are the usual ones, and are made without giving the GIL away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from otel_sqlite_exporter.digests import blake2b_16, sha256_hex

# hashlib gives the GIL away for so much at once (HASHLIB_GIL_MINSIZE in CPython).
_GIVEN_AWAY = 2048


@pytest.mark.parametrize("size", [0, 1, 2046, 2047, 2048, 2049, 4094, 4095, 6141, 100_000])
def test_digests_of_any_length_are_hashlibs_own(size: int) -> None:
    """They are in files already, and others compute them as well."""
    data = bytes(number % 251 for number in range(size))
    assert blake2b_16(data) == hashlib.blake2b(data, digest_size=16).digest()
    assert sha256_hex(data) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(("name", "digest"), [("blake2b", blake2b_16), ("sha256", sha256_hex)])
def test_no_more_is_hashed_at_once_than_the_gil_is_kept_for(
    monkeypatch: pytest.MonkeyPatch, name: str, digest: Callable[[bytes], object]
) -> None:
    """A busy thread would take it at each long prompt, and keep it for milliseconds."""
    sizes: list[int] = []
    real = getattr(hashlib, name)

    class Watched:
        def __init__(self, data: bytes = b"", **options: int) -> None:
            self._real = real(**options)
            self.update(data)
            self.digest, self.hexdigest = self._real.digest, self._real.hexdigest

        def update(self, data: bytes) -> None:
            sizes.append(len(data))
            self._real.update(data)

    monkeypatch.setattr(hashlib, name, Watched)
    data = bytes(10_000)
    assert digest(data) == digest(data)
    assert digest(data[:_GIVEN_AWAY]) != digest(data)
    assert sum(sizes) == 3 * len(data) + _GIVEN_AWAY
    assert max(sizes) < _GIVEN_AWAY
