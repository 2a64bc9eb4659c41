"""What the fault tests share: applications in processes of their own, and the books to check afterwards."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

PRELUDE = """
import os, signal, sys, time, threading
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


def start(path: Path, script: str) -> subprocess.Popen[str]:
    """Start an application that records into a file."""
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(script), str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def run(path: Path, script: str, *, returncode: int | None = 0, seconds: float = 60) -> str:
    """Run an application to its end and return what it printed.

    Args:
        path: The database file.
        script: What it does.
        returncode: What it must end with, None for anything.
        seconds: How long it may take before it counts as hung.
    """
    process = start(path, script)
    out, err = process.communicate(timeout=seconds)
    if returncode is not None:
        assert process.returncode == returncode, err
        assert "Traceback" not in err, err
    return out


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        return connection.execute(sql).fetchall()


def names(path: Path) -> list[object]:
    """Return the names of all stored spans, in order of their names."""
    return [name for (name,) in query(path, "SELECT name FROM spans ORDER BY name")]


def check_file(path: Path) -> None:
    """Check that the file is sound, that no span is in it twice, and that every process's books are balanced.

    A process that was killed may have received more than it accounts for: what was queued when it last wrote.
    """
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "SELECT count(*) FROM spans GROUP BY trace_id, span_id HAVING count(*) > 1") == []
    unaccounted = query(path, "SELECT clean_exit, received - written - skipped - dropped FROM recorders")
    assert [row for row in unaccounted if int(str(row[1])) < 0 or (row[0] and row[1])] == []
    assert query(path, "SELECT sum(written) FROM recorders") == query(path, "SELECT count(*) FROM spans")
