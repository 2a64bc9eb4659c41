"""Turn what emitters put into strings back into values, within bounds.

Every text that might be JSON goes through :func:`parse_json` or :func:`parse_text`; neither ever raises. A decoder
holds the GIL for as long as it works, so texts beyond a size are not decoded at all and stay text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from json import scanner
from typing import Final

from otel_sqlite_exporter.scanning.long_strings import shorten_json
from otel_sqlite_exporter.scanning.nesting import nests_deeper
from otel_sqlite_exporter.scanning.python_reprs import NO_REPR, parse_repr

MAX_JSON_TEXT: Final = 1_000_000
"""Longest text, in characters, that is decoded as JSON."""

MAX_DEPTH: Final = 64
"""Deepest nesting that is looked into: below it, JSON encoders and readers that recurse are still safe."""

UNREADABLE: Final = (RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError)
"""What a reader raises on a shape that nobody foresaw; whoever called it keeps the value as it was."""

_LONGEST_CLASS: Final = 128

MAX_NODES: Final = 100_000
"""Most values that are copied out of one structure."""

NOT_JSON: Final = object()
"""What :func:`parse_json` and :func:`parse_text` answer for a text that is no (readable) value."""

_scan = scanner.make_scanner(json.JSONDecoder(parse_constant=str, strict=False))  # type: ignore[arg-type]
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode

_SPACE: Final = frozenset(" \n\t\r")


def parse_json(text: str) -> object:
    """Return the value a JSON text stands for, or :data:`NOT_JSON`.

    Args:
        text: Any string. Long strings in a text beyond :data:`MAX_JSON_TEXT` are shortened first; a text that is still
            longer, or deeper than :data:`MAX_DEPTH`, counts as not JSON.
    """
    if len(text) > MAX_JSON_TEXT:
        text = shorten_json(text)
        if len(text) > MAX_JSON_TEXT:
            return NOT_JSON
    if text[:1] in _SPACE or text[-1:] in _SPACE:
        text = text.strip()
    if nests_deeper(text, MAX_DEPTH):
        return NOT_JSON
    try:
        value, end = _scan(text, 0)
    except (ValueError, RecursionError, StopIteration):
        return NOT_JSON
    return value if end == len(text) else NOT_JSON


def parse_text(text: str) -> object:
    """Return the structure that a text holds as JSON, double-encoded JSON or a Python literal, or :data:`NOT_JSON`.

    Only texts that look like an array, an object or an encoded string are tried, so that plain prose costs nothing.
    """
    head = text[:1]
    if head in (" ", "\n", "\t", "\r"):
        text = text.strip()
        head = text[:1]
    if head not in ("{", "[", '"', "("):
        if text[-1:] != ")" or not _is_object_repr(text):
            return NOT_JSON
        head = "("
    value = parse_json(text) if head != "(" else NOT_JSON
    if value is NOT_JSON:
        shown = parse_repr(text)
        return NOT_JSON if shown is NO_REPR or is_deep(shown) else shown
    if isinstance(value, str):
        inner = parse_text(value)
        return value if inner is NOT_JSON else inner
    return value


def parse_lines(text: str) -> object:
    """Return the objects that a text holds one a line as JSON, or :data:`NOT_JSON`.

    Args:
        text: Any string that is no JSON as a whole.
    """
    if text[:1] != "{" or text.rstrip()[-1:] != "}" or "}\n" not in text:
        return NOT_JSON
    values = [parse_json(line) for line in text.splitlines() if line.strip()]
    return values if all(isinstance(value, dict) for value in values) else NOT_JSON


def _is_object_repr(text: str) -> bool:
    """Tell the repr of an object with named fields (``Content(parts=[...], role='user')``) from prose."""
    name, bracket, fields = text[:_LONGEST_CLASS].partition("(")
    return bool(bracket) and name.isidentifier() and name[:1].isupper() and fields.partition("=")[0].isidentifier()


def to_json(value: object) -> str:
    """Return compact JSON of a plain value, non-ASCII characters as they are."""
    try:
        return _encode(value)
    except (ValueError, TypeError, RecursionError):
        return str(type(value))


def is_deep(value: object) -> bool:
    """Tell whether a plain value nests deeper than :data:`MAX_DEPTH`."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return False
        level = below
    return True


class Plain(list[object]):
    """A list that holds plain values only, so that nobody need copy it again."""

    __slots__ = ()


def plain(value: object) -> object:
    """Return a JSON-able copy of any value: tuples as lists, bytes as base64, cycles and foreign objects as text."""
    return value if type(value) is Plain else _Copy().of(value, 0)


class _Copy:
    """One bounded copy: remembers where it is, so that a cycle ends, and how much it copied."""

    __slots__ = ("left", "path")

    def __init__(self) -> None:
        self.left = MAX_NODES
        self.path: set[int] = set()

    def of(self, value: object, depth: int) -> object:
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        if isinstance(value, (bytes, bytearray, memoryview)):
            return base64.b64encode(value).decode("ascii")
        self.left -= 1
        if depth >= MAX_DEPTH or self.left < 0 or id(value) in self.path:
            return "..."
        self.path.add(id(value))
        try:
            return self._inside(value, depth + 1)
        finally:
            self.path.discard(id(value))

    def _inside(self, value: object, depth: int) -> object:
        if isinstance(value, Mapping):
            entries: dict[str, object] = {}
            for key, item in value.items():
                if self.left < 0:  # as many of it as there may be: a lazy mapping or sequence has no end
                    break
                entries[key if isinstance(key, str) else _shown(key)] = self._item(item, depth)
            return entries
        if isinstance(value, (Sequence, AbstractSet)):
            items: list[object] = []
            for item in value:
                if self.left < 0:
                    break
                items.append(self._item(item, depth))
            return items
        return _shown(value)

    def _item(self, item: object, depth: int) -> object:
        self.left -= 1
        return self.of(item, depth)


def _shown(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        return f"<{type(value).__name__}>"
