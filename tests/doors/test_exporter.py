from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.database.batch import Statements
from tests.support import (
    CHAT,
    check_file,
    end_spans,
    log_lines,
    open_descriptors,
    provider_with,
    query,
    span_of,
    stored,
    value,
    write_locked,
)


def exporter_and_oracle(path: Path, kind: type) -> tuple[SQLiteSpanExporter, InMemorySpanExporter, TracerProvider]:
    """Return our exporter and OpenTelemetry's own, fed by the same provider."""
    exporter, oracle = SQLiteSpanExporter(path), InMemorySpanExporter()
    provider = provider_with(kind(exporter))
    provider.add_span_processor(SimpleSpanProcessor(oracle))
    return exporter, oracle, provider


@pytest.mark.parametrize("kind", [SimpleSpanProcessor, BatchSpanProcessor])
def test_the_file_holds_what_the_in_memory_exporter_holds(tmp_path: Path, kind: type) -> None:
    """Under OpenTelemetry's own processors, every span that its in-memory exporter sees is a row."""
    path = tmp_path / "traces.db"
    _, oracle, provider = exporter_and_oracle(path, kind)
    tracer = provider.get_tracer("t")
    for number in range(120):
        with tracer.start_as_current_span(f"agent {number}", attributes={"gen_ai.operation.name": "invoke_agent"}):
            tracer.start_span("chat", attributes=CHAT).end()
    provider.shutdown()
    expected = {f"{span.context.span_id:016x}" for span in oracle.get_finished_spans() if span.context}
    assert {row[0] for row in query(path, "SELECT span_id FROM spans")} == expected
    assert query(path, "SELECT received, written, skipped, dropped, clean_exit FROM recorders") == [(240, 240, 0, 0, 1)]
    check_file(path)


def test_export_writes_before_it_returns(tmp_path: Path) -> None:
    """SUCCESS means that the spans are in the file."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    assert exporter.export([span_of(span_id=number) for number in range(1, 200)]) is SpanExportResult.SUCCESS
    assert stored(path) == 199
    assert exporter.force_flush() is True
    exporter.shutdown()


def test_export_of_nothing_is_a_success_and_creates_nothing(tmp_path: Path) -> None:
    """Neither an empty export nor one of foreign spans opens a file."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    assert exporter.export([]) is SpanExportResult.SUCCESS
    assert exporter.export([span_of({"http.method": "GET"}, name="GET /")]) is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert list(tmp_path.iterdir()) == []


def test_export_after_shutdown_fails(tmp_path: Path) -> None:
    """After a shutdown every export is a FAILURE and opens nothing; a second shutdown does nothing."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    exporter.shutdown()
    exporter.shutdown()
    assert exporter.export([span_of()]) is SpanExportResult.FAILURE
    assert list(tmp_path.iterdir()) == []


def test_a_locked_file_is_waited_for_within_the_busy_timeout(tmp_path: Path) -> None:
    """An export waits for another process's lock for ``busy_timeout_millis``, then fails and counts."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path, busy_timeout_millis=150)
    exporter.export([span_of(span_id=1)])
    with write_locked(path):
        started = time.monotonic()
        assert exporter.export([span_of(span_id=2), span_of(span_id=3)]) is SpanExportResult.FAILURE
        assert time.monotonic() - started >= 0.14
    assert exporter.export([span_of(span_id=4)]) is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert query(path, "SELECT received, written, dropped_write_error, clean_exit FROM recorders") == [(4, 2, 2, 1)]


def test_spans_that_can_not_be_stored_fail_alone(tmp_path: Path) -> None:
    """A span without ids makes the export a FAILURE; the others are written."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    with log_lines() as lines:
        assert (
            exporter.export([span_of(span_id=1), span_of(trace_id=0), span_of(span_id=2)]) is SpanExportResult.FAILURE
        )
    assert len(lines) == 1
    exporter.shutdown()
    assert stored(path) == 2
    assert query(path, "SELECT received, written, dropped_conversion_error FROM recorders") == [(3, 2, 1)]


@pytest.mark.parametrize("odd", [None, 5, "span", object()], ids=["None", "int", "str", "object"])
def test_what_is_no_span_fails_alone(tmp_path: Path, odd: object) -> None:
    """Whatever else is in a batch costs itself only, and is counted."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    spans = [span_of(span_id=1), odd, span_of(span_id=2)]
    with log_lines() as lines:
        assert exporter.export(spans) is SpanExportResult.FAILURE  # type: ignore[arg-type]
    assert len(lines) == 1
    exporter.shutdown()
    assert stored(path) == 2
    assert query(path, "SELECT received, written, skipped, dropped_conversion_error FROM recorders") == [(3, 2, 0, 1)]


class Telling:
    """A parent's context that quotes what nobody may read."""

    @property
    def span_id(self) -> int:
        """Raise."""
        raise ValueError("my doctor says hello")


