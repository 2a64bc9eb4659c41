"""Room for a whole conversation in a span that is still going on: the SDK's default takes its beginning away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import Span

DEFAULT_LIMIT: Final = 128
"""Attributes that the SDK keeps of a span where nobody says otherwise."""

ENOUGH: Final = 4096
"""Attributes of the longest conversations; a span that is filled without end is still bounded."""

LIMITS: Final = ("OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT")
"""OpenTelemetry's variables for that limit, of any attributes and of a span's."""


def is_default_limit(environment: Mapping[str, str]) -> bool:
    """Tell whether the environment leaves the limit of attributes to the SDK."""
    return not any(environment.get(name, "").strip() for name in LIMITS)


def make_room(span: Span) -> None:
    """Let a span keep more attributes, where the limit is the default.

    Every instrumentation that flattens messages exceeds it with a conversation of a few dozen turns, and what goes
    first is the model, the instructions and the question. There is no public way to change the limit of one span, and
    the provider is the application's. Where the SDK is built differently, all stays as it was, and is said afterwards.

    Args:
        span: One that has just started.
    """
    attributes: Any = span._attributes  # noqa: SLF001 - see above
    if attributes.maxlen == DEFAULT_LIMIT:
        attributes.maxlen = ENOUGH
