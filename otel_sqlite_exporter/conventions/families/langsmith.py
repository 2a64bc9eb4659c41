"""LangSmith: whole JSON bodies in ``gen_ai.prompt`` and ``gen_ai.completion``, the rest under its metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.providers import canonical
from otel_sqlite_exporter.conventions.values import text
from otel_sqlite_exporter.conventions.vocabulary import Family

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet

_METADATA: Final = "langsmith.metadata."


def _adjust(call: Call, _sheet: Sheet, facts: SpanFacts) -> None:
    """Prefer the provider that the framework named: the other is guessed from the model's name."""
    provider = text(facts.attributes.get(_METADATA + "ls_provider"))
    if provider is not None and call.kind in ("llm", "embedding"):
        call.provider = canonical(provider) or call.provider


LANGSMITH: Final = Family(
    name="langsmith",
    columns={
        # Its operation names call a retrieval an embedding and a prompt template a chat.
        "kind": ("langsmith.span.kind",),
        "streaming": ("langsmith.request.streaming",),
        "provider": (_METADATA + "ls_provider",),
        "request_model": (_METADATA + "ls_model_name",),
        "conversation_id": (
            _METADATA + "session_id",
            _METADATA + "thread_id",
            _METADATA + "conversation_id",
            "langsmith.trace.session_id",
        ),
        "user_id": (_METADATA + "user_id",),
    },
    bodies={
        "usage": (_METADATA + "usage_metadata", "langsmith.usage_metadata"),
    },
    scopes=("langsmith",),
    adjust=_adjust,
)
