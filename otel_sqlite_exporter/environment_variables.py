"""The environment variables, as OpenTelemetry's packages tell each other theirs.

``opentelemetry-instrument`` finds this module by its entry point and takes each as an option, such as
``--exporter_sqlite_path``.
"""

from __future__ import annotations

from typing import Final

OTEL_EXPORTER_SQLITE_PATH: Final = "OTEL_EXPORTER_SQLITE_PATH"
"""The database file. Default: ``llm_traces.db`` in the working directory."""

OTEL_EXPORTER_SQLITE_PROCESSOR: Final = "OTEL_EXPORTER_SQLITE_PROCESSOR"
"""``true`` has the launcher add the span and log processors beside whatever is configured. Default: ``false``."""

OTEL_EXPORTER_SQLITE_SPANS: Final = "OTEL_EXPORTER_SQLITE_SPANS"
"""``genai`` for LLM spans, ``all`` for every sampled span. Default: ``genai``."""

OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT: Final = "OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT"
"""``false`` stores no prompts, answers, tool arguments or free text. Default: ``true``."""

OTEL_EXPORTER_SQLITE_MAX_TEXT_BYTES: Final = "OTEL_EXPORTER_SQLITE_MAX_TEXT_BYTES"
"""UTF-8 bytes kept of the texts of one message or attribute."""

OTEL_EXPORTER_SQLITE_RETENTION_DAYS: Final = "OTEL_EXPORTER_SQLITE_RETENTION_DAYS"
"""Traces that ended longer ago are deleted. Default: none are."""

OTEL_EXPORTER_SQLITE_MAX_DATABASE_BYTES: Final = "OTEL_EXPORTER_SQLITE_MAX_DATABASE_BYTES"
"""Size beyond which the oldest traces are deleted. Default: none."""

OTEL_EXPORTER_SQLITE_MAX_QUEUE_SIZE: Final = "OTEL_EXPORTER_SQLITE_MAX_QUEUE_SIZE"
"""Spans that may wait to be written. Default: 512."""

OTEL_EXPORTER_SQLITE_MAX_EXPORT_BATCH_SIZE: Final = "OTEL_EXPORTER_SQLITE_MAX_EXPORT_BATCH_SIZE"
"""Spans in one transaction. Default: 50."""

OTEL_EXPORTER_SQLITE_SCHEDULE_DELAY: Final = "OTEL_EXPORTER_SQLITE_SCHEDULE_DELAY"
"""Longest wait of a span for its transaction, in milliseconds. Default: 500."""

OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT: Final = "OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT"
"""How long ``SQLiteSpanExporter.export`` waits for a locked file, in milliseconds. Default: 5000."""
