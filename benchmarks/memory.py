"""What recording keeps in memory: with a full queue, and in steady state."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.report import Figure
from benchmarks.workloads import ended_spans, short_chat
from otel_sqlite_exporter import SQLiteSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

_QUEUE: Final = 512
_MEBIBYTE: Final = 1 << 20


def run(*, quick: bool) -> list[Figure]:
    """Measure resident memory in processes of their own."""
    rounds = 4 if quick else 20
    held, queued = _in_child(_full_queue, rounds)
    first, last = _in_child(_steady, rounds)
    return [
        Figure("memory", "resident growth with a full queue, beyond the spans themselves", queued - held, "MiB"),
        Figure("memory", f"resident growth from 2,000 to {2000 + rounds * 2000:,} spans", last - first, "MiB"),
    ]


def _full_queue(directory: Path, _rounds: int) -> tuple[float, float]:
    """Lock the file, and queue as many spans as fit."""
    processor = SQLiteSpanProcessor(directory / "full.db")
    processor.on_end(ended_spans(short_chat, 1)[0])
    processor.force_flush()
    spans = ended_spans(short_chat, 2 * _QUEUE)
    locker = sqlite3.connect(directory / "full.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    held = _resident()
    for span in spans:
        processor.on_end(span)
    queued = _resident()
    locker.execute("ROLLBACK")
    processor.shutdown()
    return held, queued


def _steady(directory: Path, rounds: int) -> tuple[float, float]:
    processor = SQLiteSpanProcessor(directory / "steady.db")
    marks = []
    for _ in range(rounds + 1):
        for _ in range(2000 // 250):
            for span in ended_spans(short_chat, 250):
                processor.on_end(span)
            processor.force_flush()
        gc.collect()
        marks.append(_resident())
    processor.shutdown()
    return marks[0], marks[-1]


def _resident() -> float:
    """Return the resident memory in MiB; where there is no /proc, the most there ever was."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / _MEBIBYTE
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (_MEBIBYTE if sys.platform == "darwin" else 1024)


def _in_child(measure: Callable[[Path, int], tuple[float, float]], rounds: int) -> tuple[float, float]:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(sender, measure, rounds))
    child.start()
    before, after = receiver.recv()
    child.join()
    return before, after


def _send(sender: Connection, measure: Callable[[Path, int], tuple[float, float]], rounds: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        sender.send(measure(Path(directory), rounds))
