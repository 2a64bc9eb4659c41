"""The application's side of log events: ``on_emit`` looks at a log record, and puts GenAI events into a queue."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from opentelemetry.sdk._logs import LogRecordProcessor

from otel_sqlite_exporter.calls.log_event import event_of
from otel_sqlite_exporter.pipeline.foreign_errors import is_of_a_handler
from otel_sqlite_exporter.processor import SQLiteSpanProcessor

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadWriteLogRecord


class SQLiteLogRecordProcessor(LogRecordProcessor):
    """Join the prompts and answers that an instrumentation emits as log events onto their spans.

    OpenTelemetry's own instrumentations do that in their default mode (``gen_ai.user.message``, ``gen_ai.choice``,
    ``gen_ai.client.inference.operation.details``, ...). An event may come before its span ends or after; evaluation
    events (``gen_ai.evaluation.result``) are kept as span events. Other log records are left alone.

    Like ``SQLiteSpanProcessor.on_end``, ``on_emit`` never blocks, never locks and never raises. Events that find their
    queue full, or no span, are counted in ``recorders``.

    Args:
        span_processor: The processor that records the spans.

    Raises:
        TypeError: ``span_processor`` is not a :class:`SQLiteSpanProcessor`.
    """

    def __init__(self, span_processor: SQLiteSpanProcessor) -> None:
        if not isinstance(span_processor, SQLiteSpanProcessor):
            raise TypeError(f"span_processor must be a SQLiteSpanProcessor, not {type(span_processor).__name__}")
        self._span_processor = span_processor
        self._offer = span_processor.join_log_events()

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queue a GenAI log event."""
        try:
            event = event_of(log_record, threading.get_ident())
        except Exception as error:
            if is_of_a_handler(error):
                raise
            return  # else an odd record's own exception would reach the application
        if event is not None:
            self._offer(event)

    emit = on_emit
    """The name of :meth:`on_emit` in earlier SDKs."""

    def __repr__(self) -> str:
        """Name the processor whose spans the events belong to."""
        return f"<{type(self).__name__} of {self._span_processor!r}>"

    def shutdown(self) -> None:
        """Do nothing: the span processor is shut down by its own provider, and writes what is queued here too."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Wait until the log events so far are joined and written, as :meth:`SQLiteSpanProcessor.force_flush` does."""
        return self._span_processor.force_flush(timeout_millis)
