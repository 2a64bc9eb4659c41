"""Events of emitters that nobody knows: whose message one is, as a role or its name says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.containers import read_one
from otel_sqlite_exporter.conventions.key_words import count_of, words_of
from otel_sqlite_exporter.conventions.messages import ROLES
from otel_sqlite_exporter.conventions.parse import UNREADABLE, plain
from otel_sqlite_exporter.conventions.unknown_keys import RANK, side_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_sqlite_exporter.conventions.call import EventFacts, Message
    from otel_sqlite_exporter.conventions.sheet import Sheet

_PIECES: Final = frozenset(
    {"chunk", "chunks", "delta", "token", "exception", "error", "retry", "evaluation", "score", "feedback", "tool"}
)
"""What events are called that carry a piece of an answer, or none."""

_CONTENTS: Final = ("content", "contents", "parts", "text", "body", "message", "value", "payload", "data", "messages")


def read_unknown(sheet: Sheet, event: EventFacts, received: list[Message], sent: list[Message]) -> bool:
    """Take an event for the message or the facts that it carries; tell whether it does.

    Args:
        sheet: Where contents and facts go.
        event: An event that no convention knows.
        received: Messages of the input.
        sent: Messages of the output.
    """
    words = words_of(event.name)
    if not words or not _PIECES.isdisjoint(words):
        return False
    attributes = event.attributes
    fields = _fields(attributes)
    role = fields.get("role")
    content = _content_key(fields)
    if isinstance(role, str) and role.lower() in ROLES and content is not None:
        try:
            messages = read_one(plain(fields), None)
        except UNREADABLE:
            return False
        for message in messages:
            (sent if message.role == "assistant" else received).append(message)
        return True
    side = side_of(words)
    if side is not None:
        source = event.body if event.body is not None else _said(attributes, fields, content)
        if source is not None:
            sheet.offer(side, RANK, source)
            return True
    if any(count_of(words_of(key)) is not None for key in attributes):
        sheet.add(attributes, RANK)
        return True
    return False


def _fields(attributes: Mapping[str, object]) -> dict[str, object]:
    """Return attributes under the last words of their keys."""
    return {key.replace("/", ".").rpartition(".")[2]: value for key, value in attributes.items()}


def _content_key(fields: Mapping[str, object]) -> str | None:
    return next((key for key in (*_CONTENTS, "tool_calls") if fields.get(key) not in (None, "")), None)


def _said(attributes: Mapping[str, object], fields: Mapping[str, object], content: str | None) -> object:
    """Return what is said in an event that is named after its side: its content, or its only attribute."""
    if content is not None:
        return fields[content]
    told = [value for key, value in attributes.items() if side_of(words_of(key)) is not None]
    return told[0] if told else next(iter(attributes.values())) if len(attributes) == 1 else None
