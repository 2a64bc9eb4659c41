"""What an answer of a receiver means for the spans that were sent."""

from __future__ import annotations

import email.utils
import enum
import time
from dataclasses import dataclass
from typing import Final

_LONGEST_MESSAGE: Final = 300
_LONGEST_WAIT: Final = 3600.0


class Verdict(enum.Enum):
    """What becomes of the spans of a request."""

    TAKEN = "the receiver has them"
    WAIT = "nothing is wrong with them: the same again later, for ever"
    LATE = "no answer in time: the same once more, then in parts"
    DOUBTFUL = "they or the receiver: the same again a few times, then in parts"
    REFUSED = "something in them is refused: in parts, until it is found"
    TOO_LARGE = "too much at once: in parts"
    STOP = "no request can succeed before somebody changes a setting"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request.

    Args:
        verdict: What becomes of its spans.
        message: Why, in a few words; empty where all is well.
        rejected: How many of them a partial success refused.
        wait_seconds: How long the receiver asked to wait; None where it did not say.
    """

    verdict: Verdict
    message: str = ""
    rejected: int = 0
    wait_seconds: float | None = None


_WAITING: Final = frozenset({408, 429, 502, 503, 504})
_REFUSING: Final = frozenset({400, 422})
_TOO_LARGE: Final = 413
_SERVER_ERROR: Final = 500
_WORDS: Final = {
    401: "the receiver wants credentials (OTEL_EXPORTER_OTLP_HEADERS)",
    403: "the receiver does not take spans with these credentials (OTEL_EXPORTER_OTLP_HEADERS)",
    404: "there is no receiver at this path",
    405: "there is no receiver at this path",
    407: "the proxy wants credentials",
    415: "the receiver does not take OTLP as protobuf",
}


def answer_of_status(status: int, reason: str, *, retry_after: str | None, location: str | None, body: str) -> Answer:
    """Return what a status other than 2xx means.

    Args:
        status: The HTTP status.
        reason: Its words.
        retry_after: The header of that name.
        location: As above.
        body: What the receiver wrote about it.
    """
    message = one_line(f"{status} {reason}: {body}" if body else f"{status} {reason}".strip())
    if status in _WAITING:
        return Answer(Verdict.WAIT, message, wait_seconds=seconds_of(retry_after))
    if status == _TOO_LARGE:
        return Answer(Verdict.TOO_LARGE, message)
    if status in _REFUSING:
        return Answer(Verdict.REFUSED, message)
    if status >= _SERVER_ERROR:
        return Answer(Verdict.DOUBTFUL, message, wait_seconds=seconds_of(retry_after))
    if location:
        return Answer(Verdict.STOP, f"{status}: the receiver is at {one_line(location)}")
    words = _WORDS.get(status)
    return Answer(Verdict.STOP, f"{words}: {message}" if words else message)


def seconds_of(retry_after: str | None) -> float | None:
    """Return for how long a ``Retry-After`` asks to wait: a number of seconds or a date; at most an hour."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isdecimal():
        return min(float(text[:9]), _LONGEST_WAIT)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(max(moment.timestamp() - time.time(), 0.0), _LONGEST_WAIT)


def one_line(text: str) -> str:
    """Return the beginning of a text in one line, without what a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _LONGEST_MESSAGE]).split())[
        :_LONGEST_MESSAGE
    ]
