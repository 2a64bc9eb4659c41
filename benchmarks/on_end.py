"""What ``on_end`` costs the application, call by call, against BatchSpanProcessor with the same limits."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks.measure import median, percentile, scratch
from benchmarks.report import Figure
from benchmarks.workloads import ended_spans, http_call, short_chat
from otel_sqlite_exporter import SQLiteSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_LIMITS: Final = {"max_queue_size": 512, "max_export_batch_size": 50, "schedule_delay_millis": 500}
_BURST: Final = 40
_PACE_SECONDS: Final = 0.0005
_NEVER: Final = 3_600_000


class _Discard(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002 - the interface's own name
        return SpanExportResult.SUCCESS


def run(*, quick: bool) -> list[Figure]:
    """Measure ``on_end`` for LLM spans, other spans and a full queue, in bursts and one span every 0.5 ms."""
    rounds = 100 if quick else 500
    llm = ended_spans(short_chat, _BURST)
    http = ended_spans(http_call, _BURST, name="GET", scope="opentelemetry.instrumentation.httpx")
    logging.getLogger("opentelemetry.sdk._shared_internal").setLevel(logging.ERROR)
    logging.getLogger("otel_sqlite_exporter").setLevel(logging.ERROR)
    figures = []
    with scratch() as directory:
        ours = SQLiteSpanProcessor(directory / "on_end.db", **_LIMITS)  # type: ignore[arg-type]
        peer = BatchSpanProcessor(_Discard(), **_LIMITS)  # type: ignore[arg-type]
        empty = SpanProcessor()
        for label, spans, paced in (
            ("LLM span, burst of 40", llm, False),
            ("LLM span, every 0.5 ms", llm, True),
            ("other span, burst of 40", http, False),
            ("other span, every 0.5 ms", http, True),
        ):
            times = _compare(
                {"ours": ours, "peer": peer, "empty": empty}, spans, rounds // (10 if paced else 1), paced=paced
            )
            figures += _figures(label, times, is_llm=spans is llm)
        ours.shutdown()
        peer.shutdown()  # type: ignore[no-untyped-call]
        figures.append(_full_queue(directory / "full.db", llm, rounds))
    return figures


def _compare(
    processors: dict[str, SpanProcessor], spans: Sequence[ReadableSpan], rounds: int, *, paced: bool
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in processors}
    for _ in range(rounds):
        for name, processor in processors.items():
            times[name] += _timed(processor.on_end, spans, _PACE_SECONDS if paced else 0.0)
            processor.force_flush()
    return times


def _timed(on_end: Callable[[ReadableSpan], None], spans: Sequence[ReadableSpan], pause: float) -> list[float]:
    clock = time.perf_counter_ns
    times = []
    for span in spans:
        start = clock()
        on_end(span)
        times.append((clock() - start) / 1e3)
        if pause:
            time.sleep(pause)
    return times


def _figures(label: str, times: dict[str, list[float]], *, is_llm: bool) -> list[Figure]:
    clock = median(times["empty"])
    ours = median(times["ours"]) - clock
    peer = median(times["peer"]) - clock
    worst = Figure(
        "on_end",
        f"{label}, p99.9",
        percentile(times["ours"], 0.999),
        "us",
        percentile(times["peer"], 0.999),
        "BatchSpanProcessor",
    )
    if is_llm:
        return [Figure("on_end", f"{label}, median", ours, "us", peer, "BatchSpanProcessor", target=1.0), worst]
    return [Figure("on_end", f"{label}, median over an empty processor", ours, "us", target=0.5), worst]


def _full_queue(path: Path, spans: Sequence[ReadableSpan], rounds: int) -> Figure:
    """Fill queues that nobody empties, and measure what a span costs that finds no place."""
    ours = SQLiteSpanProcessor(
        path,
        max_queue_size=_BURST,
        max_export_batch_size=_BURST,
        schedule_delay_millis=_NEVER,
    )
    ours._exporter_thread._may_start.clear()  # no thread can start now
    peer = BatchSpanProcessor(
        _Discard(), max_queue_size=_BURST, max_export_batch_size=_BURST, schedule_delay_millis=_NEVER
    )
    with peer._batch_processor._export_lock:
        times = _compare_full({"ours": ours, "peer": peer, "empty": SpanProcessor()}, spans, rounds)
    clock = median(times["empty"])
    ours._intake.reset()
    ours.shutdown(0)
    peer.shutdown()  # type: ignore[no-untyped-call]
    return Figure(
        "on_end",
        "LLM span, queue full, median",
        median(times["ours"]) - clock,
        "us",
        median(times["peer"]) - clock,
        "BatchSpanProcessor",
    )


def _compare_full(
    processors: dict[str, SpanProcessor], spans: Sequence[ReadableSpan], rounds: int
) -> dict[str, list[float]]:
    for processor in processors.values():
        for span in spans:
            processor.on_end(span)
    times: dict[str, list[float]] = {name: [] for name in processors}
    for _ in range(rounds):
        for name, processor in processors.items():
            times[name] += _timed(processor.on_end, spans, 0.0)
    return times
