"""A request to stop, which may come from a signal's handler."""

from __future__ import annotations

import time
from typing import Final

from otel_sqlite_exporter.sending.failures import StoppedError

_SLICE_SECONDS: Final = 0.1


class Stop:
    """Whether somebody asked to stop.

    A plain attribute: a handler that runs in the midst of ``threading.Event.wait`` must not call ``set``.
    """

    def __init__(self) -> None:
        self.is_asked = False

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond a request to stop.

        Raises:
            StoppedError: Somebody asked to stop.
        """
        deadline = time.monotonic() + seconds
        while True:
            if self.is_asked:
                raise StoppedError
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, _SLICE_SECONDS))
