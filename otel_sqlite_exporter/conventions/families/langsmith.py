"""LangSmith: whole JSON bodies in ``gen_ai.prompt`` and ``gen_ai.completion``, the rest under its metadata."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

_METADATA: Final = "langsmith.metadata."

LANGSMITH: Final = Family(
    name="langsmith",
    columns={
        "step": ("langsmith.span.kind",),
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
        "request": ("gen_ai.prompt",),
        "response": ("gen_ai.completion",),
    },
    scopes=("langsmith",),
)
