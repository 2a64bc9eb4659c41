"""Record every LLM call of an application in a local SQLite file, through OpenTelemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter._version import __version__
from otel_sqlite_exporter.lazy import loader

if TYPE_CHECKING:
    from otel_sqlite_exporter.exporter import SQLiteSpanExporter
    from otel_sqlite_exporter.ids import trace_id_to_uuid, uuid_to_trace_id
    from otel_sqlite_exporter.log_processor import SQLiteLogRecordProcessor
    from otel_sqlite_exporter.pipeline.counts import Stats
    from otel_sqlite_exporter.processor import SQLiteSpanProcessor
    from otel_sqlite_exporter.reading.database import Database, open_database
    from otel_sqlite_exporter.recording import Recording, record

__all__ = [
    "Database",
    "Recording",
    "SQLiteLogRecordProcessor",
    "SQLiteSpanExporter",
    "SQLiteSpanProcessor",
    "Stats",
    "__version__",
    "open_database",
    "record",
    "trace_id_to_uuid",
    "uuid_to_trace_id",
]

# What one uses is loaded when it is asked for: recording without reading, reading without OpenTelemetry's SDK
# (python -m benchmarks startup).
_LAZY: Final = {
    "Database": "reading.database",
    "Recording": "recording",
    "SQLiteLogRecordProcessor": "log_processor",
    "SQLiteSpanExporter": "exporter",
    "SQLiteSpanProcessor": "processor",
    "Stats": "pipeline.counts",
    "open_database": "reading.database",
    "record": "recording",
    "trace_id_to_uuid": "ids",
    "uuid_to_trace_id": "ids",
}

__getattr__ = loader(__name__, _LAZY)
