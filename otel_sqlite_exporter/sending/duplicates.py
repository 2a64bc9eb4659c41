"""What a second report of a call leaves out, so that a receiver that adds everything up counts the call once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_sqlite_exporter.reading.building import Json

_USAGE: Final = re.compile(r"token_?count|token_?usage|usage|cost|_tokens\b|tokens_", re.IGNORECASE)
_ASKED_FOR: Final = re.compile(r"max_|request|parameters", re.IGNORECASE)

_KINDS: Final = {"openinference.span.kind": "CHAIN", "traceloop.span.kind": "task"}
"""Words by which receivers take a span for a model call, and what stands there instead."""

_CALL_WORDS: Final = frozenset({"gen_ai.operation.name", "llm.request.type", "langfuse.observation.type"})


def without_usage(attributes: Mapping[str, Json]) -> dict[str, Json]:
    """Return the attributes of a duplicate: a step around the call, without tokens and costs, in whoever's words."""
    kept = {
        key: _KINDS.get(key, value)
        for key, value in attributes.items()
        if key not in _CALL_WORDS and not (_USAGE.search(key) and not _ASKED_FOR.search(key))
    }
    return {**kept, "openinference.span.kind": "CHAIN"}
