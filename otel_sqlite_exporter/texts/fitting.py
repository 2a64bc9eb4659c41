"""Cut a value of plain JSON to a size: names, ids and types stay whole, texts share the room that there is.

Sizes are bytes of JSON in UTF-8, escapes included. What is no text (names, keys, numbers, brackets) may take
:data:`STRUCTURE_BYTES` more than the limit, so that even a small limit leaves a tool call its shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.texts.cleaning import unused
from otel_sqlite_exporter.texts.cutting import cut, json_bytes
from otel_sqlite_exporter.texts.measuring import LONGEST_NAME, is_name, text_bytes, texts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.conventions.call import JSONValue

STRUCTURE_BYTES: Final = 1024
"""How many bytes beyond the limit the JSON of a message or an attribute may take."""

_SPARE_BYTES: Final = 64
"""For the part that says how many parts are left out, and for the number of a second key that is cut alike."""

_SMALLEST_SHARE: Final = 512
_SHORT_TEXT: Final = 32
"""So many bytes of each text are worth more than another text of which nothing could be read."""


def fit(value: JSONValue, limit: int) -> tuple[JSONValue, int]:
    """Return a value that keeps the limit, and how many bytes of texts and structure were cut from it.

    A text that is cut has a note of that (:func:`~otel_sqlite_exporter.texts.cutting.cut`).

    Args:
        value: Plain JSON: only dicts with str keys, lists, and what they may hold.
        limit: Bytes of its texts, and, with :data:`STRUCTURE_BYTES`, of all its JSON.
    """
    sizes = _Sizes(limit)
    texts = sizes.texts(value)
    structure = sizes.of(value) - _shortest(texts)
    room = limit + STRUCTURE_BYTES - _SPARE_BYTES
    if sum(texts) <= min(limit, room - structure):
        return value, 0
    before = structure + text_bytes(value)
    # What can't be shortened leaves half of the limit to long texts, if there are any.
    most = max(limit - min(sum(texts) - _shortest(texts), limit // 2), room - limit)
    if structure + _shortest(texts) > most and isinstance(value, (list, dict)):
        value, size = sizes.pruned(value, most)
        texts = sizes.texts(value)
        structure = size - _shortest(texts)
    value = _with_texts_cut(value, _share(texts, min(limit, room - structure)))
    return value, max(before - structure - text_bytes(value), 0)


def _shortest(sizes: Sequence[int]) -> int:
    return sum(min(size, _SHORT_TEXT) for size in sizes)


def _share(sizes: Sequence[int], room: int) -> int:
    """Return how much each may keep, if those that need less than their share leave the rest to the others."""
    left = room
    for position, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - position)
        if size > share:
            return share
        left -= size
    return room


def _with_texts_cut(value: JSONValue, limit: int) -> JSONValue:
    if isinstance(value, str):
        return cut(value, limit, json_bytes)
    if isinstance(value, dict):
        return {key: item if is_name(key, item) else _with_texts_cut(item, limit) for key, item in value.items()}
    return [_with_texts_cut(item, limit) for item in value] if isinstance(value, list) else value


class _Sizes:
    """What values take with the beginnings of their texts, each container measured once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: dict[int, int] = {}

    def of(self, value: JSONValue) -> int:
        """Return the bytes of a value's structure, with the shortest beginning of each text."""
        if isinstance(value, str):
            return 2 + min(self._text(value), _SHORT_TEXT)
        if not isinstance(value, (dict, list)):
            return len(repr(value))  # None is as long as null, and so on
        size = self._known.get(id(value))
        if size is None:
            entries = value.items() if isinstance(value, dict) else (("", item) for item in value)
            size = 2 + sum(self._entry(key, item, in_list=isinstance(value, list)) for key, item in entries)
            self._known[id(value)] = size
        return size

    def texts(self, value: JSONValue) -> list[int]:
        """Return the bytes of each text that may be cut; of one beyond the limit, no less than the limit."""
        return [self._text(text) for text in texts_of(value)]

    def _text(self, text: str) -> int:
        return len(text) if len(text) > self._limit else json_bytes(text)

    def pruned(self, value: JSONValue, room: int) -> tuple[JSONValue, int]:
        """Return a list or dict without what its structure has no room for, and the size of what is left.

        A dict's names come first. Then its items, or a list's, share the room as texts do; but none gets so little
        that nothing could be read in it: instead, those at the end are left out.
        """
        in_list = isinstance(value, list)
        entries = list(value.items()) if isinstance(value, dict) else [("", item) for item in value]  # type: ignore[union-attr]
        sizes = [self._entry(key, item, in_list=in_list) for key, item in entries]
        left = room - 2
        share = max(_share(sizes, left), _SMALLEST_SHARE)
        kept: dict[int, tuple[str, JSONValue]] = {}
        for position in sorted(range(len(entries)), key=lambda position: not is_name(*entries[position])):
            key, item = entries[position]
            if sizes[position] > min(share, left):
                if is_name(key, item):
                    continue
                key = cut(key, LONGEST_NAME - _SPARE_BYTES, json_bytes)
                head = 1 if in_list else 4 + json_bytes(key) + (_SPARE_BYTES if key != entries[position][0] else 0)
                least = head + self._least(item)
                if least > left:
                    if in_list:
                        break
                    continue
                size = head + self.of(item)
                if size > min(share, left):
                    item, size = self.pruned(item, max(least, min(share, left)) - head)
                    size += head
                left -= size
            else:
                left -= sizes[position]
            kept[position] = (key, item)
        if in_list:
            return [item for _, item in kept.values()], room - left
        result: dict[str, JSONValue] = {}
        for position in sorted(kept):
            key, item = kept[position]
            result[unused(key, result)] = item
        return result, room - left

    def _entry(self, key: str, value: JSONValue, *, in_list: bool) -> int:
        head = 1 if in_list else 4 + json_bytes(key)
        if isinstance(value, str) and is_name(key, value):
            return head + 2 + json_bytes(value)
        return head + self.of(value)

    def _least(self, value: JSONValue) -> int:
        """Return what is needed for anything of a value to be worth keeping: a dict's names."""
        if isinstance(value, dict):
            names = ((key, item) for key, item in value.items() if is_name(key, item))
            return 2 + sum(self._entry(key, item, in_list=False) for key, item in names)
        return 2 if isinstance(value, list) else self.of(value)
