"""Clocks and statistics. Everything is measured in rounds in which the peers take turns, because machines are noisy."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a directory that is removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="otel-sqlite-bench-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share (0 to 1) of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return percentile(values, 0.5)


def interleaved(peers: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run each peer once per round and return what each returned, round by round."""
    results: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, run in peers.items():
            results[name].append(run())
    return results


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the processor time that the calling thread spends on some work."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def gil_held_seconds(work: Callable[[], object]) -> float:
    """Return for how long a thread that wants to run is kept from running while the caller works.

    Such a thread spins meanwhile. What it lacks in processor time is what it waited for the GIL, and for a processor:
    run it with two free ones, several times, and take the least.
    """
    stop = False
    used = [0.0, 0.0]

    def spin() -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        while not stop:
            pass
        used[:] = time.perf_counter() - wall, time.thread_time() - cpu

    spinner = threading.Thread(target=spin)
    spinner.start()
    work()
    stop = True
    spinner.join()
    wall, cpu = used
    return max(wall - cpu, 0.0)
