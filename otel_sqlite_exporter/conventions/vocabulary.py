"""The words of one family of emitters: which of its keys fill which column, and which hold content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from otel_sqlite_exporter.conventions import kinds, providers, values
from otel_sqlite_exporter.conventions.provider_names import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from otel_sqlite_exporter.conventions.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet
    from otel_sqlite_exporter.conventions.slots import Convert
    from otel_sqlite_exporter.conventions.step_words import Step

Adjust: TypeAlias = "Callable[[Call, Sheet, SpanFacts], None]"


def _provider(value: object) -> str | None:
    spelling = values.enum_text(value) if isinstance(value, str) and value.startswith("<") else values.text(value)
    return None if spelling is None or values.is_sentence(spelling) else providers.canonical(spelling)


def _known_provider(value: object) -> str | None:
    """Return a provider where a key may name anything: only one that is known."""
    spelling = _provider(value)
    return spelling if spelling in PROVIDERS.values() else None


CONVERTERS: Final[dict[str, Convert]] = {
    "kind": kinds.known_step,
    "step": kinds.known_step,
    "word": kinds.unknown_word,
    "hint": kinds.known_step,
    "weak_hint": kinds.known_step,
    "weak_word": kinds.unknown_word,
    "component": values.text,
    "database": values.text,
    "database_operation": values.text,
    "provider": _provider,
    "known_provider": _known_provider,
    "request_model": values.name,
    "model": values.name,
    "only_model": values.name,
    "parameter_model": values.name,
    "response_model": values.name,
    "response_id": values.text,
    "finish_reasons": values.texts,
    "input_tokens": values.count,
    "output_tokens": values.count,
    "total_tokens": values.count,
    "cache_read_tokens": values.count,
    "cache_write_tokens": values.count,
    "reasoning_tokens": values.count,
    "audio_input_tokens": values.count,
    "audio_output_tokens": values.count,
    "audio_cache_read_tokens": values.count,
    "cache_write_1h_tokens": values.count,
    "tool_input_tokens": values.count,
    "service_tier": values.service_tier,
    "normalised": values.normalised,
    "cache_exclusive": values.is_count,
    "cost_usd": values.amount,
    "first_token_s": values.milliseconds_of_seconds,
    "first_token_ms": values.milliseconds,
    "first_token_time": values.unix_nano,
    "streaming": values.flag,
    "conversation_id": values.identifier,
    "user_id": values.identifier,
    "agent_name": values.identifier,
    "tool_name": values.text,
    "entity_name": values.identifier,
    "tool_call_id": values.text,
    "error_type": values.class_name,
    "error_message": values.text,
    "error_level": values.text,
    "failed": values.failure,
    "error_told": values.told_error,
    "http_status": values.count,
    "server": values.text,
}
"""Every column an attribute can fill, and how its value is read; None means that the value says nothing."""

CONTENTS: Final = (
    "system",
    "input",
    "output",
    "output_pieces",
    "output_calls",
    "output_chunks",
    "conversation",
    "events",
    "arguments",
    "result",
    "query",
    "input_documents",
    "documents",
    "tools",
)
"""Every place for message content."""

FLATTENED: Final = frozenset({"system", "input", "output", "output_calls", "documents", "tools"})
"""Places whose keys may each be spelled as a flattened list as well, without a word about it in the tables."""

FIELDS_OF: Final = frozenset({"arguments", "result"})
"""Places whose keys may each be spelled field by field as well: ``key.city`` for ``{"city": ...}`` under ``key``."""

BODIES: Final = ("usage", "request", "response", "costs", "about", "parameters")
"""Every kind of object that holds facts inside one attribute."""

INDEX: Final = "{i}"
"""Stands in a key for the position in a flattened list; what follows it may be anything."""

FIELD: Final = "{field}"
"""Stands in a key for the name of a field of a flattened object; what follows it may be anything."""


@dataclass(frozen=True, slots=True)
class Family:
    """What one family of emitters calls things.

    Args:
        name: What ``spans.convention`` says for it.
        columns: For each column the keys that fill it, in reading order.
        contents: For each place of content the keys that hold it, in reading order; ``prefix.{i}`` is a flattened list,
            ``prefix.{field}`` a flattened object.
        bodies: For each kind of object the keys that hold one as JSON, or one flattened. A key may be content as well.
        hidden: Keys that hold content in a form that is not worth reading.
        scopes: Beginnings of its instrumentation scopes' names.
        scoped: Its words are everyday words that mean this only under its own scopes.
        steps: What its words and the names of its spans and events stand for under its own scopes; the attributes of
            such events are read as their span's.
        adjust: What a table cannot say; runs last and may change the call.
    """

    name: str
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    contents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    bodies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    scopes: tuple[str, ...] = ()
    scoped: bool = False
    steps: Mapping[str, Step] = field(default_factory=dict)
    adjust: Adjust | None = None
