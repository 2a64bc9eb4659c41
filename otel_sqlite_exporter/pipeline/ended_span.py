"""What passes through the queue, and how it is looked at without cost to the application."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter.pipeline.bounded_queue import CHARACTERS_PER_PERMIT
from otel_sqlite_exporter.pipeline.foreign_errors import is_of_a_handler

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opentelemetry.sdk.trace import Event
    from opentelemetry.trace import Link

LLMSpanEvent: TypeAlias = "tuple[ReadableSpan, int]"
"""A light envelope around an ended span, and the number of its place in the queue.

Nothing is copied, parsed or hashed in the application's thread. A tuple, because making an object of a class of our own
is a quarter of what queueing a span costs (``python -m benchmarks on_end``).
"""

_OWN: Final = {name: getattr(ReadableSpan, name) for name in ("attributes", "events", "links")}
"""The SDK's own properties, of which is known what they return."""

_SCALARS: Final = frozenset({int, float, bool, type(None)})
_ITEM_CHARACTERS: Final = 8  # what a list takes for each item, beside the item
_MOST_ITEMS: Final = 1024
_DEEPEST: Final = 4


def permits_of(span: ReadableSpan) -> int:
    """Return how many places of the queue a span takes: one, and one more for every 128 Ki characters of its texts.

    Those are in attributes of any type, and in the attributes of events and links.
    """
    try:
        characters = _characters_in(attributes_of(span).values())
        for event in events_of(span):
            characters += _characters_in((event.attributes or {}).values())
        for link in links_of(span):
            characters += _characters_in((link.attributes or {}).values())
    except Exception as error:
        if is_of_a_handler(error):
            raise
        return 1  # a value's own code failed; the conversion finds out what of it can be kept
    return 1 + characters // CHARACTERS_PER_PERMIT


def events_of(span: ReadableSpan) -> Sequence[Event]:
    """Return the span's events; looking into the SDK's own container costs a tenth of having it copy itself.

    A class with a property of its own may hide what it holds, so that one is asked.
    """
    return _held(span, "_events", "events")


def links_of(span: ReadableSpan) -> Sequence[Link]:
    """Return the span's links, as :func:`events_of` its events."""
    return _held(span, "_links", "links")


def _held(span: ReadableSpan, container: str, public: str) -> Sequence[Any]:
    try:
        is_own = getattr(type(span), public) is _OWN[public]
        held = getattr(span, container if is_own else public)
    except AttributeError as error:
        if is_of_a_handler(error):
            raise
        held = getattr(span, public)
    items = getattr(held, "_dq", held)
    return tuple(items) if items else ()


def _characters_in(values: Iterable[object], depth: int = 0) -> int:
    characters = 0
    for value in values:
        kind = type(value)
        if kind is str:
            characters += len(value)  # type: ignore[arg-type]
        elif kind not in _SCALARS:
            characters += _characters_of(value, depth)
    return characters


def _characters_of(value: object, depth: int) -> int:
    """Return what a value of any type takes; of a long list, what its first items say of all."""
    if type(value) is tuple and len(value) <= _MOST_ITEMS and depth < _DEEPEST:  # the SDK's own form of a list
        return _ITEM_CHARACTERS * max(len(value), 1) + _characters_in(value, depth + 1)
    if isinstance(value, (str, bytes, bytearray)):
        return len(value)
    if not isinstance(value, (tuple, list, dict, Mapping)) or depth == _DEEPEST:
        return 0
    count = max(len(value), 1)
    items = itertools.islice(value.values() if isinstance(value, Mapping) else value, _MOST_ITEMS)
    return _ITEM_CHARACTERS * count + _characters_in(items, depth + 1) * count // min(count, _MOST_ITEMS)


def attributes_of(span: ReadableSpan) -> Mapping[str, object]:
    """Return the span's attributes, where the SDK's own property would give them, without its wrappers.

    It wraps the SDK's own dict twice, and every look-up then runs through two Python methods; reading a short chat that
    way took longer than converting it. Other classes' own properties are asked, as in :func:`events_of`.
    """
    try:
        if type(span).attributes is _OWN["attributes"]:
            held = span._attributes  # noqa: SLF001 - see above
            return held if type(held) is dict else held._dict  # type: ignore[union-attr] # noqa: SLF001
    except AttributeError as error:
        if is_of_a_handler(error):
            raise
    return span.attributes or {}
