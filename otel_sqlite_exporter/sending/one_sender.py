"""Only one sender of a name: a lock that ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import os
import sys
import urllib.parse
from typing import TYPE_CHECKING

from otel_sqlite_exporter.sending.failures import SendingError

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def only_sender(path: str, name: str) -> Iterator[None]:
    """Keep other senders of the same name away from a file.

    The lock is a file beside it, which is deleted at the end; one that a killed process left behind locks nothing.

    Args:
        path: The recorded file.
        name: The outbox's name.

    Raises:
        SendingError: There is another one.
        OSError: The file beside it can't be made.
    """
    place = f"{path}-outbox-{urllib.parse.quote(name, safe='')}"
    descriptor = _locked(place, name)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(place)  # noqa: PTH108 - while it is locked: whoever waits for it looks again
        os.close(descriptor)


def _locked(place: str, name: str) -> int:
    while True:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            raise SendingError(
                f"another process sends as {name!r} already; end it, or give this one a name of its own (--name)"
            ) from None
        if _is_same(place, descriptor):
            return descriptor
        os.close(descriptor)  # the one before deleted it meanwhile


def _is_same(place: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(place), os.fstat(descriptor))  # noqa: PTH116 - beside fstat
    except OSError:
        return False
