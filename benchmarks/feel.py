"""What the application feels: how long a task of 1 ms takes with and without recording."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from benchmarks.measure import percentile, scratch
from benchmarks.processes import in_new_process
from benchmarks.report import Figure
from benchmarks.stream import distinct_spans
from otel_sqlite_exporter import SQLiteSpanProcessor

if TYPE_CHECKING:
    from pathlib import Path

_TASK_SECONDS: Final = 0.001
_TASKS_PER_SPAN: Final = 10
_SLICE_SECONDS: Final = 2.0
_PERCENTILES: Final = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))


def run(*, quick: bool) -> list[Figure]:
    """Run the task back to back, every tenth ending a span, with each kind of recording in turns."""
    return in_new_process(_measure, 3 if quick else 10)


def _measure(rounds: int) -> list[Figure]:
    loops = _loops_per_task()
    times: dict[str, list[float]] = {"ours": [], "none": [], "otlp": []}
    with scratch() as directory:
        for number in range(rounds):
            for name, series in times.items():
                processor = _processor(name, directory / f"{name}{number}")
                spans = list(distinct_spans(int(_SLICE_SECONDS / _TASK_SECONDS / _TASKS_PER_SPAN)))
                series.extend(_run_tasks(processor, spans, loops))
                processor.shutdown()
    return [
        Figure("feel", f"task of 1 ms, {label}, against {peer}", ours, "us", _micros(times[series], share), peer)
        for label, share in _PERCENTILES
        for ours in [_micros(times["ours"], share)]
        for series, peer in (("none", "no recording"), ("otlp", "OTLP JSON file, batched"))
    ]


def _processor(name: str, path: Path) -> SpanProcessor:
    if name == "ours":
        return SQLiteSpanProcessor(path)
    if name == "otlp":
        return BatchSpanProcessor(FileSpanExporter(path), schedule_delay_millis=500)
    return SpanProcessor()


def _loops_per_task() -> int:
    """Return how many rounds of :func:`_task` take 1 ms, when nothing disturbs them."""
    loops = 1000
    best = min(_timed(loops) for _ in range(50))
    return max(int(loops * _TASK_SECONDS / best), 1)


def _timed(loops: int) -> float:
    start = time.perf_counter()
    _task(loops)
    return time.perf_counter() - start


def _task(loops: int) -> int:
    total = 0
    for number in range(loops):
        total += number
    return total


def _run_tasks(processor: SpanProcessor, spans: list[ReadableSpan], loops: int) -> list[float]:
    times = []
    for span in spans:
        for place in range(_TASKS_PER_SPAN):
            start = time.perf_counter()
            _task(loops)
            if place == 0:
                processor.on_end(span)
            times.append(time.perf_counter() - start)
    return times


def _micros(times: list[float], share: float) -> float:
    return percentile(times, share) * 1e6
