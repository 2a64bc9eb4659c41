"""What is new in a call's prompt against the previous call's, and what is different between any two calls."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING, Literal, TypeAlias

from otel_sqlite_exporter.database.essentials import MESSAGE_DIRECTIONS
from otel_sqlite_exporter.reading.blocks import signature
from otel_sqlite_exporter.reading.building import Json, as_int, json_text, plain
from otel_sqlite_exporter.reading.conditions import IS_CALL
from otel_sqlite_exporter.reading.matching import common_prefix, stretches
from otel_sqlite_exporter.reading.transcript import call_detail
from otel_sqlite_exporter.reading.units import counted, one_line

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.rows.calls import Call, Message
    from otel_sqlite_exporter.reading.transcript import CallDetail

Tag: TypeAlias = Literal["same", "changed", "left", "right"]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """How a call's prompt differs from that of the previous call of its conversation, agent or trace.

    Args:
        call: The call.
        previous: The call before it, None where it is the first one.
        related_by: What the two have in common: ``conversation``, ``agent`` or ``trace``.
        kept: How many messages of the prompt are as in the previous call's prompt and answer, from the first on:
            what a provider's cache can have.
        diverges_at: Index of the first message of the previous prompt that is not kept; None where all of it is.
        prompt: The messages of the prompt.
        added: Those of them that the previous call has nowhere in its place.
        dropped: The previous prompt's messages that are not in this one.
    """

    call: Call
    previous: Call | None
    related_by: str | None
    kept: int
    diverges_at: int | None
    prompt: tuple[Message, ...]
    added: tuple[Message, ...]
    dropped: tuple[Message, ...]

    @property
    def summary(self) -> str:
        """What is new, in one line."""
        if self.previous is None:
            return "the first call of its conversation, agent or trace: all of it is new"
        after = f"after call {self.previous.id} (same {self.related_by})"
        same = f"{counted(len(self.prompt) - len(self.added), 'message')} as before"
        if self.diverges_at is None:
            return f"{after}: {same}, {len(self.added)} new"
        first = (self.prompt[self.kept :] or self.dropped)[0]
        role = one_line(first.role or first.direction, 60)
        return (
            f"{after}: the prompt diverges at message {self.diverges_at}, {role}; "
            f"{same}, {len(self.dropped)} gone, {len(self.added)} new"
        )

    @property
    def divergence(self) -> list[str]:
        """How the first message that differs does, line by line as of ``diff -u``; empty where none does."""
        if not self.dropped:
            return []
        before, after = self.dropped[0].text or "", (self.added[0].text or "") if self.added else ""
        return list(unified_diff(before.splitlines(), after.splitlines(), "before", "now", lineterm="", n=1))

    def __repr__(self) -> str:
        return f"<changes of call {self.call.id}: {self.summary}>"

    def _repr_html_(self) -> str:
        from otel_sqlite_exporter.reading.html_changes import changes_html  # noqa: PLC0415 - only a notebook needs it

        return changes_html(self.call, self.summary, self.divergence, self.added)

    def dict(self) -> dict[str, Json]:
        """Return it as JSON can hold it."""
        return {
            "id": self.call.id,
            "previous_id": self.previous.id if self.previous is not None else None,
            "related_by": self.related_by,
            "kept": self.kept,
            "diverges_at": self.diverges_at,
            "added": plain(self.added),
            "dropped": plain(self.dropped),
        }

    def json(self, *, indent: int | None = None) -> str:
        """Return it as JSON text."""
        return json_text(self.dict(), indent=indent)


def changes_of(connection: ReadConnection, wanted: int | str) -> Changes:
    """Return what is new in a call; :meth:`Database.changes` says more."""
    now = call_detail(connection, wanted)
    previous_id, related_by = _previous(connection, now.call)
    prompt = [message for message in now.messages if message.direction != "output"]
    if previous_id is None:
        return Changes(
            call=now.call,
            previous=None,
            related_by=None,
            kept=0,
            diverges_at=None,
            prompt=tuple(prompt),
            added=tuple(prompt),
            dropped=(),
        )
    before = call_detail(connection, previous_id)
    old_prompt = [message for message in before.messages if message.direction != "output"]
    new, old = ([signature(message) for message in messages] for messages in (prompt, before.messages))
    kept = common_prefix(new, old)
    differing = [one for one in stretches(old, new) if not one.is_same]
    return Changes(
        call=now.call,
        previous=before.call,
        related_by=related_by,
        kept=kept,
        diverges_at=kept if kept < len(old_prompt) else None,
        prompt=tuple(prompt),
        added=tuple(message for one in differing for message in prompt[one.new]),
        dropped=tuple(message for one in differing for message in old_prompt[one.old]),
    )


def _previous(connection: ReadConnection, call: Call) -> tuple[int | None, str | None]:
    """Return the call before one: of its conversation and agent, else of its agent in the trace, else of the trace."""
    ways: list[tuple[str, str, list[Value]]] = []
    in_trace = "(s.shown_in_trace_id = ? OR s.shown_in_trace_id IS NULL AND s.trace_id = ?)"
    if call.conversation_id is not None:
        ways.append(
            ("conversation", "s.conversation_id = ? AND s.agent_name IS ?", [call.conversation_id, call.agent_name])
        )
    else:
        ways.append(("agent", f"{in_trace} AND s.agent_name IS ?", [call.trace_id, call.trace_id, call.agent_name]))
    for related_by, condition, values in ways:
        row = connection.row(
            f"SELECT s.id FROM spans s WHERE {IS_CALL} AND s.kind = ? AND {condition} "
            "AND s.start_time_unix_nano <= ? AND s.id <> ? "
            "AND (s.start_time_unix_nano < ? OR s.id < ?) "
            "ORDER BY s.start_time_unix_nano DESC, s.id DESC LIMIT 1",
            [call.kind, *values, call.start_time_unix_nano, call.id, call.start_time_unix_nano, call.id],
        )
        if row is not None:
            is_agent = related_by != "agent" or call.agent_name is not None
            return as_int(row[0]), related_by if is_agent else "trace"
    return None, None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One line of a comparison: a message of the left call beside the one of the right that stands for it.

    Args:
        tag: ``same``, ``changed``, or on which side alone it is: ``left`` or ``right``.
        left: The left call's message.
        right: The right call's message.
    """

    tag: Tag
    left: Message | None
    right: Message | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two calls side by side.

    Args:
        left: The one call.
        right: The other.
        pairs: Their messages, in order.
    """

    left: CallDetail
    right: CallDetail
    pairs: tuple[Pair, ...]

    @property
    def differing(self) -> list[Pair]:
        """The pairs that are not the same on both sides."""
        return [pair for pair in self.pairs if pair.tag != "same"]

    def __repr__(self) -> str:
        differ = f"{len(self.differing)} of {counted(len(self.pairs), 'message')} differ"
        return f"<calls {self.left.call.id} and {self.right.call.id}: {differ}>"

    def _repr_html_(self) -> str:
        from otel_sqlite_exporter.reading.html_changes import comparison_html  # noqa: PLC0415 - only a notebook needs it

        differing = [(pair.tag, pair.left, pair.right) for pair in self.differing]
        return comparison_html(self.left.call, self.right.call, differing, len(self.pairs) - len(differing))

    def dict(self) -> dict[str, Json]:
        """Return it as JSON can hold it."""
        return {
            "left": self.left.dict(),
            "right": self.right.dict(),
            "messages": [
                {
                    "tag": pair.tag,
                    "left": pair.left.position if pair.left else None,
                    "right": pair.right.position if pair.right else None,
                    "direction": (pair.left or pair.right or self.left.messages[0]).direction,
                }
                for pair in self.pairs
            ],
        }

    def json(self, *, indent: int | None = None) -> str:
        """Return it as JSON text."""
        return json_text(self.dict(), indent=indent)


def compare(left: CallDetail, right: CallDetail) -> Comparison:
    """Put two calls side by side, direction by direction."""
    pairs: list[Pair] = []
    for direction in MESSAGE_DIRECTIONS:
        ours = [message for message in left.messages if message.direction == direction]
        theirs = [message for message in right.messages if message.direction == direction]
        for one in stretches([signature(message) for message in ours], [signature(message) for message in theirs]):
            pairs += _pairs(ours[one.old], theirs[one.new], is_same=one.is_same)
    return Comparison(left=left, right=right, pairs=tuple(pairs))


def _pairs(ours: list[Message], theirs: list[Message], *, is_same: bool) -> list[Pair]:
    if is_same:
        return [Pair(tag="same", left=one, right=other) for one, other in zip(ours, theirs, strict=True)]
    both = min(len(ours), len(theirs))
    return [
        *(Pair(tag="changed", left=one, right=other) for one, other in zip(ours[:both], theirs[:both], strict=True)),
        *(Pair(tag="left", left=one, right=None) for one in ours[both:]),
        *(Pair(tag="right", left=None, right=other) for other in theirs[both:]),
    ]
