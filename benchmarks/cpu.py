"""Processor time, and GIL, that one stored span takes, against the OTLP JSON file exporter and a bare SQLite insert."""

from __future__ import annotations

import gc
import json
import sqlite3
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.json.file import FileSpanExporter

from benchmarks.measure import cpu_seconds, gil_held_seconds, median, scratch
from benchmarks.report import Figure
from benchmarks.workloads import WORKLOADS, ended_spans
from otel_sqlite_exporter import SQLiteSpanExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

_BATCH: Final = 50
_BARE_COLUMNS: Final = 26
_TARGETS: Final = {"short chat": 1.0}


class _BareInsert:
    """The least that SQLite can do with the same bytes: a row of 26 columns, all text in one of them, and no index."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        columns = ", ".join(f"c{i}" for i in range(_BARE_COLUMNS))
        self._connection.execute(f"CREATE TABLE spans ({columns})")
        row = f"({', '.join('?' * _BARE_COLUMNS)})"
        self._statement = f"INSERT INTO spans VALUES {', '.join([row] * _BATCH)}"

    def rows(self, spans: Sequence[ReadableSpan]) -> list[object]:
        """Return one row of ready values for each span."""
        values: list[object] = []
        for span in spans:
            text = json.dumps(dict(span.attributes or {}))
            values += (f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}", text)
            values += (f"value {i}" if i % 2 else i for i in range(_BARE_COLUMNS - 3))
        return values

    def insert(self, values: Sequence[object]) -> None:
        """Write a batch of rows in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(self._statement, values)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def run(*, quick: bool) -> list[Figure]:
    """Measure every workload in batches of 50, the three peers taking turns."""
    figures = []
    for name, make in WORKLOADS.items():
        batches = (20 if quick else 80) // (4 if name.startswith("200 kB") else 1)
        figures += _measure(name, [ended_spans(make, _BATCH) for _ in range(batches)])
    return figures


def _measure(name: str, batches: Sequence[Sequence[ReadableSpan]]) -> list[Figure]:
    figures = []
    for what, clock, target in (("CPU", cpu_seconds, _TARGETS.get(name)), ("GIL held", gil_held_seconds, None)):
        with scratch() as directory:
            ours, otlp, bare = _take_turns(batches, directory, clock)
        for peer_name, peer, peer_target in (("OTLP JSON file", otlp, target), ("bare insert", bare, None)):
            figures.append(Figure("cpu", f"{what} per span, {name}", ours, "us", peer, peer_name, target=peer_target))
    return figures


def _take_turns(
    batches: Sequence[Sequence[ReadableSpan]], directory: Path, clock: Callable[[Callable[[], object]], float]
) -> tuple[float, float, float]:
    ours, otlp, bare = (
        SQLiteSpanExporter(directory / "ours.db"),
        FileSpanExporter(directory / "otlp.jsonl"),
        _BareInsert(directory / "bare.db"),
    )
    times: tuple[list[float], list[float], list[float]] = ([], [], [])
    gc.collect()
    gc.disable()
    try:
        for batch in batches:
            rows = bare.rows(batch)
            times[0].append(clock(lambda batch=batch: ours.export(batch)))  # type: ignore[misc]
            times[1].append(clock(lambda batch=batch: otlp.export(batch)))  # type: ignore[misc]
            times[2].append(clock(lambda rows=rows: bare.insert(rows)))  # type: ignore[misc]
    finally:
        gc.enable()
        ours.shutdown()
        otlp.shutdown()
        bare.close()
    first, second, third = (_typical(series) / _BATCH * 1e6 for series in times)
    return first, second, third


def _typical(series: Sequence[float]) -> float:
    """Return the mean of the middle half: checkpoints of the write-ahead log belong in it, hiccups do not."""
    ordered = sorted(series[1:])
    middle = ordered[: max(len(ordered) * 9 // 10, 1)]
    return sum(middle) / len(middle) if len(middle) > 1 else median(ordered)