def test_no_log_line_quotes_a_span_that_could_not_be_converted(tmp_path: Path) -> None:
    """An error's text may hold content: the log names the error's type."""
    exporter, processor = SQLiteSpanExporter(tmp_path / "1.db"), SQLiteSpanProcessor(tmp_path / "2.db")
    span = span_of()
    span._parent = Telling()  # type: ignore[assignment]
    with log_lines() as lines:
        assert exporter.export([span]) is SpanExportResult.FAILURE
        processor.on_end(span)
        processor.force_flush()
    processor.shutdown()
    exporter.shutdown()
    assert processor.stats().dropped["conversion_error"] == 1
    assert ["ValueError" in line for line in lines] == [True, True]
    assert "doctor" not in "".join(lines)


def test_concurrent_exports_are_all_written(tmp_path: Path) -> None:
    """Threads that export at once wait for each other."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)

    def export(first: int) -> None:
        for number in range(first, first + 25):
            assert exporter.export([span_of(span_id=number)]) is SpanExportResult.SUCCESS

    threads = [threading.Thread(target=export, args=(1 + 100 * number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    exporter.shutdown()
    assert stored(path) == 150
    check_file(path)


def test_a_span_that_ends_in_the_middle_of_an_export_does_not_deadlock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal handler or ``__del__`` may end a span while its own thread exports; that span is stored as well."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    provider = provider_with(SimpleSpanProcessor(exporter))
    write = Statements.write_ledger
    left = [1]

    def interrupted(*arguments: object) -> None:
        if left:
            left.pop()
            provider.get_tracer("handler").start_span("chat from a handler", attributes=CHAT).end()
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Statements, "write_ledger", staticmethod(interrupted))
    provider.get_tracer("t").start_span("chat", attributes=CHAT).end()
    assert {row[0] for row in query(path, "SELECT name FROM spans")} == {"chat", "chat from a handler"}
    provider.shutdown()
    assert query(path, "SELECT received, written, clean_exit FROM recorders") == [(2, 2, 1)]


def test_exporters_that_were_shut_down_leave_no_descriptor(tmp_path: Path) -> None:
    """Twenty exporters later nothing more is open."""
    before = open_descriptors()
    for number in range(1, 21):
        exporter = SQLiteSpanExporter(tmp_path / "traces.db")
        exporter.export([span_of(span_id=number)])
        exporter.shutdown()
    assert open_descriptors() <= before
    assert value(tmp_path / "traces.db", "SELECT count(*) FROM recorders WHERE clean_exit") == 20


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_an_exporter_may_be_forked(tmp_path: Path) -> None:
    """Parent and child write through connections of their own, before and after one another."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    exporter.export([span_of(span_id=1)])
    pid = os.fork()
    if pid == 0:
        results = [exporter.export([span_of(span_id=number)]) for number in range(100, 120)]
        exporter.shutdown()
        os._exit(0 if set(results) == {SpanExportResult.SUCCESS} else 1)
    for number in range(2, 22):
        assert exporter.export([span_of(span_id=number)]) is SpanExportResult.SUCCESS
    assert os.waitpid(pid, 0)[1] == 0
    exporter.shutdown()
    assert stored(path) == 41
    assert query(path, "SELECT written, clean_exit FROM recorders ORDER BY 1") == [(20, 1), (21, 1)]
    check_file(path)


def test_a_provider_that_was_there_first_is_flushed_at_the_exit(tmp_path: Path) -> None:
    """What a batch processor still holds at the end is written, also where its provider shuts down after this."""
    path = tmp_path / "traces.db"
    code = f"""
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
trace.set_tracer_provider(provider)
from otel_sqlite_exporter import SQLiteSpanExporter
provider.add_span_processor(BatchSpanProcessor(SQLiteSpanExporter({str(path)!r})))
provider.get_tracer("x").start_span("chat", attributes={CHAT!r}).end()
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert value(path, "SELECT count(*) FROM llm_calls") == 1
    assert value(path, "SELECT clean_exit FROM recorders") == 1


def test_it_is_a_span_exporter_that_entry_points_can_make() -> None:
    """``OTEL_TRACES_EXPORTER=sqlite`` finds it by its entry point's name, and calls it without arguments."""
    assert issubclass(SQLiteSpanExporter, SpanExporter)
    exporter = SQLiteSpanExporter()
    end_spans(SimpleSpanProcessor(InMemorySpanExporter()), 1)
    exporter.shutdown()


def test_importing_the_processor_leaves_the_reading_of_spans_to_its_thread() -> None:
    """An application starts no slower for the tables that only the writer needs."""
    code = (
        "import sys\nfrom otel_sqlite_exporter import SQLiteSpanProcessor\n"
        "print([name for name in ('kinds', 'bodies') if f'otel_sqlite_exporter.conventions.{name}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
