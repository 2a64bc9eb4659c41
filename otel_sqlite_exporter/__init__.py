"""Record every LLM call of an application in a local SQLite file, through OpenTelemetry."""

from otel_sqlite_exporter._version import __version__
from otel_sqlite_exporter.exporter import SQLiteSpanExporter
from otel_sqlite_exporter.ids import trace_id_to_uuid, uuid_to_trace_id
from otel_sqlite_exporter.log_processor import SQLiteLogRecordProcessor
from otel_sqlite_exporter.processor import SQLiteSpanProcessor
from otel_sqlite_exporter.stats import Stats

__all__ = [
    "SQLiteLogRecordProcessor",
    "SQLiteSpanExporter",
    "SQLiteSpanProcessor",
    "Stats",
    "__version__",
    "trace_id_to_uuid",
    "uuid_to_trace_id",
]
