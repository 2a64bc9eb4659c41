"""Messages that are sent again: of a history that grows, only what is new is decoded.

A chat sends all its messages with every turn, and an emitter writes them as one JSON list: the text of a turn begins
with that of the turn before. The last such texts are remembered with what was read of them.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.messages import native_messages
from otel_sqlite_exporter.conventions.parse import parse_json

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Message

SHORTEST: Final = 2048
"""Characters of the shortest text that is worth a look: to decode another one takes no longer than to remember it."""

MAX_CHARACTERS: Final = 2 << 20
"""How many characters of texts are remembered."""

_LONGEST: Final = MAX_CHARACTERS // 8
_HEAD: Final = 256
_SAME_HEAD: Final = 16  # chats that begin with one system prompt


class _History:
    """A list of messages that was read.

    Args:
        start: Its text without the bracket that ends it.
        messages: What it says. Later texts share them, so nobody changes a message, nor its parts.
    """

    __slots__ = ("messages", "start")

    def __init__(self, start: str, messages: list[Message]) -> None:
        self.start = start
        self.messages = messages


class Histories:
    """The lists of messages that were read last. For any thread: who finds another one at work goes without."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, list[_History]] = OrderedDict()
        """By the first characters."""
        self._characters = 0
        self._lock = Lock()

    def continued(self, text: str) -> list[Message] | None:
        """Return the messages of a list that begins as one that was read before; None for any other text."""
        if not _may_be_history(text) or not self._lock.acquire(blocking=False):
            return None
        try:
            known = self._known.get(text[:_HEAD])
            for history in known or ():
                if text.startswith(history.start):
                    self._known.move_to_end(text[:_HEAD])
                    return self._with_more(history, text)
            return None
        finally:
            self._lock.release()

    def remember(self, text: str, messages: list[Message]) -> None:
        """Remember what was read of a text that is a list of messages in the GenAI form."""
        if len(messages) < 2 or not _may_be_history(text) or not self._lock.acquire(blocking=False):  # noqa: PLR2004
            return
        try:
            history = _History(text[:-1], [*messages])
            known = self._known.setdefault(text[:_HEAD], [])
            known.append(history)
            self._characters += len(history.start)
            if len(known) > _SAME_HEAD:
                self._characters -= len(known.pop(0).start)
            while self._characters > MAX_CHARACTERS:
                _, oldest = self._known.popitem(last=False)
                self._characters -= sum(len(history.start) for history in oldest)
        finally:
            self._lock.release()

    def _with_more(self, history: _History, text: str) -> list[Message] | None:
        more = text[len(history.start) : -1].lstrip()
        if more:
            added = parse_json(f"[{more[1:]}]") if more[0] == "," else None
            found = native_messages(added) if isinstance(added, list) else None
            if not found:
                return None
            self._characters -= len(history.start)
            history.start, history.messages = text[:-1], [*history.messages, *found]
            self._characters += len(history.start)
        return [*history.messages]


def _may_be_history(text: str) -> bool:
    return SHORTEST <= len(text) <= _LONGEST and text.startswith('[{"') and text[-1] == "]"
