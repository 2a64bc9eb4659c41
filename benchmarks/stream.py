"""Distinct LLM spans at a steady rate, at next to no cost for whoever ends them."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from benchmarks.workloads import ended_spans, short_chat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TEMPLATES: Final = 50


def distinct_spans(number: int, make: Callable[[int], dict[str, object]] = short_chat) -> Iterator[ReadableSpan]:
    """Yield spans with ids and texts of their own, made of a few templates because inventing text takes long.

    Args:
        number: How many.
        make: Makes a template's attributes.
    """
    templates = ended_spans(make, min(_TEMPLATES, number))
    dice = random.Random()
    first = dice.getrandbits(48)
    for index in range(number):
        template = templates[index % len(templates)]
        attributes = dict(template.attributes or {})
        serial = f"{first + index:x}"
        for key in ("gen_ai.input.messages", "gen_ai.output.messages"):
            attributes[key] = str(attributes[key]).replace('"content": "#', f'"content": "#{serial} ')
        attributes["gen_ai.response.id"] = f"chatcmpl-{serial}"
        context = SpanContext(
            dice.getrandbits(128) | 1, dice.getrandbits(64) | 1, is_remote=False, trace_flags=TraceFlags(1)
        )
        now = time.time_ns()
        yield ReadableSpan(
            template.name,
            context,
            resource=template.resource,
            attributes=attributes,
            kind=template.kind,
            instrumentation_scope=template.instrumentation_scope,
            start_time=now,
            end_time=now + 1_000_000,
        )


class Pace:
    """Tell how many events are due by now at a rate; one who could not run for a while has to catch up."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._start = time.perf_counter()
        self._told = 0

    def due(self) -> int:
        """Return how many events became due since the last call."""
        due = int((time.perf_counter() - self._start) * self._rate) - self._told
        self._told += due
        return due

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start
