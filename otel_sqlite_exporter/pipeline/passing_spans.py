"""Spans that get no row and still matter: they link calls to the agents above, and may carry the user's id."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias

from otel_sqlite_exporter.conventions.recognise import ID_KEYS
from otel_sqlite_exporter.pipeline.ended_span import attributes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

PassingSpan: TypeAlias = "tuple[SpanContext | None, SpanContext | None, Mapping[str, object] | None]"
"""A span's context, its parent's, and its attributes where some of them are ids."""

_MOST: Final = 4096


class PassingSpans:
    """The last spans without rows since the last batch, taken by one thread: of very many the oldest are forgotten.

    Nothing here may cost an application anything that traces every request and query: one atomic append.
    """

    __slots__ = ("_spans", "note")

    def __init__(self) -> None:
        self._spans: deque[PassingSpan] = deque(maxlen=_MOST)
        self.note: Callable[[PassingSpan], None] = self._spans.append
        """Remember a span. Any thread, any time."""

    def __bool__(self) -> bool:
        return bool(self._spans)

    def take(self) -> list[PassingSpan]:
        """Return what was remembered, and forget it."""
        spans = self._spans
        return [spans.popleft() for _ in range(len(spans))]


def passing_span(span: ReadableSpan) -> PassingSpan:
    """Return what is remembered of a span."""
    attributes = attributes_of(span)
    return (span.context, span.parent, None if ID_KEYS.keys().isdisjoint(attributes) else attributes)
