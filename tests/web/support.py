"""What the tests of the pages share: clients, recorded files, and a server in a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import TracerProvider
from starlette.testclient import TestClient

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.web.app import create_app
from tests.support import RESOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from opentelemetry.util.types import AttributeValue

    from otel_sqlite_exporter.web.access import Keys

ADDRESS: Final = "http://127.0.0.1:8765"
PAGES: Final = (
    "/",
    "/calls",
    "/calls?sort=cost&status=error",
    "/traces",
    "/conversations",
    "/usage",
    "/usage?by=user&show=tokens&since=7d",
    "/usage?show=latency",
    "/tools",
    "/errors",
    "/compare",
    "/sql",
    "/sql?q=SELECT+*+FROM+llm_calls+LIMIT+20",
    "/status",
)
"""The pages that need no id."""


CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-5.4",
    "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Is it there yet?"}]}]',
}


def client_of(path: Path, keys: Keys | None = None) -> TestClient:
    """Return a client for the pages of a file."""
    return TestClient(create_app(str(path), keys=keys, hosts=["127.0.0.1"]), base_url=ADDRESS, follow_redirects=False)


def record_spans(path: Path, *spans: Mapping[str, AttributeValue], name: str = "chat gpt-5.4") -> None:
    """Record spans with these attributes into a file, each a trace of its own."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SQLiteSpanProcessor(path))
    tracer = provider.get_tracer("tests")
    for attributes in spans:
        with tracer.start_as_current_span(name, attributes=attributes):
            pass
    provider.shutdown()


def empty_file(path: Path) -> Path:
    """Return a recorded file of which everything has been deleted."""
    record_spans(path, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.4"})
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM spans")
    return path


@contextlib.contextmanager
def serving(path: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve a file with the command, on a free port; yield the process and the address with the token."""
    process = subprocess.Popen(
        [sys.executable, "-m", "otel_sqlite_exporter", "serve", "-d", str(path), "--port", "0", "--no-open", *options],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process, address_of(process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def address_of(process: subprocess.Popen[str]) -> str:
    """Return the address that a serving process says."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        found = re.search(r"http://\S+token=\S+", line)
        if found:
            return found[0]
    raise AssertionError(f"it has ended: {''.join(lines)}")
