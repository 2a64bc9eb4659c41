"""The hook of OpenTelemetry's launcher: the real processors, beside whatever is configured, without a line of code.

``opentelemetry-instrument`` calls :func:`add_processors` once the providers are configured and before anything is
instrumented. Unless ``OTEL_EXPORTER_SQLITE_PROCESSOR`` is ``true`` it does nothing and loads nothing.
"""

from __future__ import annotations

import logging
import os

_logger = logging.getLogger("otel_sqlite_exporter")


def add_processors() -> None:
    """Record what the launcher instruments, if the environment asks for it. Raises nothing."""
    if os.environ.get("OTEL_EXPORTER_SQLITE_PROCESSOR", "").strip().lower() != "true":
        return
    if "sqlite" in os.environ.get("OTEL_TRACES_EXPORTER", ""):
        _logger.warning("OTEL_EXPORTER_SQLITE_PROCESSOR=true records every call: OTEL_TRACES_EXPORTER needs no sqlite")
    try:
        from otel_sqlite_exporter.recording import record  # noqa: PLC0415 - most processes don't ask for it

        record(instrument=False)
    except Exception as error:  # noqa: BLE001 - the application starts in any case
        _logger.warning("OTEL_EXPORTER_SQLITE_PROCESSOR=true, but nothing can be recorded: %s", error)
