"""Read one attribute value as what a column holds: None wherever the value does not say it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import lru_cache
from typing import Final

from otel_sqlite_exporter.conventions.key_words import member_of
from otel_sqlite_exporter.conventions.parse import NOT_JSON, parse_json, parse_text

MAX_COUNT: Final = 10**12
"""More tokens for one call are a mistake, and sums of such mistakes overflow."""

_SPACE: Final = frozenset(" \n\t\r")
_NO_NAMES: Final = frozenset(
    {"unknown", "Unknown", "UNKNOWN", "unknown_model", "undefined", "N/A", "n/a", "<unset>", "<unknown>"}
)
_FEWEST_BLANKS: Final = 3  # "Google Vertex AI" has two
_FULL_STOPS: Final = frozenset(".!?。！？")  # noqa: RUF001 - as other scripts write them
_BRACKETS: Final = frozenset("{[")
# How a string may begin that is encoded, padded, or stands for nothing ("None", "null").
_ODD: Final = frozenset('"Nn') | _SPACE


def text(value: object) -> str | None:
    """Return a non-empty string; a JSON-encoded string is decoded, a number is written out."""
    if type(value) is str and value[:1] not in _ODD and value[-1:] not in _SPACE:
        return value or None
    if isinstance(value, str):
        if value[:1] == '"':
            decoded = parse_json(value)
            if isinstance(decoded, str):
                value = decoded
        value = value.strip()
        return value if value and value not in ("None", "null") else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)


def is_sentence(value: object) -> bool:
    """Tell what somebody says from the name of something, whose words mostly begin with capitals."""
    if not isinstance(value, str):
        return False
    if value[-1:] in _FULL_STOPS and not value.isascii():
        return True
    words = value.split()
    small = sum(not word[0].isupper() for word in words[1:])
    if value[-1:] in _FULL_STOPS and small:
        return True
    return len(words) > _FEWEST_BLANKS and 2 * small >= len(words)


def identifier(value: object) -> str | None:
    """Return an id, or a name that somebody chose; the words that stand for an unknown one are none.

    A conversation of that name would hold the calls of all that have none.
    """
    found = text(value)
    return None if found in _NO_NAMES else found


def name(value: object) -> str | None:
    """Return a name as :func:`identifier` does; an object that holds one is not it."""
    found = identifier(value)
    return None if found is None or found[:1] in _BRACKETS else found


def class_name(value: object) -> str | None:
    """Return the name of an error's class, out of its repr (``<class 'openai.RateLimitError'>``) as well."""
    found = text(value)
    if found is not None and found.startswith("<class '"):
        return found[len("<class '") :].partition("'")[0] or None
    return found


def is_count(value: object) -> bool | None:
    """Return True for a count that says something, whatever its number."""
    return True if count(value) is not None else None


def count(value: object) -> int | None:
    """Return a token count: a whole number from 0 up to 10**12, however it is written."""
    if type(value) is int:
        return value if 0 <= value <= MAX_COUNT else None
    number_value = number(value)
    if number_value is None or not 0 <= number_value <= MAX_COUNT or number_value != int(number_value):
        return None
    return int(number_value)


def positive(value: object) -> int | None:
    """Return a count above 0: a call has at least one input token, so that a 0 is a default and not a report."""
    counted = count(value)
    return counted or None


def number(value: object) -> float | None:
    """Return a finite number, also from a numeric string."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = value.strip().strip('"')
        if len(value) > 64 or not value.isascii():  # noqa: PLR2004 - no number worth reading is longer
            return None
    elif not isinstance(value, (int, float)):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def amount(value: object) -> float | None:
    """Return a cost above 0: without a price, emitters write 0."""
    cost = number(value)
    return cost if cost is not None and cost > 0 else None


def milliseconds_of_seconds(value: object) -> float | None:
    """Return a duration given in seconds as milliseconds."""
    seconds = number(value)
    return seconds * 1000 if seconds is not None and seconds > 0 else None


def milliseconds(value: object) -> float | None:
    """Return a duration given in milliseconds."""
    duration = number(value)
    return duration if duration is not None and duration > 0 else None


def flag(value: object) -> bool | None:
    """Return a boolean, also from its usual spellings as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().strip('"').lower())
    return None


def failure(value: object) -> bool | None:
    """Return True for a flag or a word by which an emitter says that something failed."""
    if isinstance(value, str):
        return value.strip('"').lower() in ("error", "failed", "failure", "exception", "true") or None
    return value is True or None


def told_error(value: object) -> str | None:
    """Return what an emitter says of an error; the words for none are none."""
    found = "true" if value is True else text(value)
    return None if found is None or found.lower() in ("false", "no", "ok", "[]", "{}", "0") else found


def service_tier(value: object) -> str | None:
    """Return the tier that served a call; the wish that the provider may choose one is none."""
    found = text(value)
    return None if found is None or found.lower() == "auto" else found.lower()


def normalised(value: object) -> bool | None:
    """Return True for the name of a framework that brings all providers' counts into one form."""
    return True if text(value) in ("langchain", "llamaindex", "dspy") else None


def texts(value: object) -> list[str] | None:
    """Return a list of non-empty strings from a list, a JSON list in a string, or one string."""
    if isinstance(value, str):
        parsed = parse_text(value)
        value = value.split(",") if parsed is NOT_JSON else parsed
    if isinstance(value, (tuple, list)):  # nearly always: the SDK's own form of a list
        items: Sequence[object] = value
    else:
        items = [value] if isinstance(value, (str, int)) else value if isinstance(value, Sequence) else []
    found: list[str] = []
    for item in items:
        is_short = type(item) is str and len(item) <= _LONGEST_KNOWN_WORD
        word = _known_word(item) if is_short else enum_text(item)
        if word is not None:
            found.append(word)
    return found or None


def enum_text(value: object) -> str | None:
    """Return a word; of a Python enum's repr or str (``FinishReason.STOP``) only the member's name."""
    word = text(value)
    if word is None or not ("." in word or word.startswith("<")):
        return word
    if word.startswith("<"):
        word = word[1:].split(":", 1)[0]
    return member_of(word)


_LONGEST_KNOWN_WORD: Final = 64
_known_word: Final = lru_cache(maxsize=256)(enum_text)


def unix_nano(value: object) -> int | None:
    """Return a point in time, an ISO 8601 text or a Unix time in any unit, as Unix nanoseconds."""
    if isinstance(value, str):
        moment = text(value)
        if moment is not None and not moment.replace(".", "", 1).isdigit():
            return _iso_nano(moment)
    point = number(value)
    if point is None or point <= 0:
        return None
    for unit in (1e9, 1e6, 1e3, 1):
        if 1e17 < point * unit < 1e19:  # noqa: PLR2004 - the years 1973 to 2286 in nanoseconds
            return int(point * unit)
    return None


def _iso_nano(moment: str) -> int | None:
    try:
        parsed = datetime.fromisoformat(moment.replace("Z", "+00:00"))
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
        return int(aware.timestamp() * 1e6) * 1000
    except (ValueError, OverflowError):
        return None
