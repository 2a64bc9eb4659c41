"""A conversation told once: of each call what is new in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otel_sqlite_exporter.reading.blocks import signature
from otel_sqlite_exporter.reading.matching import common_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.rows.calls import Call, Message


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One call of a conversation, with the messages that are new in it.

    Args:
        call: The call.
        messages: What was not there before: the new part of the prompt, then the answer.
        has_diverged: Whether the prompt does not go on from any earlier one of the conversation.
    """

    call: Call
    messages: tuple[Message, ...]
    has_diverged: bool


def tell(calls: Sequence[tuple[Call, Sequence[Message]]]) -> list[Turn]:
    """Return the turns of a conversation, each with what is new in it.

    A prompt repeats what was said before. What it has in common with the prompt and answer of any earlier call, from
    the first message on, is not new; after that, what stood anywhere before is not new either.
    """
    turns: list[Turn] = []
    heard: list[list[object]] = []
    known: set[object] = set()
    for call, messages in calls:
        prompt = [message for message in messages if message.direction != "output"]
        answer = [message for message in messages if message.direction == "output"]
        signatures: list[object] = [signature(message) for message in prompt]
        kept = max((common_prefix(signatures, earlier) for earlier in heard), default=0)
        goes_on = any(common_prefix(signatures, earlier) >= len(earlier) - 1 for earlier in heard)
        new = (
            prompt[kept:]
            if goes_on
            else [message for message, mark in zip(prompt[kept:], signatures[kept:], strict=True) if mark not in known]
        )
        turns.append(Turn(call=call, messages=(*new, *answer), has_diverged=bool(heard) and not goes_on))
        heard.append([*signatures, *map(signature, answer)])
        known.update(heard[-1])
    return turns
