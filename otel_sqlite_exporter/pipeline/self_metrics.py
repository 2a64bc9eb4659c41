"""Self-metrics of the processor, as OpenTelemetry's semantic conventions for SDK metrics define them.

https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/

Counts are observed when a reader asks, from the tally that exists anyway: recording a span pays nothing for them.
"""

from __future__ import annotations

import itertools
import os
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import CallbackOptions, Observation, get_meter_provider

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from otel_sqlite_exporter.pipeline.counts import Tally

_ENABLED: Final = "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
_PROCESSOR_TYPE: Final = "otel_sqlite_exporter.SQLiteSpanProcessor"
_EXPORTER_TYPE: Final = "otel_sqlite_exporter.SQLiteSpanExporter"

_instance = itertools.count()

Observe = Callable[["Tally"], Iterable[tuple[int, "str | None"]]]
"""Reads (value, ``error.type``) pairs off a tally."""


def _processed(tally: Tally) -> Iterable[tuple[int, str | None]]:
    dropped = tally.counts().dropped
    yield tally.taken, None
    for reason in ("queue_full", "already_shutdown"):
        yield dropped[reason], reason


def _exported(tally: Tally) -> Iterable[tuple[int, str | None]]:
    counts = tally.counts()
    yield counts.written, None
    for reason in ("write_error", "conversion_error"):
        yield counts.dropped[reason], reason


def meter_provider_in_use(meter_provider: MeterProvider | None) -> MeterProvider | None:
    """Return the provider to record with: the given one, the global one where the environment asks for it, or None.

    Raises:
        TypeError: The given one is no meter provider.
    """
    if meter_provider is not None and not callable(getattr(meter_provider, "get_meter", None)):
        raise TypeError(f"meter_provider must be a MeterProvider, not {meter_provider!r}")
    if meter_provider is None and os.environ.get(_ENABLED, "").strip().lower() == "true":
        return get_meter_provider()
    return meter_provider


def record_metrics(meter_provider: MeterProvider, tally: Tally, capacity: int) -> Callable[[float, str | None], None]:
    """Register the instruments of one processor.

    Args:
        meter_provider: Where to register them.
        tally: The processor's counts; no longer observed once the processor is gone.
        capacity: The capacity of its queue, in spans.

    Returns:
        A callable on (duration in seconds, ``error.type`` or None), to be called after every write.
    """
    meter = meter_provider.get_meter("otel_sqlite_exporter")
    number = next(_instance)
    processor = {"otel.component.type": _PROCESSOR_TYPE, "otel.component.name": f"{_PROCESSOR_TYPE}/{number}"}
    exporter = {"otel.component.type": _EXPORTER_TYPE, "otel.component.name": f"{_EXPORTER_TYPE}/{number}"}
    reference = weakref.ref(tally)

    def callback(component: dict[str, str], observe: Observe) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observations(_: CallbackOptions) -> Iterable[Observation]:
            current = reference()
            if current is None:
                return
            for value, error_type in observe(current):
                if value or error_type is None:
                    yield Observation(
                        value, component if error_type is None else {**component, "error.type": error_type}
                    )

        return observations

    meter.create_observable_up_down_counter(
        "otel.sdk.processor.span.queue.size",
        callbacks=[callback(processor, lambda current: [(current.queue_depth, None)])],
        unit="{span}",
        description="The number of spans in the queue of a given instance of an SDK span processor.",
    )
    meter.create_observable_up_down_counter(
        "otel.sdk.processor.span.queue.capacity",
        callbacks=[callback(processor, lambda _: [(capacity, None)])],
        unit="{span}",
        description="The maximum number of spans the queue of a given instance of an SDK span processor can hold.",
    )
    meter.create_observable_counter(
        "otel.sdk.processor.span.processed",
        callbacks=[callback(processor, _processed)],
        unit="{span}",
        description="The number of spans for which the processing has finished, either successful or failed.",
    )
    meter.create_observable_up_down_counter(
        "otel.sdk.exporter.span.inflight",
        callbacks=[callback(exporter, lambda current: [(current.in_hand, None)])],
        unit="{span}",
        description="The number of spans which were passed to the exporter, but that have not been exported yet.",
    )
    meter.create_observable_counter(
        "otel.sdk.exporter.span.exported",
        callbacks=[callback(exporter, _exported)],
        unit="{span}",
        description="The number of spans for which the export has finished, either successful or failed.",
    )
    duration = meter.create_histogram(
        "otel.sdk.exporter.operation.duration",
        unit="s",
        description="The duration of exporting a batch of telemetry records.",
    )

    def record_operation(seconds: float, error_type: str | None) -> None:
        duration.record(seconds, exporter if error_type is None else {**exporter, "error.type": error_type})

    return record_operation
