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
from typing import Final, Protocol

_CHILD_FRAMEWORKS: Final = ("multiprocessing", "billiard")


class HookedWriter(Protocol):
    """What the hooks call."""

    def before_fork(self) -> None:
        """Close the file, so that the child inherits nothing of it; wait for that for a bounded time at most."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Start from nothing in a forked child."""

    def at_exit(self) -> None:
        """Write what is queued, and close."""


_writers: weakref.WeakSet[HookedWriter] = weakref.WeakSet()


def watch(writer: HookedWriter) -> None:
    """Have a writer's hooks called, for as long as something else keeps it alive."""
    _writers.add(writer)


def watch_multiprocessing_exit(writer: HookedWriter) -> None:
    """Have :meth:`HookedWriter.at_exit` called when this process is a ``multiprocessing`` child that returns.

    Such a child ends by ``os._exit``, past ``atexit``, but runs the finalizers of ``multiprocessing.util``. Celery's
    workers do the same with ``billiard``, a fork of it; but one that has worked on as many tasks as it may says so to
    its parent, which kills it. What it still calls is Celery's own signal.
    """
    for framework in _CHILD_FRAMEWORKS:
        process = sys.modules.get(f"{framework}.process")
        util = sys.modules.get(f"{framework}.util")
        if process is not None and util is not None and process.current_process()._parent_pid is not None:  # noqa: SLF001 - billiard has no parent_process()
            util.Finalize(None, _end, args=(weakref.ref(writer),), exitpriority=-1000)
    celery = sys.modules.get("celery.signals")
    if celery is not None:
        reference = weakref.ref(writer)
        celery.worker_process_shutdown.connect(lambda **_: _end(reference), weak=False, dispatch_uid=_celery_id(writer))


def _celery_id(writer: HookedWriter) -> str:
    return f"otel-sqlite-exporter {id(writer)}"


def _end(reference: weakref.ref[HookedWriter]) -> None:
    writer = reference()
    if writer is not None:
        writer.at_exit()


def _before_fork() -> None:
    for writer in list(_writers):
        writer.before_fork()


def _after_fork_in_parent() -> None:
    for writer in list(_writers):
        writer.after_fork_in_parent()


def _after_fork_in_child() -> None:
    for writer in list(_writers):
        writer.after_fork_in_child()


def _at_exit() -> None:
    for writer in list(_writers):
        with contextlib.suppress(KeyboardInterrupt):
            writer.at_exit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
