"""Applications in processes of their own that record with nothing between the tracer and the processor."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

from tests.faults import oracle, support

_PRELUDE = """
import concurrent.futures.thread
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from otel_sqlite_exporter import SQLiteSpanProcessor
processor = SQLiteSpanProcessor(sys.argv[1])
provider = TracerProvider(resource=Resource({}))
provider.add_span_processor(processor)
tracer = provider.get_tracer("app")
def call(name="chat"):
    tracer.start_span(name, attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}).end()
"""
# The thread pool first, so that its fork hook runs before the SDK's, which submits to one.
# A tracer of its own, because getting one takes a lock of the SDK's, which interrupting code must not wait for.


def start(path: Path, script: str) -> subprocess.Popen[str]:
    """Start an application that records into a file."""
    return support.start(path, _PRELUDE + textwrap.dedent(script))


def run(path: Path, script: str, *, returncode: int | None = 0, seconds: float = 60) -> str:
    """Run an application to its end and return what it printed; ``returncode`` None is any."""
    return support.run(path, _PRELUDE + textwrap.dedent(script), returncode=returncode, seconds=seconds)


def names(path: Path) -> list[str]:
    """Return the names of all stored spans, in order of their names."""
    return sorted(oracle.names(path).elements())
