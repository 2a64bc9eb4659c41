"""How much memory recording takes, at its worst and in the long run."""

from __future__ import annotations

import gc
import logging
import time
from typing import Final

from benchmarks.measure import scratch
from benchmarks.processes import in_new_process, resident_bytes
from benchmarks.report import Figure
from benchmarks.stream import distinct_spans
from benchmarks.workloads import chat_attributes, message, prose
from otel_sqlite_exporter import SQLiteSpanProcessor

_CAPACITY: Final = 512
_NEVER: Final = 3_600_000
_MEBIBYTE: Final = 1 << 20
_RATE: Final = 1500


def run(*, quick: bool) -> list[Figure]:
    """Measure resident memory, each time in a new process."""
    figures = []
    for name, characters in (("2 kB", 2000), ("100 kB", 100_000)):
        grown = in_new_process(_full_queue, characters)
        text = _CAPACITY * characters / _MEBIBYTE
        figures.append(
            Figure("memory", f"growth, {_CAPACITY} queued spans of {name}", grown, "MiB", text, "the text itself")
        )
    steps = (2000, 6000) if quick else (10_000, 60_000)
    first, last = in_new_process(_steady_state, steps)
    figures.append(Figure("memory", f"growth after {steps[0]:,} stored spans", first, "MiB"))
    figures.append(Figure("memory", f"growth after {steps[1]:,} stored spans", last, "MiB", first, f"{steps[0]:,}"))
    return figures


def _full_queue(characters: int) -> float:
    logging.getLogger("otel_sqlite_exporter").setLevel(logging.ERROR)
    with scratch() as directory:
        processor = SQLiteSpanProcessor(directory / "full.db", schedule_delay_millis=_NEVER)
        processor._exporter_thread._may_start.clear()  # no thread can start now
        spans = distinct_spans(2 * _CAPACITY, lambda index: _chat(index, characters))
        next(spans)
        before = _settled_bytes()
        for span in spans:
            processor.on_end(span)
        return (_settled_bytes() - before) / _MEBIBYTE


def _chat(index: int, characters: int) -> dict[str, object]:
    return chat_attributes([message("user", prose(characters, index))], "Yes.")


def _steady_state(steps: tuple[int, ...]) -> list[float]:
    """Return by how much memory has grown, since before the first span, after so many stored spans."""
    grown = []
    with scratch() as directory:
        spans = distinct_spans(steps[-1])
        next(spans)
        before = _settled_bytes()
        processor = SQLiteSpanProcessor(directory / "steady.db")
        for number, span in enumerate(spans, 2):
            processor.on_end(span)
            if number % 50 == 0:
                time.sleep(50 / _RATE)
            if number in steps:
                processor.force_flush()
                grown.append((_settled_bytes() - before) / _MEBIBYTE)
        processor.shutdown()
        if processor.stats().written != steps[-1] - 1:
            raise RuntimeError(f"spans were lost: {processor.stats()}")
    return grown


def _settled_bytes() -> int:
    gc.collect()
    return resident_bytes()
