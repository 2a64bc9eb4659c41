"""What the tests of the recording core share: spans to end, files to read, and the books to check."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteSpanProcessor

if TYPE_CHECKING:
    import pytest

CHAT: Mapping[str, str] = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}
# Where none is given, each provider and each span that is made by hand finds one out, with threads and in milliseconds.
RESOURCE = Resource({"service.name": "tests"})


def provider_with(processor: SpanProcessor) -> TracerProvider:
    """Return a tracer provider with one span processor."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def end_spans(processor: SpanProcessor, count: int = 1, *, name: str = "chat gpt-4o", **attributes: object) -> None:
    """End some LLM spans, each numbered."""
    tracer = provider_with(processor).get_tracer("tests")
    for number in range(count):
        span = tracer.start_span(name, attributes={**CHAT, "number": number, **attributes})  # type: ignore[dict-item]
        span.end()


def span_of(
    attributes: Mapping[str, object] = CHAT,
    *,
    name: str = "chat gpt-4o",
    trace_id: int = 0x0123456789ABCDEF0123456789ABCDEF,
    span_id: int = 0x0123456789ABCDEF,
    parent_id: int | None = None,
    sampled: bool = True,
) -> ReadableSpan:
    """Return a span that was not made by the SDK's tracer, so that its values are not checked by anybody."""
    return ReadableSpan(
        name=name,
        context=SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(1 if sampled else 0)),
        parent=None if parent_id is None else SpanContext(trace_id, parent_id, is_remote=False),
        attributes=attributes,  # type: ignore[arg-type]
        resource=RESOURCE,
        start_time=1_700_000_000_000_000_000,
        end_time=1_700_000_001_000_000_000,
    )


def query(path: Path | str, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    """Return the rows of a query, read over a connection of its own."""
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        return connection.execute(sql, parameters).fetchall()


def value(path: Path | str, sql: str, *parameters: object) -> object:
    """Return the one value of a query."""
    ((answer,),) = query(path, sql, *parameters)
    return answer


def stored(path: Path | str) -> int:
    """Return how many spans are in the file."""
    return int(str(value(path, "SELECT count(*) FROM spans")))


def unset_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take OpenTelemetry's settings out of the environment."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


def wait_until(condition: Callable[[], object], *, what: str, seconds: float = 60.0) -> None:
    """Wait for something that another thread or process does; fail with a name for it when it never happens."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.002)


@contextlib.contextmanager
def write_locked(path: Path | str) -> Iterator[sqlite3.Connection]:
    """Hold the file's write lock, so that the writer can only wait."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")


@contextlib.contextmanager
def recording(path: Path | str, **options: object) -> Iterator[SQLiteSpanProcessor]:
    """Record with a processor that has written once, so that its file exists; check its books when it is shut down."""
    processor = SQLiteSpanProcessor(path, **{"schedule_delay_millis": 10, **options})  # type: ignore[arg-type]
    end_spans(processor, 1, name="first")
    assert processor.force_flush()
    try:
        yield processor
    finally:
        processor.shutdown()
    check_books(path, processor)


def check_books(path: Path | str, *processors: SQLiteSpanProcessor) -> None:
    """Check that every span is accounted for, in the statistics, in the ledger and in the rows."""
    check_file(path)
    snapshots = [processor.stats() for processor in processors]
    for stats in snapshots:
        assert stats.received == stats.written + stats.skipped + sum(stats.dropped.values()), stats
    if not any(stats.dropped["already_shutdown"] for stats in snapshots):  # they come after the ledger was ended
        totals = [(s.received, s.written, s.skipped, sum(s.dropped.values())) for s in snapshots]
        assert query(path, "SELECT sum(received), sum(written), sum(skipped), sum(dropped) FROM recorders") == [
            tuple(sum(column) for column in zip(*totals, strict=True))
        ]


def check_file(path: Path | str) -> None:
    """Check that the file is sound, and that no span is in it twice."""
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        for sql, expected in (
            ("PRAGMA integrity_check", [("ok",)]),
            ("PRAGMA foreign_key_check", []),
            ("SELECT trace_id, span_id FROM spans GROUP BY 1, 2 HAVING count(*) > 1", []),
            ("SELECT id FROM recorders WHERE received <> written + skipped + dropped", []),
        ):
            assert connection.execute(sql).fetchall() == expected, sql


class Lines(logging.Handler):
    """Collect the package's log lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(record.getMessage())


@contextlib.contextmanager
def log_lines() -> Iterator[list[str]]:
    """Collect what the package logs meanwhile."""
    handler = Lines()
    logger = logging.getLogger("otel_sqlite_exporter")
    logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)


def outputs_of(
    process: subprocess.Popen[str], seconds: float, *, stop: Callable[[], object] | None = None
) -> tuple[str, str]:
    """Wait for the end of a process, and return what it wrote to its outputs, "" where one is not read apart.

    Args:
        process: The process.
        seconds: How long it may take before it counts as hung.
        stop: How it is stopped then. Default: it is killed.
    """
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        (stop or process.kill)()
        out, err = process.communicate()
        raise AssertionError(f"hung:\n{out}\n{err or ''}") from None
    return out, err or ""


def open_descriptors() -> int:
    """Return how many file descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def exporter_threads() -> list[threading.Thread]:
    """Return the exporter threads that are alive."""
    return [thread for thread in threading.enumerate() if thread.name == "otel-sqlite-exporter"]
