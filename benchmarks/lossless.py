"""The highest rate of spans that is stored without a drop, at default settings, whatever else the application does."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan

from benchmarks.measure import scratch
from benchmarks.report import Figure
from benchmarks.workloads import ended_spans, short_chat
from otel_sqlite_exporter import SQLiteSpanProcessor

_RATES: Final = (500, 1000, 1500, 2000, 3000, 4000, 6000, 8000, 10_000, 12_000)
_TRIES: Final = 2
_TICK_SECONDS: Final = 0.002

OnEnd = Callable[[ReadableSpan], None]
Produce = Callable[[OnEnd, Sequence[ReadableSpan], float], None]


def run(*, quick: bool) -> list[Figure]:
    """Raise the rate of short chats step by step until a span is lost, in each kind of application."""
    seconds = 1.0 if quick else 4.0
    spans = ended_spans(short_chat, int(_RATES[-1] * seconds))
    cases: tuple[tuple[str, Produce, int, float | None], ...] = (
        ("idle application", _steadily, 0, 6000),
        ("one CPU-bound thread", _steadily, 1, 1000),
        ("two CPU-bound threads", _steadily, 2, None),
        ("8 producing threads", _from_eight_threads, 0, None),
        ("asyncio, 8 tasks", _from_asyncio, 0, None),
    )
    figures = []
    for name, produce, busy_threads, target in cases:
        with busy(busy_threads):
            best = _highest_rate(produce, spans, seconds)
        figures.append(
            Figure("lossless", f"spans/s stored without loss, {name}", best, "spans/s", target=target, at_least=True)
        )
    return figures


def _highest_rate(produce: Produce, spans: Sequence[ReadableSpan], seconds: float) -> float:
    best = 0.0
    for rate in _RATES:
        wanted = spans[: int(rate * seconds)]
        achieved = max(_rate_without_loss(produce, wanted, rate) for _ in range(_TRIES))
        best = max(best, achieved)
        if achieved < 0.9 * rate:  # spans were lost, or the producer itself can't do more
            break
    return best


def _rate_without_loss(produce: Produce, spans: Sequence[ReadableSpan], rate: float) -> float:
    """Return the rate at which the spans really came, 0 where one of them was lost."""
    with scratch() as directory:
        processor = SQLiteSpanProcessor(Path(directory) / "lossless.db")
        processor.on_end(spans[0])
        processor.force_flush()
        start = time.perf_counter()
        produce(processor.on_end, spans[1:], rate)
        took = time.perf_counter() - start
        processor.shutdown(30_000)
        stats = processor.stats()
    return len(spans) / took if stats.written == len(spans) else 0.0


def _steadily(on_end: OnEnd, spans: Sequence[ReadableSpan], rate: float) -> None:
    start = time.perf_counter()
    done = 0
    while done < len(spans):
        due = min(int((time.perf_counter() - start) * rate) + 1, len(spans))
        for span in spans[done:due]:
            on_end(span)
        done = due
        time.sleep(_TICK_SECONDS)


def _from_eight_threads(on_end: OnEnd, spans: Sequence[ReadableSpan], rate: float) -> None:
    threads = [threading.Thread(target=_steadily, args=(on_end, spans[i::8], rate / 8)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _from_asyncio(on_end: OnEnd, spans: Sequence[ReadableSpan], rate: float) -> None:
    async def produce(own: Sequence[ReadableSpan]) -> None:
        start = time.perf_counter()
        done = 0
        while done < len(own):
            due = min(int((time.perf_counter() - start) * rate / 8) + 1, len(own))
            for span in own[done:due]:
                on_end(span)
            done = due
            await asyncio.sleep(_TICK_SECONDS)

    async def main() -> None:
        await asyncio.gather(*(produce(spans[i::8]) for i in range(8)))

    asyncio.run(main())


@contextmanager
def busy(number: int) -> Iterator[None]:
    """Keep threads computing that never give up the GIL by themselves."""
    stop = False

    def spin() -> None:
        while not stop:
            pass

    threads = [threading.Thread(target=spin, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop = True
        for thread in threads:
            thread.join()
