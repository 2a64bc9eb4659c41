"""SIGTERM: write what is queued, and then let happen what would have happened without us."""

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
    """A handler of SIGTERM.

    Whatever the application, or a server that it runs under, does about SIGTERM stays in force. The default action,
    which ends a process without ``atexit``, comes after what is queued is written. A handler of somebody else's runs as
    before; that is the beginning of an end of which nothing tells when it will be over: uvicorn finishes its requests,
    puts the default action back and raises the signal again.

    Args:
        end: Writes what is queued, within a bounded time.
        hasten: Has everything from now on written as soon as it ends. Called in the middle of other code.
    """

    def __init__(self, end: Callable[[], None], hasten: Callable[[], None]) -> None:
        self._end = end
        self._hasten = hasten
        self._theirs: Callable[[int, FrameType | None], object] | None = None

    def watch(self) -> bool:
        """Handle SIGTERM from now on; return whether that was possible: in the main thread of the interpreter."""
        if threading.current_thread() is not threading.main_thread():
            return False
        try:
            present = signal.getsignal(signal.SIGTERM)
            if present == self._handle:
                return True
            if present is signal.SIG_IGN or present is None:  # asked not to end, or handled outside of Python
                return False
            signal.signal(signal.SIGTERM, self._handle)
        except ValueError:  # not the main interpreter
            return False
        self._theirs = present if callable(present) else None
        return True

    def leave(self) -> None:
        """Put back what was there, unless somebody else has a handler by now."""
        with contextlib.suppress(ValueError):
            if signal.getsignal(signal.SIGTERM) == self._handle:
                signal.signal(signal.SIGTERM, self._theirs or signal.SIG_DFL)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._theirs is not None:
            with contextlib.suppress(Exception):
                self._hasten()
            self._theirs(number, frame)
            return
        with contextlib.suppress(Exception):  # whatever fails, the process has been asked to die
            self._end()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._handle)  # only process 1 of a container gets here: the default leaves it alive
