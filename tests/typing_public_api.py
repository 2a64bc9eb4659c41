"""The public API as a type checker sees it: checked by ``tox -e types``, never run.

What is written here is what applications may rely on: names, arguments, what comes back.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import otel_sqlite_exporter
from otel_sqlite_exporter import (
    Database,
    Recording,
    SQLiteLogRecordProcessor,
    SQLiteSpanExporter,
    SQLiteSpanProcessor,
    Stats,
    open_database,
    record,
    trace_id_to_uuid,
    uuid_to_trace_id,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def redact(key: str, text: str) -> str:
    """Redact nothing."""
    return text if key else ""


def recording() -> None:
    """One call, and what it returns."""
    begun: Recording = record()
    record("traces.db")
    record(
        Path("traces.db"),
        tracer_provider=TracerProvider(),
        logger_provider=LoggerProvider(),
        instrument=False,
        handle_sigterm=False,
        max_text_bytes=1 << 20,
        capture_content=True,
        spans="all",
        redact=redact,
        retention_days=30,
        max_database_bytes=1 << 30,
    )
    with begun as same:
        path: str = same.path
        stats: Stats = same.stats()
        flushed: bool = same.flush(timeout_millis=1000)
        database: Database = same.read()
        database.close()
        address: str = same.view()
        print(path, stats, flushed, address)
    begun.close()


def processors() -> None:
    """The processor, the log processor and the exporter."""
    processor = SQLiteSpanProcessor(
        "traces.db",
        max_queue_size=512,
        max_export_batch_size=50,
        schedule_delay_millis=500.0,
        meter_provider=None,
        max_text_bytes=None,
        capture_content=None,
        spans="genai",
        redact=lambda _key, text: text,
        busy_timeout_millis=5000,
        retention_days=0.5,
        max_database_bytes=None,
        keep_raw_content=False,
    )
    provider = TracerProvider()
    provider.add_span_processor(processor)
    provider.add_span_processor(BatchSpanProcessor(SQLiteSpanExporter(Path("traces.db"), spans="all")))
    LoggerProvider().add_log_record_processor(SQLiteLogRecordProcessor(processor))
    stats = processor.stats()
    counts: tuple[int, int, int, int] = (stats.received, stats.written, stats.skipped, stats.queue_depth)
    dropped: Mapping[str, int] = stats.dropped
    error: str | None = stats.last_error
    written: float | None = stats.last_write_time
    path: str = processor.path
    done: bool = processor.force_flush(1000)
    processor.shutdown(timeout_millis=1000)
    print(counts, dropped, error, written, path, done)


def reading() -> None:
    """The file, read."""
    with open_database("traces.db") as database:
        for call in database.calls(model="gpt-*", since="2h"):
            model: str | None = call.model
            tokens: int | None = call.total_tokens
            print(model, tokens)


def ids() -> None:
    """Trace ids, both ways, and the version."""
    identifier: uuid.UUID = trace_id_to_uuid(1)
    number: int = uuid_to_trace_id(identifier)
    version: str = otel_sqlite_exporter.__version__
    print(number, uuid_to_trace_id(str(identifier)), version)
