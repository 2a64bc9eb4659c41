"""What the application feels: how long a task of 1 ms takes with and without recording."""

from __future__ import annotations

import threading
import time
from itertools import cycle
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from benchmarks.measure import percentile, scratch
from benchmarks.report import Figure
from benchmarks.workloads import ended_spans, short_chat
from otel_sqlite_exporter import SQLiteSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

_SPANS_PER_SECOND: Final = 100
_TASK_SECONDS: Final = 0.001


def run(*, quick: bool) -> list[Figure]:
    """Run tasks of 1 ms for some seconds with and without recording at 100 spans/s, in turns."""
    rounds, seconds = (3, 2.0) if quick else (10, 4.0)
    loops = _loops_for(_TASK_SECONDS)
    times: dict[str, list[float]] = {"with": [], "without": []}
    with scratch() as directory:
        recorder = SQLiteSpanProcessor(directory / "feel.db")
        spans = iter(ended_spans(short_chat, int(rounds * seconds * _SPANS_PER_SECOND * 1.2)))
        idle = cycle(ended_spans(short_chat, 10))
        for _ in range(rounds):
            times["without"] += _tasks(loops, seconds, SpanProcessor().on_end, idle.__next__)
            times["with"] += _tasks(loops, seconds, recorder.on_end, spans.__next__)
        recorder.shutdown()
    return [
        Figure(
            "feel",
            f"a task of 1 ms at 100 spans/s, {name}",
            percentile(times["with"], share) * 1e3,
            "ms",
            percentile(times["without"], share) * 1e3,
            "not recording",
        )
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
    ]


def _tasks(
    loops: int, seconds: float, on_end: Callable[[ReadableSpan], None], next_span: Callable[[], ReadableSpan]
) -> list[float]:
    """Return the times of tasks, back to back with 1 ms of sleep, while another thread ends spans."""
    stop = threading.Event()

    def produce() -> None:
        while not stop.wait(1 / _SPANS_PER_SECOND):
            on_end(next_span())

    producer = threading.Thread(target=produce)
    producer.start()
    times = []
    until = time.perf_counter() + seconds
    while (start := time.perf_counter()) < until:
        _work(loops)
        times.append(time.perf_counter() - start)
        time.sleep(_TASK_SECONDS)
    stop.set()
    producer.join()
    return times


def _work(loops: int) -> int:
    total = 0
    for i in range(loops):
        total += i * i
    return total


def _loops_for(seconds: float) -> int:
    """Return how many loops take so long here."""
    loops = 1000
    while True:
        start = time.perf_counter()
        _work(loops)
        took = time.perf_counter() - start
        if took > seconds * 5:
            return int(loops * seconds / took)
        loops *= 2
