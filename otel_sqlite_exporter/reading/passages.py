"""Where a wanted text stands in a message: in what it says, not in the JSON that it is stored as. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.rows.hits import Excerpt
from otel_sqlite_exporter.reading.units import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_sqlite_exporter.reading.building import Json

_BEFORE: Final = 60
_AFTER: Final = 120
_GRAMMAR: Final = frozenset({"type", "modality"})
"""What the kinds of a part are told by: of a message's parts, and everywhere in a schema of a tool."""


class Wanted:
    """A text that is looked for, whatever its case.

    Args:
        text: As it stands there.
    """

    __slots__ = ("_find",)

    def __init__(self, text: str) -> None:
        self._find = re.compile(re.escape(text), re.IGNORECASE).search

    def is_in(self, parts: object) -> bool:
        """Tell whether stored parts say the text, whatever is in that column."""
        return any(self._find(text) for text in texts_of(parts))

    def excerpt(self, text: str | None, parts: object) -> tuple[str, str, str] | None:
        """Return what stands before the text, the text as it stands there and what follows, each on one line.

        Args:
            text: The plain text of a message.
            parts: Its stored parts.
        """
        for whole in (text or "", *texts_of(parts)):
            place = self._find(whole)
            if place is not None:
                begin, end = max(place.start() - _BEFORE, 0), place.end() + _AFTER
                return (
                    ("…" if begin else "") + _line(whole[begin : place.start()]).lstrip(),
                    _line(place[0]),
                    _line(whole[place.end() : end]).rstrip() + ("…" if len(whole) > end else ""),
                )
        return None


def excerpt_of(wanted: Wanted, direction: str, role: str | None, text: str | None, parts: object) -> Excerpt | None:
    """Return where a message has a text, None where it has not."""
    found = wanted.excerpt(text, parts)
    return None if found is None else Excerpt(direction, role, *found)


def texts_of(parts: object) -> Iterator[str]:
    """Return what stored parts say: contents, names, ids, arguments and results; no keys, and no words of the format.

    Args:
        parts: JSON of GenAI message parts; what is no JSON is a text itself.
    """
    if not isinstance(parts, (str, bytes)):
        return
    try:
        said: Json = json.loads(parts)
    except (ValueError, RecursionError):
        yield parts if isinstance(parts, str) else parts.decode("utf-8", "replace")
        return
    for part in said if isinstance(said, list) else [said]:
        if isinstance(part, dict):
            is_schema = part.get("type") == "tool_definitions"
            for key, value in part.items():
                if key not in _GRAMMAR:
                    yield from _values(value, is_schema=is_schema)
        else:
            yield from _values(part, is_schema=False)


def _values(value: Json, *, is_schema: bool) -> Iterator[str]:
    # No recursion: what was sent may be nested as deeply as the parser goes.
    waiting: list[Json] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += reversed([one for key, one in item.items() if not (is_schema and key in _GRAMMAR)])
        elif isinstance(item, list):
            waiting += reversed(item)
        elif item is not None and not isinstance(item, bool):
            yield json.dumps(item)


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", visible(text))
