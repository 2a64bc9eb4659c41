"""Which rows are wanted: one set of filters for command options, query strings and keyword arguments."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, TypedDict

from otel_sqlite_exporter.reading.failures import FilterError
from otel_sqlite_exporter.reading.moments import Moment, parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, timedelta

KINDS: Final = (
    "llm",
    "embedding",
    "agent",
    "tool",
    "retriever",
    "reranker",
    "chain",
    "guardrail",
    "evaluator",
    "prompt",
    "other",
)
CALL_KINDS: Final = ("llm", "embedding")
"""The kinds that are model calls."""

STATUSES: Final = ("ok", "error", "unset")
_CHOICES: Final = {"kind": KINDS, "status": STATUSES}


class FilterValues(TypedDict, total=False):
    """The filters as keyword arguments; what is left out, None or empty filters nothing."""

    model: str | None
    provider: str | None
    kind: str | None
    agent: str | None
    user: str | None
    conversation: str | None
    trace: str | None
    service: str | None
    tool: str | None
    status: str | None
    since: str | datetime | date | timedelta | Moment | None
    until: str | datetime | date | timedelta | Moment | None
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which rows are wanted. All filters hold at once; None filters nothing. Made by :meth:`parse`.

    Args:
        model: As asked for or as answered; ``*`` stands for anything (``gpt-*``), in all names.
        provider: ``openai``, ``anthropic``, ...
        kind: One of :data:`KINDS`: ``llm``, ``embedding``, ``agent``, ``tool``, ...
        agent: Name of the agent.
        user: The user's id.
        conversation: The conversation's id.
        trace: A trace id, or its beginning.
        service: ``service.name`` of the application.
        tool: Name of a tool.
        status: ``ok``, ``error`` or ``unset``; ``ok`` includes what nobody set.
        since: Rows that started then or later.
        until: Rows that started before.
        text: Words of a prompt, an answer or a tool's result; case does not matter.
    """

    model: str | None = None
    provider: str | None = None
    kind: str | None = None
    agent: str | None = None
    user: str | None = None
    conversation: str | None = None
    trace: str | None = None
    service: str | None = None
    tool: str | None = None
    status: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    text: str | None = None

    @classmethod
    def parse(cls, values: Mapping[str, object], *, now: datetime | None = None) -> Filters:
        """Read filters from options, a query string or keyword arguments.

        Args:
            values: Filters by name. None and empty text filter nothing.
            now: What ``2h`` and ``today`` count from; now by default.

        Raises:
            FilterError: A name is no filter, or a value means nothing.
        """
        unknown = [name for name in values if name not in NAMES]
        if unknown:
            raise FilterError(f"no such filter: {', '.join(unknown)}; there are {', '.join(NAMES)}")
        known: dict[str, str] = {}
        moments: dict[str, Moment] = {}
        for name, value in values.items():
            if value is None or value == "":
                continue
            if name in {"since", "until"}:
                moments[name] = parse_moment(value, name, is_end=name == "until", now=now)
            else:
                known[name] = _text(name, value)
        since, until = moments.get("since"), moments.get("until")
        if since and until and (since.unix_nano or 0) >= (until.unix_nano or 1 << 63):
            raise FilterError(f"since ({since.text}) must be before until ({until.text})")
        return cls(**known, since=since, until=until)

    def given(self) -> dict[str, str | Moment]:
        """Return what is set, as :meth:`parse` takes it."""
        return {name: value for name in NAMES if (value := getattr(self, name)) is not None}

    def narrowing(self) -> dict[str, str | Moment]:
        """Return what is set and leaves anything out: a period of ``all`` does not."""
        return {
            name: value
            for name, value in self.given().items()
            if not (isinstance(value, Moment) and value.unix_nano is None)
        }

    def values(self) -> dict[str, str]:
        """Return what is set, as text that :meth:`parse` reads again: for links."""
        return {name: value.text if isinstance(value, Moment) else value for name, value in self.given().items()}


NAMES: Final = tuple(field.name for field in fields(Filters))
"""The names of the filters, in the order in which they are shown."""


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise FilterError(f"{name} must be text, not {value!r}")
    if "\0" in value:
        raise FilterError(f"{name} must not hold a NUL character")
    choices = _CHOICES.get(name)
    if choices is not None and value not in choices:
        raise FilterError(f"{name}: {value!r} is none of {', '.join(choices)}")
    return value
