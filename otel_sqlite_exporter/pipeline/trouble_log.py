"""Log lines about trouble: one when it starts, one when it ends, and few in between."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

_logger = logging.getLogger("otel_sqlite_exporter")

_REPEAT_AFTER_SECONDS: Final = 60.0


def warn(message: str, *args: object) -> None:
    """Log a warning, whatever handlers do with it.

    When the interpreter or a test ends, the streams of handlers may be closed, as pytest's are, and logging would print
    a traceback for each line.
    """
    is_verbose = logging.raiseExceptions
    if not threading.main_thread().is_alive() or _is_a_stream_closed():
        logging.raiseExceptions = False
    try:
        _logger.warning(message, *args)
    except Exception:  # noqa: BLE001, S110 - a handler's fault, and there is nobody to tell
        pass
    finally:
        logging.raiseExceptions = is_verbose


def _is_a_stream_closed() -> bool:
    """Tell whether a handler that a line of ours would reach writes to a stream that is closed."""
    logger: logging.Logger | None = _logger
    while logger is not None:
        if any(getattr(getattr(handler, "stream", None), "closed", False) for handler in list(logger.handlers)):
            return True
        logger = logger.parent if logger.propagate else None
    return False


class TroubleLog:
    """Log each kind of trouble once, and once when it is over; again after 60 seconds if it lasts or has come back.

    Logging runs handlers of the application's, so neither ``on_end`` nor anything else that an application waits for
    calls this, except a shutdown. A handler that raises stops nothing.
    """

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._reported: set[str] = set()

    def trouble(self, kind: str, message: str, *args: object) -> bool:
        """Log a warning, unless one of this kind was logged in the last 60 seconds; return whether it was logged."""
        now = time.monotonic()
        last = self._last.get(kind)
        if last is not None and now - last < _REPEAT_AFTER_SECONDS:
            return False
        self._last[kind] = now
        self._reported.add(kind)
        warn(message, *args)
        return True

    def over(self, kind: str, message: str, *args: object) -> bool:
        """Log that a kind of trouble has ended, if it was logged at all; return whether it was."""
        if kind not in self._reported:
            return False
        self._reported.discard(kind)
        warn(message, *args)
        return True
