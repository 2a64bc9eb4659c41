"""Record the demonstration through the exporter, as an application would."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

from otel_sqlite_exporter.demo.month import play
from otel_sqlite_exporter.exporter import SQLiteSpanExporter

if TYPE_CHECKING:
    import os

DEFAULT_DAYS: Final = 30
_BATCH: Final = 50


class _SeededIds(IdGenerator):
    """Ids by a seed: the same file every time."""

    def __init__(self) -> None:
        self._dice = random.Random(4_711)  # noqa: S311 - no secrets

    def generate_span_id(self) -> int:
        return self._dice.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self._dice.getrandbits(128) or 1


def write_demo(path: str | os.PathLike[str], *, end: int | None = None, days: int = DEFAULT_DAYS) -> int:
    """Write a demonstration file.

    Args:
        path: Where; nothing may be there yet.
        end: When the last span ends, in Unix nanoseconds; now by default. The same end gives the same rows.
        days: Over how many days the spans are spread.

    Returns:
        How many spans are in it.

    Raises:
        FileExistsError: There is a file already.
        OSError: The file could not be written.
    """
    if Path(path).exists():
        raise FileExistsError(17, "a file is there already; give another name", str(path))
    memory = InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource({"service.name": "fernweh", "service.version": "1.4.0"}),
        id_generator=_SeededIds(),
        shutdown_on_exit=False,
        span_limits=SpanLimits(),
    )
    provider.add_span_processor(SimpleSpanProcessor(memory))
    play(provider.get_tracer("otel-sqlite-exporter-demo", "1.0"), end if end is not None else time.time_ns(), days)
    spans = memory.get_finished_spans()
    exporter = SQLiteSpanExporter(path)
    try:
        for start in range(0, len(spans), _BATCH):
            if exporter.export(spans[start : start + _BATCH]) is not SpanExportResult.SUCCESS:
                raise OSError(f"{path} could not be written")
    finally:
        exporter.shutdown()
    return len(spans)
