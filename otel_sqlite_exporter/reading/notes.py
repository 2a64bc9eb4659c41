"""What to know about an answer: that the time was over before everything was looked at."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.reading.units import full_time

_NANOSECONDS: Final = 1_000_000_000
_LEAST_SECONDS: Final = 10


class SearchedTo(str):
    """The note of an answer that may lack what stands further back: the seconds of a search were over before its end.

    Args:
        unix_nano: The start of the last span that was looked at.
        seconds: How long the search looked.

    Attributes:
        reached: How far back the search came, in the local zone.
        until: Where to go on, as ``until`` takes it: from the next full second, so that nothing is left out.
        more_seconds: How long to look the next time.
    """

    __slots__ = ("more_seconds", "reached", "until")

    reached: str
    until: str
    more_seconds: int

    def __new__(cls, unix_nano: int, seconds: float) -> SearchedTo:  # noqa: D102, PYI034 - as the class; Self is 3.11's
        reached, until = full_time(unix_nano), full_time(unix_nano + _NANOSECONDS).replace(" ", "T")
        note = super().__new__(cls, f"searched back to {reached}; further back with until={until}")
        note.reached, note.until = reached, until
        note.more_seconds = max(_LEAST_SECONDS, round(10 * seconds))
        return note
