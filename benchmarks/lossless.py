"""The highest rate of spans that is stored without a drop, at default settings, whatever else the application does."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from benchmarks.measure import scratch
from benchmarks.processes import in_new_process
from benchmarks.report import Figure
from benchmarks.stream import Pace, distinct_spans
from otel_sqlite_exporter import SQLiteSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan

_RATES: Final = (300, 500, 750, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 7500, 9000, 11_000, 13_000, 16_000, 20_000)
_PACE_SECONDS: Final = 0.001
_WARM_UP: Final = 100
_KEPT_UP: Final = 0.95
_TRIES: Final = 2
_ASYNCIO_TASKS: Final = 20


@dataclass(frozen=True, slots=True)
class _Application:
    """Who ends spans, and who else wants to run.

    Args:
        name: For the table.
        producers: Threads that end spans; 0 where tasks of asyncio do.
        busy: Threads that only compute.
        start: The rate to try first.
        target: The rate to reach, None where none was set.
    """

    name: str
    producers: int
    busy: int
    start: int
    target: float | None = None


_APPLICATIONS: Final = (
    _Application("idle application", 1, 0, 6000, 6000),
    _Application("one CPU-bound thread", 1, 1, 3000, 1000),
    _Application("two CPU-bound threads", 1, 2, 1500),
    _Application("8 producing threads", 8, 0, 6000),
    _Application("asyncio, 20 tasks", 0, 0, 6000),
)


def run(*, quick: bool) -> list[Figure]:
    """Find the rate for every kind of application."""
    seconds = 2.0 if quick else 5.0
    figures = []
    for application in _APPLICATIONS:
        rate = _highest(application, seconds)
        figures.append(Figure("lossless", application.name, rate, "spans/s", target=application.target, at_least=True))
    return figures


def _highest(application: _Application, seconds: float) -> int:
    """Step up from the first rate while nothing is lost, or down until nothing is."""
    index = _RATES.index(application.start)
    step = 1 if _is_lossless(application, _RATES[index], seconds) else -1
    while 0 <= index + step < len(_RATES):
        is_lossless = _is_lossless(application, _RATES[index + step], seconds)
        if step > 0 and not is_lossless:
            return _RATES[index]
        index += step
        if step < 0 and is_lossless:
            return _RATES[index]
    return _RATES[index] if step > 0 else 0


def _is_lossless(application: _Application, rate: int, seconds: float) -> bool:
    """Tell whether a rate is stored whole, in one of two tries: other processes take processors away at times."""
    return any(in_new_process(_try, application, rate, seconds) for _ in range(_TRIES))


def _try(application: _Application, rate: int, seconds: float) -> bool:
    logging.getLogger("otel_sqlite_exporter").setLevel(logging.ERROR)
    spans = list(distinct_spans(int(rate * seconds)))
    stop = threading.Event()
    busy = [threading.Thread(target=compute, args=(stop,)) for _ in range(application.busy)]
    with scratch() as directory:
        processor = SQLiteSpanProcessor(directory / "lossless.db")
        for span in distinct_spans(_WARM_UP):
            processor.on_end(span)
        processor.force_flush()  # making a new file would take a queue's worth of time beside busy threads
        for thread in busy:
            thread.start()
        started = time.perf_counter()
        if application.producers:
            produce_in_threads(processor.on_end, spans, application.producers, rate)
        else:
            asyncio.run(_produce_in_tasks(processor.on_end, spans, rate))
        elapsed = time.perf_counter() - started
        stop.set()
        for thread in busy:
            thread.join()
        processor.shutdown()
        stats = processor.stats()
    has_kept_up = len(spans) / elapsed >= _KEPT_UP * rate
    return has_kept_up and stats.written == _WARM_UP + len(spans)


def compute(stop: threading.Event) -> None:
    """Want the GIL all the time."""
    while not stop.is_set():
        sum(range(1000))


def produce_in_threads(
    on_end: Callable[[ReadableSpan], None], spans: list[ReadableSpan], producers: int, rate: float
) -> None:
    """End spans at a rate, from some threads that each take their share; who could not run for a while catches up."""

    def produce(own: list[ReadableSpan]) -> None:
        rest = iter(own)
        left = len(own)
        pace = Pace(rate / producers)
        while left:
            left -= _end_due(on_end, rest, pace)
            time.sleep(_PACE_SECONDS)

    threads = [threading.Thread(target=produce, args=(spans[first::producers],)) for first in range(producers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def _produce_in_tasks(on_end: Callable[[ReadableSpan], None], spans: list[ReadableSpan], rate: float) -> None:
    async def produce(own: list[ReadableSpan]) -> None:
        rest = iter(own)
        left = len(own)
        pace = Pace(rate / _ASYNCIO_TASKS)
        while left:
            left -= _end_due(on_end, rest, pace)
            await asyncio.sleep(_PACE_SECONDS)

    await asyncio.gather(*(produce(spans[first::_ASYNCIO_TASKS]) for first in range(_ASYNCIO_TASKS)))


def _end_due(on_end: Callable[[ReadableSpan], None], spans: Iterator[ReadableSpan], pace: Pace) -> int:
    ended = 0
    for span in islice(spans, pace.due()):
        on_end(span)
        ended += 1
    return ended
