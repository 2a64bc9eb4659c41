"""Tell a forked child from its parent for the price of reading one byte."""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import Protocol


class ForkMark(Protocol):
    """Something whose first item is 1 in the process that made it, and 0 in a child forked from that."""

    def __getitem__(self, index: int, /) -> int:
        """Return 1 or 0 for index 0."""


class _PidMark:
    """Compare process ids: a system call each time, where the kernel offers nothing better."""

    __slots__ = ("_pid",)

    def __init__(self) -> None:
        self._pid = os.getpid()

    def __getitem__(self, index: int, /) -> int:
        return self._pid == os.getpid()


def fork_mark() -> ForkMark:
    """Return a mark of this process.

    Where there is no fork hook, as under uWSGI, only looking tells; ``on_end`` looks at every span, and ``os.getpid``
    was a tenth of its time (``python -m benchmarks on_end``). Linux can zero a page in forked children.
    """
    advice = getattr(mmap, "MADV_WIPEONFORK", None)
    if advice is not None:
        with contextlib.suppress(OSError):
            page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            page.madvise(advice)
            page[0] = 1
            return page
    return _PidMark()
