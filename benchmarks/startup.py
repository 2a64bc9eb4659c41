"""What it takes to be there: the import, the first span, and the first row."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import Final

from benchmarks.measure import median
from benchmarks.report import Figure

_SCRIPT: Final = """
import sys, time
import opentelemetry.sdk.trace, opentelemetry.sdk.trace.export
start = time.perf_counter()
import otel_sqlite_exporter
imported = time.perf_counter()
provider = opentelemetry.sdk.trace.TracerProvider(shutdown_on_exit=False)
processor = otel_sqlite_exporter.SQLiteSpanProcessor(sys.argv[1])
span = provider.get_tracer("app").start_span("chat m", attributes={"gen_ai.operation.name": "chat"})
span.end()
made = time.perf_counter()
processor.on_end(span)
queued = time.perf_counter()
processor.force_flush()
flushed = time.perf_counter()
processor.shutdown()
print(imported - start, queued - made, flushed - queued)
"""


def run(*, quick: bool) -> list[Figure]:
    """Measure new interpreters."""
    runs = []
    for _ in range(7 if quick else 21):
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run(
                [sys.executable, "-c", _SCRIPT, f"{directory}/startup.db"], capture_output=True, text=True, check=True
            )
        runs.append([float(number) * 1e3 for number in done.stdout.split()])
    imported, queued, flushed = (median(series) for series in zip(*runs, strict=True))
    return [
        Figure("startup", "import otel_sqlite_exporter, over the SDK", imported, "ms", target=15),
        Figure("startup", "on_end of the first span", queued, "ms"),
        Figure("startup", "first row in a new file", flushed, "ms"),
    ]
