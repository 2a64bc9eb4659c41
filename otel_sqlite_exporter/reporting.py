"""Log lines about trouble: one when it starts, one when it ends, and few in between."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Final

_logger = logging.getLogger("otel_sqlite_exporter")

_REPEAT_AFTER_SECONDS: Final = 60.0


class TroubleLog:
    """Log each kind of trouble once, again every 60 seconds while it lasts, and once when it is over.

    Logging runs handlers of the application's, so only the exporter thread calls this, never ``on_end``, and a handler
    that raises stops nothing.
    """

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}

    def trouble(self, kind: str, message: str, *args: object) -> None:
        """Log a warning, unless one of this kind was logged in the last 60 seconds."""
        now = time.monotonic()
        last = self._logged.get(kind)
        if last is None or now - last >= _REPEAT_AFTER_SECONDS:
            self._logged[kind] = now
            with contextlib.suppress(Exception):
                _logger.warning(message, *args)

    def over(self, kind: str, message: str, *args: object) -> None:
        """Log that a kind of trouble has ended, if it was logged at all."""
        if self._logged.pop(kind, None) is not None:
            with contextlib.suppress(Exception):
                _logger.warning(message, *args)

    def is_reported(self, kind: str) -> bool:
        """Tell whether a kind of trouble was logged and is not over."""
        return kind in self._logged
