"""Points in time as people write them: ``2h``, ``7d``, ``today``, a date, an ISO time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Final

from otel_sqlite_exporter.reading.failures import FilterError

_AGO: Final = re.compile(r"(\d{1,6})\s*(s|m|min|h|d|w)", re.IGNORECASE)
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DAYS_BACK: Final = {"today": 0, "yesterday": 1}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FORMS: Final = "give 30m, 2h, 7d, today, yesterday, all, a date (2026-11-26) or an ISO time (2026-11-26T14:00)"


@lru_cache(maxsize=4_096)
def date_of(days: int) -> str:
    """Return the date so many days after 1970 began, by UTC.

    Raises:
        OverflowError: No calendar has it.
    """
    return (_EPOCH + timedelta(days=days)).date().isoformat()


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, as it was written and as it was understood.

    Args:
        text: As written, so that a link with ``since=7d`` means the last seven days whenever it is opened.
        unix_nano: Unix time in nanoseconds; None for ``all``, which is no limit at all.
    """

    text: str
    unix_nano: int | None


def parse_moment(value: object, name: str, *, is_end: bool = False, now: datetime | None = None) -> Moment:
    """Read a point in time.

    Days are by UTC, as everywhere: ``today``, ``yesterday``, dates. A time without an offset is local time, as times
    are shown. A date as the end of a period includes that day.

    Args:
        value: Text, a ``datetime``, a ``date``, a ``timedelta`` (that long ago) or a Moment.
        name: What the value is called where it was given, for the error.
        is_end: Whether the value ends a period.
        now: What ``2h`` and ``today`` count from; now by default.

    Raises:
        FilterError: The value is no point in time.
    """
    if isinstance(value, Moment):
        return value
    now = now or datetime.now(timezone.utc)
    if isinstance(value, datetime):
        return _moment(value.isoformat(), value, name)
    if isinstance(value, date):
        return _moment(value.isoformat(), _midnight(value, is_end=is_end), name)
    if isinstance(value, timedelta):
        return _moment((now - value).isoformat(), now - value, name)
    text = value.strip() if isinstance(value, str) else ""
    try:
        if text.lower() == "all":
            return Moment("all", None)
        return _moment(text, _parse(text, now, is_end=is_end), name)
    except (ValueError, OverflowError):
        raise FilterError(f"{name}: {value!r} is no point in time; {_FORMS}") from None


def _parse(text: str, now: datetime, *, is_end: bool) -> datetime:
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - timedelta(seconds=int(ago[1]) * _UNIT_SECONDS[ago[2].lower()])
    days_back = _DAYS_BACK.get(text.lower())
    if days_back is not None:
        return _midnight(now.astimezone(timezone.utc).date() - timedelta(days=days_back), is_end=is_end)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return _midnight(date.fromisoformat(text), is_end=is_end)
    if not re.match(r"\d{4}-\d\d-\d\d[T ]", text):
        raise ValueError(text)
    # Python 3.10 reads neither a Z nor fractions of three digits and fewer.
    return datetime.fromisoformat(
        re.sub(r"\.(\d+)", lambda found: "." + found[1][:6].ljust(6, "0"), _with_offset(text))
    )


def _with_offset(text: str) -> str:
    # In a query string, a "+" that nobody encoded has become a space.
    return re.sub(r"[zZ]$", "+00:00", re.sub(r" (\d\d:?\d\d)$", r"+\1", text))


def _midnight(day: date, *, is_end: bool) -> datetime:
    return datetime.combine(day + timedelta(days=1) if is_end else day, time(), timezone.utc)


def _moment(text: str, value: datetime, name: str) -> Moment:
    try:
        aware = value.astimezone() if value.tzinfo is None else value
        return Moment(text, (aware - _EPOCH) // timedelta(microseconds=1) * 1000)
    except (ValueError, OverflowError, OSError):
        raise FilterError(f"{name}: {text} is out of range; {_FORMS}") from None
