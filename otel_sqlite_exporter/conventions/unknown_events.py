"""Events of emitters that nobody knows: whose message one is, as a role or its name says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.chunks import chunk_of
from otel_sqlite_exporter.conventions.containers import read_one
from otel_sqlite_exporter.conventions.key_words import count_of, words_of
from otel_sqlite_exporter.conventions.messages import ROLES
from otel_sqlite_exporter.conventions.parse import UNREADABLE, plain, to_json
from otel_sqlite_exporter.conventions.unknown_keys import RANK, side_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_sqlite_exporter.conventions.call import EventFacts, Message
    from otel_sqlite_exporter.conventions.sheet import Sheet

_NOTHING_SAID: Final = frozenset({"exception", "error", "retry", "evaluation", "score", "feedback"})
"""What events are called that carry nothing of what was said."""

_CHUNKS: Final = frozenset({"chunk", "chunks", "delta", "token"})
"""What events are called that carry a piece of an answer."""

_OTHER_PIECES: Final = frozenset(
    {
        *("tool", "function", "arguments", "reasoning", "thinking", "thought", "first", "last", "time", "latency"),
        *("retrieved", "retrieval", "document", "documents", "doc", "docs", "source", "sources", "context", "search"),
        *("refresh", "refreshed", "auth", "access", "usage", "count", "counts", "limit", "budget", "audio", "input"),
    }
)
"""What stands beside these where the piece is of something else."""

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
    if not words or not _NOTHING_SAID.isdisjoint(words):
        return False
    attributes = event.attributes
    fields = _fields(attributes)
    role = fields.get("role")
    content = _content_key(fields)
    if not _CHUNKS.isdisjoint(words):
        piece = None if content is None else fields[content]
        return _OTHER_PIECES.isdisjoint(words) and _take_piece(sheet, piece)
    if isinstance(role, str) and role.lower() in ROLES and content is not None:
        return _take_messages(fields, received, sent)
    side = side_of(words) if "tool" not in words else None
    if side is not None:
        source = event.body if event.body is not None else _said(attributes, fields, content)
        if source is not None:
            sheet.offer(side, RANK, source)
            return True
    if any(count_of(words_of(key)) is not None for key in attributes):
        sheet.add(attributes, RANK)
        return True
    return False


def _take_messages(fields: Mapping[str, object], received: list[Message], sent: list[Message]) -> bool:
    try:
        messages = read_one(plain(fields), None)
    except UNREADABLE:
        return False
    for message in messages:
        if message.role == "assistant":
            sent.append(message)
        else:  # what was said before a question is the history that it was sent with
            received += sent
            sent.clear()
            received.append(message)
    return True


def _take_piece(sheet: Sheet, piece: object) -> bool:
    """Take a piece of a streamed answer, which is read where nothing else has the whole."""
    if not isinstance(piece, str):
        return False
    sheet.offer("output_chunks", RANK, to_json(chunk_of(piece)))
    return True


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
