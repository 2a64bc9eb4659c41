"""Conversations: the list, and one of them as a transcript in which each message stands once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import Json, as_int, as_text, build, json_text, plain
from otel_sqlite_exporter.reading.calls import calls_of_ids
from otel_sqlite_exporter.reading.conditions import IS_CALL, pattern, where, windowed
from otel_sqlite_exporter.reading.failures import NotFoundError
from otel_sqlite_exporter.reading.filters import Filters
from otel_sqlite_exporter.reading.markdown_form import chat_markdown
from otel_sqlite_exporter.reading.rows.traces import Conversation
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.text_filter import only_with_text
from otel_sqlite_exporter.reading.transcript import messages_of
from otel_sqlite_exporter.reading.turns import Turn, tell
from otel_sqlite_exporter.reading.units import counted

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection, Value

_SPANS_PER_STEP: Final = 2000
_MOST_STEPS: Final = 20

MOST_CALLS: Final = 500
"""How many calls of a conversation are shown; of more, the last ones."""


@dataclass(frozen=True, kw_only=True)
class Chat:
    """One conversation, with each message once.

    Args:
        conversation: Its sums.
        turns: Its calls, in order of their start.
        left_out: How many earlier calls are not among them.
    """

    conversation: Conversation
    turns: tuple[Turn, ...]
    left_out: int

    def dict(self) -> dict[str, Json]:
        """Return the conversation as JSON can hold it: the columns of ``conversations``, and ``turns``."""
        row = plain(self.conversation)
        turns: list[Json] = [
            {
                "call_id": turn.call.id,
                "start_time": turn.call.start_time,
                "model": turn.call.model,
                "agent_name": turn.call.agent_name,
                "status": turn.call.status,
                "status_message": turn.call.status_message,
                "has_diverged": turn.has_diverged,
                "messages": plain(turn.messages),
            }
            for turn in self.turns
        ]
        return {**(row if isinstance(row, dict) else {}), "calls_left_out": self.left_out, "turns": turns}

    def markdown(self) -> str:
        """Return it as Markdown."""
        return chat_markdown(self.conversation, self.turns)

    def json(self, *, indent: int | None = None) -> str:
        """Return the conversation as JSON text."""
        return json_text(self.dict(), indent=indent)

    def _repr_html_(self) -> str:
        from otel_sqlite_exporter.reading.html import chat_html  # noqa: PLC0415 - only a notebook needs it

        return chat_html(self.conversation, self.turns, self.left_out)

    def __repr__(self) -> str:
        return f"<conversation {self.conversation.conversation_id}: {counted(len(self.turns), 'call')}>"


def list_conversations(
    connection: ReadConnection, filters: Filters, *, limit: int = 50, before: str | None = None
) -> Rows[Conversation]:
    """Return the conversations that were written to last; :meth:`Database.conversations` says more."""
    if before is not None and _last_of(connection, before) is None:
        raise NotFoundError(f"before: there is no conversation {before} any more")
    note = None
    ids = _newest(connection, limit, before) if not filters.values() else None
    if ids is None:
        filters, note = windowed(connection, filters) if filters.values() else (filters, None)
        ids, searched = _grouped(connection, filters, limit, before)
        note = searched or note
    found = [_row(connection, conversation_id) for conversation_id in ids]
    return Rows(Conversation, [conversation for conversation in found if conversation is not None], note)


def _last_of(connection: ReadConnection, conversation_id: str) -> int | None:
    row = connection.row("SELECT max(id) FROM spans WHERE conversation_id = ?", [conversation_id])
    return as_int(row[0]) if row is not None else None


def _newest(connection: ReadConnection, limit: int, before: str | None) -> list[str] | None:
    """Return the conversations of the spans that were written last; None where they are too rare to be found so."""
    last = (1 << 63) - 1
    newest = last if before is None else _last_of(connection, before) or 0
    seen: dict[str, None] = {}
    place = newest
    for _ in range(_MOST_STEPS):
        rows = connection.rows(
            "SELECT id, conversation_id FROM spans WHERE id < ? ORDER BY id DESC LIMIT ?", [place, _SPANS_PER_STEP]
        )
        for _, conversation_id in rows:
            # One with a later span was on an earlier page.
            if (
                isinstance(conversation_id, str)
                and conversation_id not in seen
                and len(seen) < limit
                and (newest == last or (_last_of(connection, conversation_id) or 0) < newest)
            ):
                seen[conversation_id] = None
        if len(seen) >= limit or len(rows) < _SPANS_PER_STEP:
            return list(seen)
        place = as_int(rows[-1][0]) or 0
    return None


def _grouped(
    connection: ReadConnection, filters: Filters, limit: int, before: str | None
) -> tuple[list[str], str | None]:
    conditions, values = where(filters, "s.conversation_id IS NOT NULL")
    note = None
    if filters.text is not None:
        with_text, note = only_with_text(connection, filters, None, base="1")
        conditions += with_text
    having = ""
    if before is not None:
        having = "HAVING max(s.id) < ?"
        values.append(_last_of(connection, before))
    rows = connection.rows(
        f"SELECT s.conversation_id FROM spans s WHERE {' AND '.join(conditions)} "
        f"GROUP BY s.conversation_id {having} ORDER BY max(s.id) DESC LIMIT ?",
        [*values, limit],
    )
    return [as_text(row[0]) or "" for row in rows], note


def _row(connection: ReadConnection, conversation_id: str) -> Conversation | None:
    names, rows = connection.table("SELECT * FROM conversations WHERE conversation_id = ?", [conversation_id])
    return build(Conversation, names, rows[0]) if rows else None


def chat(connection: ReadConnection, wanted: str) -> Chat:
    """Return one conversation; :meth:`Database.conversation` says more."""
    conversation = _find(connection, wanted)
    rows = connection.rows(
        f"SELECT s.id FROM spans s WHERE {IS_CALL} AND s.conversation_id = ? "
        "ORDER BY s.start_time_unix_nano DESC, s.id DESC LIMIT ?",
        [conversation.conversation_id, MOST_CALLS],
    )
    calls = calls_of_ids(connection, [row[0] for row in reversed(rows)])
    turns = tell([(call, messages_of(connection, call.id)) for call in calls])
    return Chat(
        conversation=conversation,
        turns=tuple(turns),
        left_out=max((conversation.llm_calls or 0) - len(calls), 0),
    )


def _find(connection: ReadConnection, wanted: str) -> Conversation:
    """Return the conversation that somebody means: its id, the only one that begins so, or -1 for the last one."""
    if wanted == "last" or (wanted.startswith("-") and wanted[1:].isdigit()):
        back = 1 if wanted == "last" else int(wanted[1:])
        newest = list_conversations(connection, Filters(), limit=back)
        if not 0 < back <= len(newest):
            raise NotFoundError(f"there are fewer than {back} conversations in {connection.path}")
        return newest[back - 1]
    exact = _row(connection, wanted)
    if exact is not None:
        return exact
    operator, operand = pattern(wanted if wanted.endswith("*") else f"{wanted}*")
    values: list[Value] = [operand]
    rows = connection.rows(
        f"SELECT DISTINCT conversation_id FROM spans WHERE conversation_id {operator} ? LIMIT 4", values
    )
    if len(rows) > 1:
        names = ", ".join(as_text(row[0]) or "" for row in rows[:3])
        raise NotFoundError(f"several conversations begin with {wanted}: {names}; give more of the id")
    found = _row(connection, as_text(rows[0][0]) or "") if rows else None
    if found is None:
        raise NotFoundError(f"there is no conversation {wanted} in {connection.path}; conversations() lists them")
    return found
