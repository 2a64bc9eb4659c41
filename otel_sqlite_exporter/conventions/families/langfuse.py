"""Langfuse: one JSON value for each of input, output, usage and cost; no provider; the response's model."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

_OBSERVATION: Final = "langfuse.observation."
_METADATA: Final = _OBSERVATION + "metadata."

LANGFUSE: Final = Family(
    name="langfuse",
    columns={
        "step": (_OBSERVATION + "type", "langfuse.span.type"),
        "model": (_OBSERVATION + "model.name",),
        "provider": (_METADATA + "ls_provider",),
        "request_model": (_METADATA + "ls_model_name",),
        "response_id": (_METADATA + "id",),
        "finish_reasons": (_METADATA + "finish_reason",),
        "first_token_time": (_OBSERVATION + "completion_start_time",),
        "conversation_id": ("langfuse.session.id", _METADATA + "langfuse_session_id", _METADATA + "thread_id"),
        "user_id": ("langfuse.user.id", _METADATA + "langfuse_user_id"),
        "error_level": (_OBSERVATION + "level",),
        "error_message": (_OBSERVATION + "status_message",),
    },
    contents={
        "input": (_OBSERVATION + "input", "langfuse.trace.input"),
        "output": (_OBSERVATION + "output", "langfuse.trace.output"),
        "system": (_METADATA + "instructions",),
        "tools": (_METADATA + "tools",),
    },
    bodies={
        "usage": (_OBSERVATION + "usage_details",),
        "costs": (_OBSERVATION + "cost_details",),
        "parameters": (_OBSERVATION + "model.parameters",),
        "request": (_OBSERVATION + "input",),
        "response": (_OBSERVATION + "output",),
    },
    scopes=("langfuse",),
)
