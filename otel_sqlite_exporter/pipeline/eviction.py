"""What to say of the SDK's limit on attributes: it takes the first ones of a long conversation without a word."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.pipeline.room import ENOUGH
from otel_sqlite_exporter.pipeline.trouble_log import warn

REMEDY: Final = (
    f"set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT={ENOUGH} before the tracer provider is made, or give it"
    f" SpanLimits(max_span_attributes={ENOUGH}); record() makes one that keeps all"
)


class Eviction:
    """Say it once per process."""

    is_said = False

    @classmethod
    def report(cls, scope_name: str) -> None:
        """Log that a span came without some of what its instrumentation wrote, and what helps.

        Args:
            scope_name: The instrumentation scope of the first such span.
        """
        if cls.is_said:
            return
        cls.is_said = True
        warn(
            "a span of %s lost attributes to OpenTelemetry's limit (128 for each span, the oldest go first): model,"
            " instructions and first messages may be missing, and attributes_evicted marks such rows. To keep them, %s",
            scope_name or "an unnamed scope",
            REMEDY,
        )
