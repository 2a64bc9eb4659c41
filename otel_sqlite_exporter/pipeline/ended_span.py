"""What passes through the queue, and how it is looked at without cost to the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from otel_sqlite_exporter.pipeline.bounded_queue import CHARACTERS_PER_PERMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import ReadableSpan

LLMSpanEvent: TypeAlias = "tuple[ReadableSpan, int]"
"""A light envelope around an ended span, and how many places of the queue it takes.

Nothing is copied, parsed or hashed in the application's thread. A tuple, because making an object of a class of our own
is a quarter of what queueing a span costs (``python -m benchmarks on_end``).
"""


def permits_of(span: ReadableSpan) -> int:
    """Return how many places of the queue a span takes: one, and one more for every 128 Ki characters of attributes."""
    characters = sum([len(value) for value in attributes_of(span).values() if type(value) is str])
    return 1 + characters // CHARACTERS_PER_PERMIT


def attributes_of(span: ReadableSpan) -> Mapping[str, object]:
    """Return the span's attributes as the SDK keeps them.

    The public property wraps the SDK's own dict twice, and every look-up then runs through two Python methods; reading
    a short chat that way took longer than converting it. The property serves whatever is built differently.
    """
    try:
        return span._attributes._dict  # type: ignore[union-attr, no-any-return] # noqa: SLF001 - see above
    except AttributeError:
        return span.attributes or {}
