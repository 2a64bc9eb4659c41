"""Which share of the spans is stored at a fixed pace, here and by the OTLP JSON file exporter, taking turns in one run.

Both have the same limits: a queue of 512, batches of 50, and 500 ms. A machine that is busy otherwise loses spans as
well, so that only the ratio of the two shares tells something.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from benchmarks.lossless import compute, produce_in_threads
from benchmarks.measure import interleaved, median, scratch
from benchmarks.processes import in_new_process
from benchmarks.report import Figure
from benchmarks.stream import distinct_spans
from otel_sqlite_exporter import SQLiteSpanProcessor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

_LIMITS: Final = {"max_queue_size": 512, "max_export_batch_size": 50, "schedule_delay_millis": 500}
_WARM_UP: Final = 100
_APPLICATIONS: Final = (("one CPU-bound thread", 1, 2000), ("idle application", 0, 4000))
_TARGET: Final = 0.9


def run(*, quick: bool) -> list[Figure]:
    """Measure both kinds of application, each exporter in a process of its own."""
    seconds, rounds = (2.0, 1) if quick else (4.0, 5)
    figures = []
    for name, busy, rate in _APPLICATIONS:
        shares = interleaved(
            {
                "ours": lambda busy=busy, rate=rate: in_new_process(_kept_by_us, busy, rate, seconds),  # type: ignore[misc]
                "peer": lambda busy=busy, rate=rate: in_new_process(_kept_by_peer, busy, rate, seconds),  # type: ignore[misc]
            },
            rounds,
        )
        ours, peer = (100 * median(shares[who]) for who in ("ours", "peer"))
        label = f"kept of {rate:,} spans/s, {name}"
        figures.append(Figure("kept", label, ours, "%", peer, "OTLP JSON file", target=_TARGET, at_least=True))
    return figures


def _kept_by_us(busy: int, rate: int, seconds: float) -> float:
    logging.getLogger("otel_sqlite_exporter").setLevel(logging.ERROR)
    with scratch() as directory:
        processor = SQLiteSpanProcessor(directory / "kept.db", **_LIMITS)  # type: ignore[arg-type]
        spans = _end_at_pace(processor, busy, rate, seconds)
        processor.shutdown()
        return (processor.stats().written - _WARM_UP) / spans


def _kept_by_peer(busy: int, rate: int, seconds: float) -> float:
    logging.getLogger("opentelemetry.sdk._shared_internal").setLevel(logging.ERROR)
    with scratch() as directory:
        path = directory / "kept.jsonl"
        processor = BatchSpanProcessor(FileSpanExporter(path), **_LIMITS)  # type: ignore[arg-type]
        spans = _end_at_pace(processor, busy, rate, seconds)
        processor.shutdown()  # type: ignore[no-untyped-call]
        return (path.read_text(encoding="utf-8").count('"spanId"') - _WARM_UP) / spans


def _end_at_pace(processor: SQLiteSpanProcessor | BatchSpanProcessor, busy: int, rate: int, seconds: float) -> int:
    spans: list[ReadableSpan] = list(distinct_spans(int(rate * seconds)))
    for span in distinct_spans(_WARM_UP):
        processor.on_end(span)
    processor.force_flush()  # making a new file would take a queue's worth of time beside busy threads
    stop = threading.Event()
    threads = [threading.Thread(target=compute, args=(stop,)) for _ in range(busy)]
    for thread in threads:
        thread.start()
    produce_in_threads(processor.on_end, spans, 1, rate)
    stop.set()
    for thread in threads:
        thread.join()
    return len(spans)
