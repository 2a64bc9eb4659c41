"""What happens to writers when their process forks or ends.

One hook of each kind for the whole package: the hooks of ``os`` and ``atexit`` can't be taken back, and an application
may create and drop many processors.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import weakref
from typing import Protocol


class Writer(Protocol):
    """What the hooks call."""

    def after_fork_in_child(self) -> None:
        """Start from nothing in a forked child."""

    def at_exit(self) -> None:
        """Write what is queued, and close."""


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


def watch(writer: Writer) -> None:
    """Have a writer's hooks called, for as long as something else keeps it alive."""
    _writers.add(writer)


def watch_multiprocessing_exit(writer: Writer) -> None:
    """Have :meth:`Writer.at_exit` called when this process is a ``multiprocessing`` child that returns.

    Such a child ends by ``os._exit``, past ``atexit``, but runs the finalizers of ``multiprocessing.util``.
    """
    process = sys.modules.get("multiprocessing.process")
    util = sys.modules.get("multiprocessing.util")
    if process is None or util is None or process.parent_process() is None:
        return
    util.Finalize(None, _end, args=(weakref.ref(writer),), exitpriority=-1000)


def _end(reference: weakref.ref[Writer]) -> None:
    writer = reference()
    if writer is not None:
        writer.at_exit()


def _after_fork_in_child() -> None:
    for writer in list(_writers):
        writer.after_fork_in_child()


def _at_exit() -> None:
    for writer in list(_writers):
        with contextlib.suppress(KeyboardInterrupt):
            writer.at_exit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
