"""From events to the file: conversion, correlation and the database, for one thread at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_sqlite_exporter.conversion import Converter
from otel_sqlite_exporter.database import Batch, Database
from otel_sqlite_exporter.retention import Retention

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.config import ExporterOptions


class Recorder:
    """Turn ended spans into batches, in the order in which they ended.

    Args:
        options: The exporter options.
    """

    def __init__(self, options: ExporterOptions) -> None:
        self.database = Database(options.path)
        self.retention = Retention(options)
        self._converter = Converter(options)

    def convert(self, spans: Iterable[ReadableSpan]) -> tuple[Batch, int, Exception | None]:
        """Return what is to be written for the spans, how many could not be converted, and the last reason why."""
        batch = Batch()
        failed = 0
        reason: Exception | None = None
        converter = self._converter
        for span in spans:
            try:
                facts = converter.facts(span)
                call = converter.call(facts)
                batch.records.append(converter.record(span, facts, call))
            except Exception as error:  # noqa: BLE001 - any span whatever may arrive; it is counted and logged
                failed += 1
                reason = error
        return batch, failed, reason
