"""The processor observes itself with OpenTelemetry's own SDK metrics, when it is asked to."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.support import RESOURCE

Observed = dict[tuple[str, "str | None"], float]


def observe(reader: InMemoryMetricReader) -> Observed:
    """Return every number data point by metric name and ``error.type``."""
    data = reader.get_metrics_data()
    assert data is not None
    return {
        (
            metric.name,
            str(point.attributes["error.type"]) if "error.type" in (point.attributes or {}) else None,
        ): point.value
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
        if isinstance(point, NumberDataPoint) and point.attributes is not None
    }


def end_spans(processor: SQLiteSpanProcessor, count: int) -> None:
    """End some LLM spans."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    for _ in range(count):
        provider.get_tracer("tests").start_span("chat", attributes={"gen_ai.operation.name": "chat"}).end()


def test_the_semantic_conventions_metrics_count_what_happened(tmp_path: Path) -> None:
    """Processed, exported, capacity and queue size agree with the spans; drops carry ``error.type``."""
    reader = InMemoryMetricReader()
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", meter_provider=MeterProvider([reader]))
    end_spans(processor, 7)
    assert processor.force_flush()
    processor.shutdown()
    end_spans(processor, 2)
    observed = observe(reader)
    assert observed[("otel.sdk.processor.span.queue.capacity", None)] == 512
    assert observed[("otel.sdk.processor.span.queue.size", None)] == 0
    assert observed[("otel.sdk.processor.span.processed", None)] == 7
    assert observed[("otel.sdk.processor.span.processed", "already_shutdown")] == 2
    assert observed[("otel.sdk.exporter.span.exported", None)] == 7
    assert observed[("otel.sdk.exporter.span.inflight", None)] == 0


def test_the_duration_of_writes_is_recorded_in_seconds(tmp_path: Path) -> None:
    """Every transaction is one measurement of ``otel.sdk.exporter.operation.duration``."""
    reader = InMemoryMetricReader()
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", meter_provider=MeterProvider([reader]))
    end_spans(processor, 1)
    assert processor.force_flush()
    data = reader.get_metrics_data()
    assert data is not None
    (metric,) = [m for m in data.resource_metrics[0].scope_metrics[0].metrics if m.name.endswith("operation.duration")]
    assert metric.unit == "s"
    assert [getattr(point, "count", None) for point in metric.data.data_points] == [1]
    processor.shutdown()


def test_nothing_is_registered_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``meter_provider`` the global one is used only where the environment variable is ``true``."""
    from otel_sqlite_exporter.pipeline.self_metrics import meter_provider_in_use

    monkeypatch.delenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", raising=False)
    assert meter_provider_in_use(None) is None
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "1")
    assert meter_provider_in_use(None) is None
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    assert meter_provider_in_use(None) is not None
    SQLiteSpanProcessor(tmp_path / "traces.db").shutdown()


def test_a_broken_meter_provider_does_not_stop_the_recording(tmp_path: Path) -> None:
    """An exception in the application's metrics pipeline costs a log line, not a span."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", meter_provider=MeterProvider())

    def fail(_seconds: float, _error_type: str | None) -> None:
        raise RuntimeError("metrics are down")

    processor._exporter_thread._on_write = fail
    end_spans(processor, 3)
    assert processor.force_flush()
    assert processor.stats().written == 3
    processor.shutdown()
