"""Get the spans of a page to the receiver, whatever it answers."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from otel_sqlite_exporter.sending.answers import Answer, Verdict
from otel_sqlite_exporter.sending.failures import SendingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.sending.stopping import Stop

MAX_BYTES: Final = 3_000_000
"""Of one request: Collectors take 4 MiB over gRPC, and pass on what they get."""

_SMALLEST_LIMIT: Final = 16_384
_DOUBTS: Final = 5
_LATE: Final = 2
_GROWTH: Final = 32
"""Requests that are taken one after another, after which larger ones are tried again."""
_HOPELESS: Final = 32
"""Refused requests without one that is taken, after which it is not the spans."""


class Receiver(Protocol):
    """Who takes spans."""

    def encode(self, spans: Sequence[ReadableSpan], /) -> bytes:
        """Return the request for some spans."""

    def send(self, spans: Sequence[ReadableSpan], payload: bytes, /) -> Answer:
        """Send a request and return what its answer means."""

    def close(self) -> None:
        """Let go of what it holds."""


@dataclass(slots=True)
class Delivered:
    """What became of the spans of a page.

    Args:
        sent: Spans that the receiver has.
        rejected: Spans that it refused in a partial success.
        set_aside: Spans that no request with them was taken for.
        requests: Requests that were taken.
        size: Their bytes.
        taken: A span of the last of them.
    """

    sent: int = 0
    rejected: int = 0
    set_aside: int = 0
    requests: int = 0
    size: int = 0
    taken: Sequence[ReadableSpan] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait before the same request is sent again: twice as long each time, some of it by chance.

    Args:
        first: Seconds.
        longest: Seconds.
    """

    first: float = 1.0
    longest: float = 30.0

    def seconds(self, attempt: int) -> float:
        """Return how long to wait after an attempt, counted from 0."""
        whole = min(self.first * float(1 << min(attempt, 30)), self.longest)
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - so that senders do not knock together


