"""Spans in groups that are converted step by step: every step for the whole group, and only then the next one.

A step's code and data then stay in the processor's caches. Span by span, with all steps for each, the same instructions
take a quarter longer (``python -m benchmarks cpu``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from otel_sqlite_exporter.pipeline.ended_span import permits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan

_PLACES: Final = 64

_Before = TypeVar("_Before")
_After = TypeVar("_After")


class Failures:
    """What went wrong with spans, each of which costs itself only."""

    __slots__ = ("count", "last")

    def __init__(self) -> None:
        self.count = 0
        self.last: Exception | None = None

    def aside(self, step: Callable[[_Before], _After], items: list[_Before]) -> list[_After]:
        """Take one step with every item, and return what comes out of those with which it succeeds.

        The items are gone then, each as soon as it was dealt with: what waits for its next step is what makes the
        garbage collector run more often.
        """
        results = []
        items.reverse()
        while items:
            try:
                results.append(step(items.pop()))
            except Exception as error:  # noqa: BLE001 - any span whatever may arrive; it is counted and logged
                self.count += 1
                self.last = error
        return results


def groups_of(spans: Iterable[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
    """Yield spans in groups, so small that what is read of a group's spans needs little memory at once.

    Args:
        spans: In the order in which they ended; large ones count as the queue counts them.
    """
    group: list[ReadableSpan] = []
    places = 0
    for span in spans:
        group.append(span)
        places += permits_of(span)
        if places >= _PLACES:
            yield group
            group, places = [], 0
    yield group
