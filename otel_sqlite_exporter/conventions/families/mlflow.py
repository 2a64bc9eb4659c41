"""MLflow: every value JSON-encoded, request parameters as bare attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.values import text
from otel_sqlite_exporter.conventions.vocabulary import Family

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet


def _adjust(call: Call, _sheet: Sheet, facts: SpanFacts) -> None:
    """Prefer the model that was asked for: as GenAI attributes it writes the one that answered for both."""
    asked = text(facts.attributes.get("model"))
    if asked is not None and call.kind in ("llm", "embedding"):
        call.request_model = asked


MLFLOW: Final = Family(
    name="mlflow",
    columns={
        "step": ("mlflow.spanType",),
        "provider": ("mlflow.llm.provider", "mlflow.chat.provider", "mlflow.message.format"),
        "normalised": ("mlflow.message.format",),
        "model": ("mlflow.llm.model", "mlflow.chat_model.name"),
        "conversation_id": ("mlflow.trace.session",),
        "user_id": ("mlflow.trace.user",),
    },
    contents={
        "input": ("mlflow.spanInputs", "mlflow.chat.messages"),
        "output": ("mlflow.spanOutputs",),
        "tools": ("mlflow.chat.tools",),
    },
    bodies={
        "usage": ("mlflow.chat.tokenUsage",),
        "costs": ("mlflow.llm.cost",),
        "request": ("mlflow.spanInputs",),
        "response": ("mlflow.spanOutputs",),
    },
    scopes=("mlflow",),
)

MLFLOW_WORDS: Final = Family(
    name="mlflow",
    columns={
        "request_model": ("model",),
        "user_id": ("user",),
        "streaming": ("stream",),
        "conversation_id": ("session_id", "thread_id"),
    },
    contents={"tools": ("tools", "functions"), "system": ("instructions", "system")},
    bodies={"about": ("metadata",)},
    scopes=("mlflow",),
    scoped=True,
    adjust=_adjust,
)
"""Request parameters, which it copies to attributes of the same names."""