class Delivery:
    """Get pages of spans to a receiver: one request at a time, in order.

    Args:
        receiver: Who takes them.
        stop: Whether to give up.
        tell: Takes one line for each change of state.
        note: Keeps what is wrong now, None once nothing is.
        waits: Pauses between attempts.
    """

    def __init__(
        self,
        receiver: Receiver,
        stop: Stop,
        *,
        tell: Callable[[str], None],
        note: Callable[[str | None], None],
        waits: Waits | None = None,
    ) -> None:
        self._receiver = receiver
        self._stop = stop
        self._tell = tell
        self._note = note
        self._waits = waits or Waits()
        self._max_bytes = MAX_BYTES
        self._taken = 0
        self._trouble: str | None = None
        self._said = ""

    def deliver(self, spans: Sequence[ReadableSpan], others: Callable[[], Sequence[ReadableSpan]]) -> Delivered:
        """Send spans until the receiver has all that it takes.

        A span that is refused alone is set aside only where others are taken: else nothing tells it from a receiver
        that takes none.

        Args:
            spans: The page.
            others: Gives spans that were acknowledged before, to see whether the receiver takes anything.

        Raises:
            SendingError: Nothing can be sent before somebody changes a setting.
            StoppedError: Somebody asked to stop; some of the spans may have been sent.
        """
        attempt = 0
        while True:
            result, suspects = self._pass(spans)
            if not suspects:
                return result
            if result.requests and all(answer.verdict is Verdict.REFUSED for _, answer in suspects):
                for span, answer in suspects:
                    self._set_aside(span, answer.message, result)
                return result
            known = [*result.taken, *others()]
            if self._takes_any(known) and self._settle(suspects, known, result):
                return result
            answer = suspects[-1][1]
            if answer.verdict is Verdict.REFUSED:
                raise SendingError(f"the receiver refuses every span, and took none of these before: {answer.message}")
            self._pause(attempt, answer)
            attempt += 1

    def _settle(
        self, suspects: Sequence[tuple[ReadableSpan, Answer]], known: Sequence[ReadableSpan], result: Delivered
    ) -> bool:
        """Send what was refused alone once more, now that others are taken; return whether that settled it.

        A server may have come back in the midst of a page: what fails between two that are taken is to blame.
        """
        refused: list[tuple[ReadableSpan, str]] = []
        for span, _ in suspects:
            payload = self._receiver.encode([span])
            answer = self._insist([span], payload)
            if answer.verdict is Verdict.TAKEN:
                self._count([span], payload, answer, result)
            else:
                refused.append((span, answer.message))
        if refused and not self._takes_any(known):
            return False
        for span, message in refused:
            self._set_aside(span, message, result)
        return True

    def _pass(self, spans: Sequence[ReadableSpan]) -> tuple[Delivered, list[tuple[ReadableSpan, Answer]]]:
        """Send a page once, in parts where it has to be; return what is refused alone."""
        result = Delivered()
        suspects: list[tuple[ReadableSpan, Answer]] = []
        parts = deque([spans])
        refused = 0
        while parts:
            part = parts.popleft()
            payload = self._encoded(part, parts, result)
            if payload is None:
                continue
            answer = self._insist(part, payload)
            if answer.verdict is Verdict.TAKEN:
                self._count(part, payload, answer, result)
            elif answer.verdict in {Verdict.TOO_LARGE, Verdict.LATE}:
                self._make_smaller(part, payload, answer, parts, result)
            elif len(part) > 1:
                parts.extend(_halves(part))  # behind the others: one that is taken tells more
            else:
                suspects.append((part[0], answer))
            refused += answer.verdict in {Verdict.REFUSED, Verdict.DOUBTFUL}
            if refused >= _HOPELESS and not result.requests:
                suspects.append((part[0], answer))
                break
        return result, suspects

    def _encoded(
        self, part: Sequence[ReadableSpan], parts: deque[Sequence[ReadableSpan]], result: Delivered
    ) -> bytes | None:
        """Return the request for a part; None where it went back in halves, or is a span that can't be encoded."""
        try:
            payload = self._receiver.encode(part)
        except Exception as error:  # noqa: BLE001 - whatever the encoder makes of what somebody wrote into the file
            if len(part) == 1:
                self._set_aside(part[0], f"it can't be encoded: {error}", result)
                return None
        else:
            if len(payload) <= self._max_bytes or len(part) == 1:
                return payload
        parts.extendleft(reversed(_halves(part)))
        return None

    def _insist(self, part: Sequence[ReadableSpan], payload: bytes) -> Answer:
        """Send a request until something is known about it."""
        attempt = doubts = late = 0
        while True:
            self._stop.wait(0)
            answer = self._receiver.send(part, payload)
            if answer.verdict is Verdict.STOP:
                raise SendingError(answer.message)
            if answer.verdict is Verdict.TAKEN:
                self._is_well()
            doubts += answer.verdict is Verdict.DOUBTFUL
            late += answer.verdict is Verdict.LATE
            is_worth_waiting = (
                answer.verdict is Verdict.WAIT
                or (answer.verdict is Verdict.DOUBTFUL and doubts < _DOUBTS)
                or (answer.verdict is Verdict.LATE and (late < _LATE or len(part) == 1))
            )
            if not is_worth_waiting:
                return answer
            self._pause(attempt, answer)
            attempt += 1

    def _pause(self, attempt: int, answer: Answer) -> None:
        if self._trouble is None:
            self._tell(f"waiting for the receiver: {answer.message}")
            self._note(answer.message)
        self._trouble = answer.message
        self._stop.wait(max(self._waits.seconds(attempt), answer.wait_seconds or 0.0))

    def _is_well(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            self._note(None)
            self._tell("the receiver takes spans again")

    def _takes_any(self, others: Sequence[ReadableSpan]) -> bool:
        return any(self._insist([span], self._receiver.encode([span])).verdict is Verdict.TAKEN for span in others)

    def _count(self, part: Sequence[ReadableSpan], payload: bytes, answer: Answer, result: Delivered) -> None:
        self._taken += 1
        if self._taken % _GROWTH == 0:
            self._max_bytes = min(2 * self._max_bytes, MAX_BYTES)
        rejected = min(answer.rejected, len(part))
        result.sent += len(part) - rejected
        result.rejected += rejected
        result.requests += 1
        result.size += len(payload)
        result.taken = part[:1]
        if rejected or answer.message:
            self._say_once(f"the receiver rejects spans ({rejected:,} of {len(part):,}): {answer.message}")

    def _make_smaller(
        self,
        part: Sequence[ReadableSpan],
        payload: bytes,
        answer: Answer,
        parts: deque[Sequence[ReadableSpan]],
        result: Delivered,
    ) -> None:
        if len(part) == 1:
            self._set_aside(part[0], answer.message, result)
        else:
            self._taken = 0
            self._max_bytes = max(min(self._max_bytes, len(payload)) // 2, _SMALLEST_LIMIT)
            parts.extendleft(reversed(_halves(part)))

    def _set_aside(self, span: ReadableSpan, message: str, result: Delivered) -> None:
        result.set_aside += 1
        context = span.context
        name = f"{context.trace_id:032x}/{context.span_id:016x}" if context is not None else span.name
        self._tell(f"span {name} is set aside: {message}")

    def _say_once(self, line: str) -> None:
        if line != self._said:
            self._said = line
            self._tell(line)


def _halves(part: Sequence[ReadableSpan]) -> list[Sequence[ReadableSpan]]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]]
