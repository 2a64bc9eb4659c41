"""What ends a sending, each in one line that says what to do."""

from __future__ import annotations

from otel_sqlite_exporter.reading.failures import ReadingError


class SendingError(ReadingError):
    """Sending can't go on before somebody does something; its text is one line."""


class StoppedError(Exception):
    """Somebody asked to stop; everything that was acknowledged is noted."""
