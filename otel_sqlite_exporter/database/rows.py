"""What becomes rows, as plain data: made by those who read spans and texts, written by :mod:`batch`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias, cast

from otel_sqlite_exporter.database.schema import SPAN_COLUMNS
from otel_sqlite_exporter.digests import blake2b_16

RowKey: TypeAlias = tuple[str, str]
"""(trace_id, span_id) as the columns hold them."""

_START: Final = SPAN_COLUMNS.index("start_time_unix_nano") - SPAN_COLUMNS.index("parent_span_id")
_FIRST_ID: Final = SPAN_COLUMNS.index("conversation_id") - SPAN_COLUMNS.index("provider")
_IDS: Final = slice(_FIRST_ID, _FIRST_ID + 3)


class ResourceRow(NamedTuple):
    """One row of ``resources``, as a tuple: it is looked up for every span."""

    attributes: str
    schema_url: str
    service_name: str | None


class ScopeRow(NamedTuple):
    """One row of ``scopes``, as a tuple like :class:`ResourceRow`."""

    name: str
    version: str
    schema_url: str
    attributes: str


MessageRow: TypeAlias = tuple[bytes, str | None, str | None, str | None, int, int]
"""One row of ``messages``: (hash, role, text, parts, full_bytes, kept_bytes).

The hash is that of :func:`message_hash`, the text the message's plain text, cut; the parts are JSON where they say more
than the text, else None. No class of its own: thousands are remembered, and tuples of texts and numbers are what the
garbage collector looks at once and then no more.
"""

HASH: Final = 0
"""Where a :data:`MessageRow` has its hash."""

MessageLink: TypeAlias = tuple[str, int, MessageRow, str | None]
"""One row of ``span_messages``, still without ids: (direction, position, message, finish_reason)."""

DIRECTION: Final = 0
"""Where a :data:`MessageLink` has its direction."""


@dataclass(slots=True)
class SpanRecord:
    """Everything that is written for one span.

    Args:
        trace_id: The UUID text.
        span_id: 16 hex digits.
        identity: Columns ``parent_span_id`` to ``convention``.
        facts: Columns ``provider`` to ``tool_call_id``: what a later report of the same call may complete.
        details: Columns ``attributes`` to ``truncated_bytes``.
        resource: Its resource.
        scope: Its scope.
        messages: Its messages.
        duplicate_of: An earlier record of the same batch that stands for the call.
        shown_in_trace_id: The trace in which the call is shown, None for its own.
    """

    trace_id: str
    span_id: str
    identity: tuple[object, ...]
    facts: tuple[object, ...]
    details: tuple[object, ...]
    resource: ResourceRow
    scope: ScopeRow
    messages: list[MessageLink] = field(default_factory=list)
    duplicate_of: SpanRecord | None = None
    shown_in_trace_id: str | None = None

    @property
    def key(self) -> RowKey:
        """What tells its row from others."""
        return (self.trace_id, self.span_id)

    @property
    def start(self) -> int:
        """Column ``start_time_unix_nano``."""
        return cast("int", self.identity[_START])

    @property
    def ids(self) -> tuple[str | None, str | None, str | None]:
        """Columns ``conversation_id``, ``user_id`` and ``agent_name``."""
        return cast("tuple[str | None, str | None, str | None]", self.facts[_IDS])

    @ids.setter
    def ids(self, ids: tuple[str | None, str | None, str | None]) -> None:
        self.facts = (*self.facts[: _IDS.start], *ids, *self.facts[_IDS.stop :])


def message_hash(role: str | None, content: bytes, *, is_parts: bool) -> bytes:
    """Return the hash by which a message is known, here and in the files it is merged with: it never changes.

    BLAKE2b, 16 bytes, of ``t`` or ``p``, the number of bytes of the role (-1 for none), ``:``, the role, the content;
    all in UTF-8: a text that spells the JSON of a tool call is another message than the tool call.

    Args:
        role: The message's role.
        content: The whole text, or the JSON of all parts; after redaction, before any cut.
        is_parts: Whether it is the JSON of parts.
    """
    return blake2b_16(_hash_head(role, is_parts) + content)


@lru_cache(maxsize=64)
def _hash_head(role: str | None, is_parts: bool) -> bytes:  # noqa: FBT001 - a key of the cache
    name = (role or "").encode()
    return b"%s%d:%s" % (b"p" if is_parts else b"t", -1 if role is None else len(name), name)
