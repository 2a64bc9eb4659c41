"""SIGTERM: write what is queued, then die by it as if nothing had been in between."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


class Termination:
    """A handler of SIGTERM where there is none.

    Whatever the application, or a server that it runs under, does about SIGTERM stays in force: only the default
    action, which ends a process without ``atexit``, is replaced.

    Args:
        end: Writes what is queued, within a bounded time.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def watch(self) -> bool:
        """Handle SIGTERM from now on; return whether that was possible: in the main thread, in place of the default."""
        if threading.current_thread() is not threading.main_thread():
            return False
        try:
            if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
                return False
            signal.signal(signal.SIGTERM, self._handle)
        except ValueError:  # not the main interpreter
            return False
        return True

    def leave(self) -> None:
        """Put the default action back, unless somebody else has a handler by now."""
        with contextlib.suppress(ValueError):
            if signal.getsignal(signal.SIGTERM) == self._handle:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(Exception):  # whatever fails, the process has been asked to die
            self._end()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._handle)  # only process 1 of a container gets here: the default leaves it alive
