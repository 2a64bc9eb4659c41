"""Which share of the spans is stored at a fixed pace, here and by the OTLP JSON file exporter, taking turns in one run.

Both have the same limits: a queue of 512, batches of 50, and 500 ms. A machine that is busy otherwise loses spans as
well, so that only the ratio of the two shares tells something.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from benchmarks.lossless import compute, produce_in_threads
from benchmarks.measure import interleaved, median, scratch
from benchmarks.processes import in_new_process
from benchmarks.report import Figure
from benchmarks.stream import distinct_spans
from benchmarks.workloads import long_prompt, short_chat
from otel_sqlite_exporter import SQLiteSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

_LIMITS: Final = {"max_queue_size": 512, "max_export_batch_size": 50, "schedule_delay_millis": 500}
_WARM_UP: Final = 100
_TARGET: Final = 0.9


@dataclass(frozen=True, slots=True)
class _Application:
    """What ends at which pace, beside what.

    Args:
        name: For the table.
        busy: Threads that only compute.
        rate: Spans per second.
        make: Makes a span's attributes.
    """

    name: str
    busy: int
    rate: int
    make: Callable[[int], dict[str, object]] = short_chat


_APPLICATIONS: Final = (
    _Application("one CPU-bound thread", 1, 2000),
    _Application("idle application", 0, 4000),
    _Application("one CPU-bound thread, long prompts", 1, 1000, long_prompt),
)


def run(*, quick: bool) -> list[Figure]:
    """Measure every kind of application, each exporter in a process of its own."""
    seconds, rounds = (2.0, 1) if quick else (4.0, 5)
    figures = []
    for application in _APPLICATIONS:
        shares = interleaved(
            {
                "ours": lambda of=application: in_new_process(_kept_by_us, of, seconds),  # type: ignore[misc]
                "peer": lambda of=application: in_new_process(_kept_by_peer, of, seconds),  # type: ignore[misc]
            },
            rounds,
        )
        ours, peer = (100 * median(shares[who]) for who in ("ours", "peer"))
        label = f"kept of {application.rate:,} spans/s, {application.name}"
        figures.append(Figure("kept", label, ours, "%", peer, "OTLP JSON file", target=_TARGET, at_least=True))
    return figures


def _kept_by_us(application: _Application, seconds: float) -> float:
    logging.getLogger("otel_sqlite_exporter").setLevel(logging.ERROR)
    with scratch() as directory:
        processor = SQLiteSpanProcessor(directory / "kept.db", **_LIMITS)  # type: ignore[arg-type]
        spans = _end_at_pace(processor, application, seconds)
        processor.shutdown()
        return (processor.stats().written - _WARM_UP) / spans


def _kept_by_peer(application: _Application, seconds: float) -> float:
    logging.getLogger("opentelemetry.sdk._shared_internal").setLevel(logging.ERROR)
    with scratch() as directory:
        path = directory / "kept.jsonl"
        processor = BatchSpanProcessor(FileSpanExporter(path), **_LIMITS)  # type: ignore[arg-type]
        spans = _end_at_pace(processor, application, seconds)
        processor.shutdown()  # type: ignore[no-untyped-call]
        return (path.read_text(encoding="utf-8").count('"spanId"') - _WARM_UP) / spans


def _end_at_pace(processor: SQLiteSpanProcessor | BatchSpanProcessor, application: _Application, seconds: float) -> int:
    spans = list(distinct_spans(int(application.rate * seconds), application.make))
    for span in distinct_spans(_WARM_UP):
        processor.on_end(span)
    processor.force_flush()  # making a new file would take a queue's worth of time beside busy threads
    stop = threading.Event()
    threads = [threading.Thread(target=compute, args=(stop,)) for _ in range(application.busy)]
    for thread in threads:
        thread.start()
    produce_in_threads(processor.on_end, spans, 1, application.rate)
    stop.set()
    for thread in threads:
        thread.join()
    return len(spans)
