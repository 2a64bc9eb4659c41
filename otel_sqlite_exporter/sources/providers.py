"""The tracer and logger providers that a recording listens to: the application's, or ones of its own."""

from __future__ import annotations

import gc
import logging
import os
import weakref
from typing import TYPE_CHECKING, Final, Protocol

from opentelemetry import _logs, trace
from opentelemetry._logs import _internal as logs_api
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.trace import ProxyTracerProvider

from otel_sqlite_exporter.sources.following import FollowingTracerProvider, make_global

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk.trace import SpanProcessor

_logger = logging.getLogger("otel_sqlite_exporter")

LIMIT_VARIABLES: Final = {
    "max_attributes": "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "max_span_attributes": "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "max_event_attributes": "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "max_link_attributes": "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "max_events": "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "max_links": "OTEL_SPAN_LINK_COUNT_LIMIT",
    "max_attribute_length": "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "max_span_attribute_length": "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
}
"""The SDK's limits, each with the variable by which the application sets it."""


class SpanSource(Protocol):
    """A tracer provider of the SDK, or one that wraps it."""

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Have a processor told of every span."""


class Providers:
    """The providers of one process, found or made once, with two processors in each.

    Args:
        span_slot: Is told of every span that ends.
        log_slot: Is told of every log record.
    """

    def __init__(self, span_slot: SpanProcessor, log_slot: LogRecordProcessor) -> None:
        self._span_slot = span_slot
        self._log_slot = log_slot
        self._have_slot: list[weakref.ref[object]] = []
        self._own_tracer_provider: FollowingTracerProvider | None = None
        self._own_logger_provider: LoggerProvider | None = None

    def tracer_provider(self, given: object = None) -> trace.TracerProvider:
        """Return the provider that instrumentors are to report to, with the slot in it.

        Args:
            given: The one that the application named; None for the global one, or one of our own.
        """
        provider = given if given is not None else trace.get_tracer_provider()
        if isinstance(provider, trace.TracerProvider) and self.listen_to(provider):
            return provider
        if given is not None:
            raise TypeError(f"tracer_provider must be an SDK TracerProvider, not {type(given).__name__}")
        if self._own_tracer_provider is None:
            own = self._own_tracer_provider = FollowingTracerProvider(span_limits=_no_limits())
            self.listen_to(own)
            if not isinstance(provider, ProxyTracerProvider):
                _logger.warning(
                    "the global tracer provider is a %s, which takes no span processor: only what record() instruments"
                    " is recorded; pass tracer_provider= where there is another",
                    type(provider).__qualname__,
                )
            elif not make_global(trace, "TRACER_PROVIDER", own, self._follow):
                trace.set_tracer_provider(own)
        return self._own_tracer_provider

    def logger_provider(self, given: object = None) -> _logs.LoggerProvider:
        """Return the provider for log events, as :meth:`tracer_provider` does for spans."""
        provider = given if given is not None else _logs.get_logger_provider()
        if isinstance(provider, _logs.LoggerProvider) and self._listen_to_logs(provider):
            return provider
        if given is not None:
            raise TypeError(f"logger_provider must be an SDK LoggerProvider, not {type(given).__name__}")
        if self._own_logger_provider is None:
            own = self._own_logger_provider = LoggerProvider()
            self._listen_to_logs(own)
            make_global(logs_api, "LOGGER_PROVIDER", own, self._follow_logs)
        return self._own_logger_provider

    def listen_to(self, provider: object) -> bool:
        """Put the slot into a provider beside what is there already; return whether it is there."""
        if not hasattr(provider, "add_span_processor"):
            return False
        if not self._has_slot(provider, "_active_span_processor", "_span_processors", self._span_slot):
            # Phoenix's provider drops its own exporter at the first processor that is added, unless told not to.
            keeps = "_default_processor" in vars(provider)
            options = {"replace_default_processor": False} if keeps else {}
            provider.add_span_processor(self._span_slot, **options)
        return True

    def listen_to_private_ones(self) -> None:
        """Listen to every provider of the SDK in this process, where none is the global one.

        For instrumentors that the application has given a provider of its own, of which nobody else knows.
        """
        if self._own_tracer_provider is not None and self._own_tracer_provider.successor is None:
            for provider in [found for found in gc.get_objects() if isinstance(found, TracerProvider)]:
                self.listen_to(provider)

    def _listen_to_logs(self, provider: object) -> bool:
        if not hasattr(provider, "add_log_record_processor"):
            return False
        if not self._has_slot(provider, "_multi_log_record_processor", "_log_record_processors", self._log_slot):
            provider.add_log_record_processor(self._log_slot)
        return True

    def _has_slot(self, provider: object, group_name: str, list_name: str, slot: object) -> bool:
        """Tell whether a provider has the slot: it says so itself, or it is remembered.

        Logfire's provider wraps one that each ``logfire.configure()`` makes anew.
        """
        inner = getattr(provider, "provider", provider)
        group = getattr(inner, group_name, None)
        processors = getattr(group, list_name, None)
        if isinstance(processors, (tuple, list)):
            return any(processor is slot for processor in processors)
        if any(reference() is inner for reference in self._have_slot):
            return True
        self._have_slot.append(weakref.ref(inner))
        return False

    def _follow(self) -> None:
        """Hand over to the provider that the application has set after ours."""
        another = trace.get_tracer_provider()
        if self._own_tracer_provider is not None and self.listen_to(another):
            self._own_tracer_provider.successor = another

    def _follow_logs(self) -> None:
        self._listen_to_logs(_logs.get_logger_provider())


def _no_limits() -> SpanLimits:
    """Return limits that evict nothing, but for those that the application has set."""
    unset = {name for name, variable in LIMIT_VARIABLES.items() if not os.environ.get(variable, "").strip()}
    general = "max_attributes" in unset
    if not general:  # it holds for spans, events and links, unless they have their own
        unset -= {"max_span_attributes", "max_event_attributes", "max_link_attributes"}
    if "max_attribute_length" not in unset:
        unset -= {"max_span_attribute_length"}
    return SpanLimits(**dict.fromkeys(unset, SpanLimits.UNSET))
