"""Applications in processes of their own that record with nothing between the tracer and the processor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.faults import oracle
from tests.faults.support import ROOT
from tests.support import outputs_of

_PRELUDE = """
import concurrent.futures.thread
import os, signal, sys, time, threading
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from otel_sqlite_exporter import SQLiteSpanProcessor
signal.signal(signal.SIGINT, signal.default_int_handler)
processor = SQLiteSpanProcessor(sys.argv[1])
provider = TracerProvider(resource=Resource({}))
provider.add_span_processor(processor)
tracer = provider.get_tracer("app")
def call(name="chat"):
    tracer.start_span(name, attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}).end()
"""
# SIGINT is ignored, as children inherit it, where the tests run in the background of a shell.
# The thread pool first, so that its fork hook runs before the SDK's, which submits to one.
# A tracer of its own, because getting one takes a lock of the SDK's, which interrupting code must not wait for.


def start(path: Path, script: str) -> subprocess.Popen[str]:
    """Start an application that records into a file."""
    return subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", _PRELUDE + textwrap.dedent(script), str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def run(path: Path, script: str, *, returncode: int | None = 0, seconds: float = 60) -> str:
    """Run an application to its end and return what it printed.

    Args:
        path: The database file.
        script: What it does, with ``processor``, ``provider`` and ``call`` at hand.
        returncode: What it must end with, None for anything.
        seconds: How long it and its children may take before they count as hung.
    """
    process = start(path, script)
    # Each of a group that is hung prints where its threads are.
    out, err = outputs_of(process, seconds, stop=lambda: os.killpg(process.pid, signal.SIGABRT))
    if returncode is not None:
        assert process.returncode == returncode, err
        assert "Traceback" not in err, err
    return out


def names(path: Path) -> list[str]:
    """Return the names of all stored spans, in order of their names."""
    return sorted(oracle.names(path).elements())
