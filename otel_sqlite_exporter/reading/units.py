"""Money, tokens, durations, sizes and times as people read them, and texts that must not be obeyed."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from typing import Final

NONE: Final = "—"
"""Stands for what was not reported."""

_NANOSECONDS: Final = 1_000_000_000
_SMALL_COST: Final = 0.01
_TINY_COST: Final = 0.0001
_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_THOUSAND: Final = 1000
_TOKENS: Final = ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k"))
_LATENCY_DIGITS: Final = 10

# Control characters, marks that turn the direction of writing, invisible tags, separators that some take for line ends.
_OBEYED: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_PICTURES: Final = 0x2400
_FIRST_PRINTABLE: Final = 0x20
_DELETE: Final = 0x7F


def visible(text: str) -> str:
    """Return a text in which what a terminal or a browser would obey is shown: escapes, controls, direction marks.

    Line ends and tabs stay; a carriage return before a line end goes.
    """
    return _OBEYED.sub(_shown, text.replace("\r\n", "\n"))


def one_line(text: str, limit: int = 2000) -> str:
    """Return the beginning of a text as one visible line: line ends become ⏎, other white space a blank."""
    # Cut first: of a long text only the beginning is looked at.
    is_cut = len(text) > limit
    line = re.sub(r"\s*\n\s*", " ⏎ ", visible(text[:limit]).strip())
    return re.sub(r"[^\S⏎]+", " ", line) + ("…" if is_cut else "")


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < _FIRST_PRINTABLE:
        return chr(_PICTURES + code)
    return "␡" if code == _DELETE else f"⟨U+{code:04X}⟩"


def money(dollars: float | None) -> str:
    """Return an amount of US dollars: cents, and of less than a cent the digits that say something."""
    if dollars is None:
        return NONE
    if dollars == 0 or abs(dollars) >= _SMALL_COST:
        return f"${dollars:,.2f}" if abs(dollars) >= 1 or dollars == 0 else f"${dollars:.3f}"
    return f"${dollars:.2g}" if abs(dollars) >= _TINY_COST else f"<${_TINY_COST}"


def count(number: int | None) -> str:
    """Return a count with its thousands apart."""
    return NONE if number is None else f"{number:,}"


def counted(number: int | None, one: str, many: str | None = None) -> str:
    """Return how many there are of something: ``1 call``, ``2 calls``.

    Args:
        number: How many, None where that is not known.
        one: Its name.
        many: The name of several; that of one with an ``s`` by default.
    """
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def tokens(number: int | None) -> str:
    """Return a number of tokens, large ones by their order: 987, 9,870, 98.7k, 9.87M."""
    if number is None:
        return NONE
    for size, letter in _TOKENS:
        if abs(number) >= size:
            scale = _THOUSAND if letter == "k" else size
            return f"{number / scale:.3g}{letter}" if number / scale < _THOUSAND else f"{number / scale:.0f}{letter}"
    return f"{number:,}"


def duration(milliseconds: float | None) -> str:
    """Return a duration: 0.4 ms, 320 ms, 2.1 s, 3 min 05 s, 2 h 10 min."""
    if milliseconds is None:
        return NONE
    if abs(milliseconds) < _THOUSAND:
        digits = 1 if abs(milliseconds) < _LATENCY_DIGITS and milliseconds else 0
        return f"{milliseconds:.{digits}f} ms"
    seconds = milliseconds / _THOUSAND
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE):02d} s"
    return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE):02d} min"


def rate(part: float | None) -> str:
    """Return a share as percent."""
    if part is None:
        return NONE
    return f"{part:.0%}" if part == 0 or part >= _SMALL_COST else f"{part:.1%}"


def size(number: int | None) -> str:
    """Return a number of bytes: 312 B, 12 kB, 1.3 MB."""
    if number is None:
        return NONE
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < _THOUSAND:
            return f"{value:.0f} {unit}" if unit == "B" or value >= _LATENCY_DIGITS else f"{value:.1f} {unit}"
        value /= _THOUSAND
    return f"{value:.1f} TB"


def partial(text: str, calls_left_out: int) -> str:
    """Return a sum that lacks some calls with a sign that it is more; what is no sum at all as it is."""
    return f"{text}+" if calls_left_out and text != NONE else text


def failure(error_type: str | None, message: str | None) -> str:
    """Return a failure in words, with its type once."""
    return ": ".join(filter(None, (error_type, failure_message(error_type, message)))) or "failed"


def failure_message(error_type: str | None, message: str | None) -> str:
    """Return what a message says beside the type, with which messages often begin."""
    said = message or ""
    for name in filter(None, (error_type, (error_type or "").rpartition(".")[2])):
        if said.startswith(f"{name}:"):
            said = said[len(name) + 1 :].lstrip()
    return said


def today() -> date:
    """Return the day in the local zone."""
    return datetime.now(timezone.utc).astimezone().date()


def local_time(unix_nano: int | None) -> str:
    """Return a time in the local zone: the hour of today, else the date with it."""
    moment = local_datetime(unix_nano)
    if moment is None:
        return NONE
    day = today()
    if moment.date() == day:
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%m-%d %H:%M" if moment.year == day.year else "%Y-%m-%d %H:%M")


def local_iso(text: str | None) -> str:
    """Return a time of a view, an ISO text in UTC, as :func:`local_time` does."""
    try:
        moment = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return NONE
    return local_time(int(moment.timestamp() * _NANOSECONDS))


def full_time(unix_nano: int | None) -> str:
    """Return a time in the local zone, with date and seconds."""
    moment = local_datetime(unix_nano)
    return NONE if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def iso_time(unix_nano: int | None) -> str | None:
    """Return a time as the views have it: ISO, UTC, milliseconds."""
    moment = local_datetime(unix_nano)
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def local_datetime(unix_nano: int | None) -> datetime | None:
    """Return a time in the local zone, None of what is no time."""
    try:
        return (
            None if unix_nano is None else datetime.fromtimestamp(unix_nano / _NANOSECONDS, timezone.utc).astimezone()
        )
    except (ValueError, OverflowError, OSError):
        return None
