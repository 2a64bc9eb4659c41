"""What a span costs among spans that look alike, against spans that have nothing to do with each other.

A thousand equal calls at once, each reported by three layers, and a trace of ten thousand spans that carry a session:
the recorder looks for the reports of one call, and hands a session down, at a cost that must not grow with the crowd.
"""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from benchmarks.measure import interleaved, median, scratch
from benchmarks.report import Figure
from otel_sqlite_exporter import SQLiteSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LAYERS: Final = ("openinference.instrumentation.openai", "opentelemetry.instrumentation.openai", "litellm")
_LANGCHAIN: Final = "openinference.instrumentation.langchain"
_TARGET: Final = 2.0
_SECOND: Final = 10**9


def run(*, quick: bool) -> list[Figure]:
    """Measure both crowds and their peers in turns."""
    calls, steps, rounds = (300, 3000, 1) if quick else (1000, 10_000, 3)
    crowds: dict[str, tuple[Callable[[], list[ReadableSpan]], Callable[[], list[ReadableSpan]]]] = {
        f"{calls:,} equal calls at once in three layers": (
            lambda: _calls(calls, is_alike=True),
            lambda: _calls(calls, is_alike=False),
        ),
        f"one trace of {steps:,} spans with a session": (
            lambda: _steps(steps, is_alike=True),
            lambda: _steps(steps, is_alike=False),
        ),
    }
    figures = []
    for name, (make_alike, make_unrelated) in crowds.items():
        peers = {"alike": partial(_cost, make_alike), "unrelated": partial(_cost, make_unrelated)}
        costs = interleaved(peers, rounds)
        alike, unrelated = (median(costs[kind]) * 1e6 for kind in ("alike", "unrelated"))
        figures.append(
            Figure("alike", f"CPU per span, {name}", alike, "us", unrelated, "unrelated spans", target=_TARGET)
        )
    return figures


def _cost(make: Callable[[], list[ReadableSpan]]) -> float:
    """Return the seconds of processor time, in all threads, in which one span is taken in and written."""
    spans = make()
    with scratch() as directory:
        processor = SQLiteSpanProcessor(directory / "traces.db", max_queue_size=len(spans) + 1)

        start = time.process_time()
        for span in spans:
            processor.on_end(span)
        processor.force_flush(600_000)
        seconds = time.process_time() - start
        written = processor.stats().written
        processor.shutdown()
    if written != len(spans):
        raise RuntimeError(f"{written} of {len(spans)} spans were written")
    return seconds / len(spans)


def _calls(number: int, *, is_alike: bool) -> list[ReadableSpan]:
    """Return reports of calls: all at once and equal, or one after the other with texts and counts of their own."""
    start = time.time_ns() - 3600 * _SECOND
    spans = []
    for call in range(number):
        own = 0 if is_alike else call
        begin = start + (call * 1000 if is_alike else call * 3 * _SECOND)
        attributes: dict[str, str | int] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 5 + own,
            "gen_ai.usage.output_tokens": 6 + own,
            "gen_ai.input.messages": f'[{{"role":"user","parts":[{{"type":"text","content":"question {own}"}}]}}]',
        }
        trace, ids = random.getrandbits(127) + 1, [random.getrandbits(63) + 1 for _ in _LAYERS]
        for depth, scope in enumerate(_LAYERS):  # the innermost ends first
            parent = ids[depth + 1] if depth + 1 < len(ids) else None
            times = (begin - depth * 100, begin + 2 * _SECOND + depth * 100)
            spans.append(_span(scope, attributes, trace, (ids[depth], parent), times))
    return sorted(spans, key=lambda span: span.end_time or 0)


def _steps(number: int, *, is_alike: bool) -> list[ReadableSpan]:
    """Return an agent's steps: in one trace with one session, or each in a trace and a session of its own."""
    start = time.time_ns() - 3600 * _SECOND
    shared, root = random.getrandbits(127) + 1, random.getrandbits(63) + 1
    spans = []
    for step in range(number):
        attributes: dict[str, str | int] = {
            "openinference.span.kind": "CHAIN",
            "session.id": "session" if is_alike else f"session {step}",
            "input.value": "a",
            "output.value": "b",
        }
        trace, parent = (shared, root) if is_alike else (random.getrandbits(127) + 1, None)
        times = (start + step * 1000, start + step * 1000 + 500)
        spans.append(_span(_LANGCHAIN, attributes, trace, (random.getrandbits(63) + 1, parent), times))
    return spans


def _span(
    scope: str,
    attributes: Mapping[str, str | int],
    trace: int,
    own_and_parent: tuple[int, int | None],
    times: tuple[int, int],
) -> ReadableSpan:
    def context(number: int) -> SpanContext:
        return SpanContext(trace, number, is_remote=False, trace_flags=TraceFlags(1))

    own, parent = own_and_parent
    return ReadableSpan(
        "step",
        context(own),
        parent=None if parent is None else context(parent),
        attributes=attributes,
        instrumentation_scope=InstrumentationScope(scope, "1"),
        start_time=times[0],
        end_time=times[1],
    )
