"""Which calls teach a model something of their own: later ones of a conversation say again what earlier ones said."""

from __future__ import annotations

import hashlib
from itertools import accumulate
from typing import TYPE_CHECKING

from otel_sqlite_exporter.reading.building import json_text
from otel_sqlite_exporter.reading.openai_form import fine_tuning_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otel_sqlite_exporter.reading.building import Json
    from otel_sqlite_exporter.reading.transcript import CallDetail


def longest(details: Iterable[CallDetail]) -> set[int]:
    """Return the ids of the calls whose examples no other call's example begins with; of equal ones the last.

    Takes some hundred bytes of memory a call.

    Args:
        details: The calls, the oldest first.
    """
    ends: dict[bytes, int] = {}
    said_again: set[bytes] = set()
    for detail in details:
        line = fine_tuning_line(detail)
        messages = line["messages"] if line is not None else None
        if not isinstance(messages, list):
            continue
        *beginnings, whole = _digests(messages)
        for digest in beginnings:
            said_again.add(digest)
            ends.pop(digest, None)
        if whole not in said_again:
            ends[whole] = detail.call.id
    return set(ends.values())


def _digests(messages: Sequence[Json]) -> list[bytes]:
    """Return a digest of each beginning of a conversation that an answer ends, the whole of it last."""
    texts = [json_text(message).encode("utf-8", "surrogatepass") for message in messages]
    chain = accumulate(texts, lambda before, text: hashlib.blake2b(before + text, digest_size=16).digest(), initial=b"")
    answered = zip(messages, list(chain)[1:], strict=True)
    return [digest for message, digest in answered if isinstance(message, dict) and message.get("role") == "assistant"]
