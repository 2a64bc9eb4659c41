"""Measure values of plain JSON: the bytes of their texts, and whether anything in them needs a closer look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.scanning.base64_media import may_hold_base64, may_name_base64
from otel_sqlite_exporter.scanning.notes import SIGN
from otel_sqlite_exporter.texts.cutting import content_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH: Final = 64
"""Deepest nesting that is kept of a value."""

MAX_NODES: Final = 20_000
"""Most values that are kept of one structure."""

MAX_INTEGER: Final = (1 << 63) - 1
"""The largest integer that SQLite can hold."""

UTF8_WORST_CASE: Final = 4
"""Most bytes of a character."""

LONGEST_NAME: Final = 256
"""Longest key, name, id or type, in characters, that is never cut."""

_NAMES: Final = frozenset(
    {
        "type",
        "id",
        "name",
        "role",
        "call_id",
        "tool_call_id",
        "tool_name",
        "file_id",
        "finish_reason",
        "mime_type",
        "modality",
        "sha256",
    }
)
MEDIA_TYPES: Final = frozenset({"blob", "base64", "input_audio", "audio", "image", "media"})
"""Types of objects that hold media."""

MEDIA_MARKS: Final = frozenset({"mime_type", "media_type", "mimeType", "mediaType", "format"})
"""Keys that stand beside media."""

_SIGNS_OF_MEDIA: Final = MEDIA_TYPES | MEDIA_MARKS
_LONGEST_SIGN: Final = max(map(len, _SIGNS_OF_MEDIA))


def is_name(key: str, value: object) -> bool:
    """Tell whether what stands under a key is a name, an id or a type: never cut, and not counted as text."""
    return key in _NAMES and isinstance(value, str) and len(value) <= LONGEST_NAME


def text_bytes(value: object) -> int:
    """Return how many bytes of UTF-8 the texts of a value of plain JSON have, without notes of what is missing."""
    if isinstance(value, dict):
        total = 0
        for key, item in value.items():
            if not isinstance(item, str):
                total += text_bytes(item)
            elif key not in _NAMES or len(item) > LONGEST_NAME:
                total += len(item) if item.isascii() else content_bytes(item)
        return total
    if isinstance(value, str):
        return len(value) if value.isascii() else content_bytes(value)
    return sum([text_bytes(item) for item in value]) if isinstance(value, (list, tuple)) else 0


def texts_of(value: object) -> Iterator[str]:
    """Return the texts of a value of plain JSON, without its names and keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if not is_name(key, item):
                yield from texts_of(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_of(item)


def bytes_of_plain(parts: object, document: str, limit: int) -> int | None:
    """Return what :func:`text_bytes` does, None where something may have to be cut, replaced or repaired.

    One walk tells both: to look for each sign in the document took three times as long
    (``python -m benchmarks instructions``).

    Args:
        parts: A value of plain JSON.
        document: Its JSON.
        limit: How many bytes of it may be stored.
    """
    if (
        len(document) * (1 if document.isascii() else UTF8_WORST_CASE) > limit
        or (len(document) > 2 * MAX_NODES and sum(map(document.count, ",[{")) >= MAX_NODES)  # before every value is one
        or SIGN in document
        or may_name_base64(document)
        or may_hold_base64(document)
    ):
        return None
    try:
        return _measured(parts, MAX_DEPTH)
    except _NeedsCareError:
        return None


class _NeedsCareError(Exception):
    """A value may hold media, is too deep, or is nothing that SQLite and JSON can hold."""


def _measured(value: object, levels: int) -> int:
    kind = type(value)
    if kind is str:
        return _bytes_of(value)  # type: ignore[arg-type]
    total = 0
    if kind is dict and levels:
        for key, item in value.items():  # type: ignore[attr-defined]
            if key in _SIGNS_OF_MEDIA:
                raise _NeedsCareError
            size = _bytes_of(item) if type(item) is str else _measured(item, levels - 1)
            if key not in _NAMES or type(item) is not str or len(item) > LONGEST_NAME:
                total += size
        return total
    if kind is list and levels:
        for item in value:  # type: ignore[attr-defined]
            total += _measured(item, levels - 1)
        return total
    if kind is int and -MAX_INTEGER - 1 <= value <= MAX_INTEGER:  # type: ignore[operator]
        return 0
    if kind is float or kind is bool or value is None:
        return 0
    raise _NeedsCareError


def _bytes_of(text: str) -> int:
    length = len(text)
    if length <= _LONGEST_SIGN and text in _SIGNS_OF_MEDIA:
        raise _NeedsCareError
    return length if text.isascii() else len(text.encode())
