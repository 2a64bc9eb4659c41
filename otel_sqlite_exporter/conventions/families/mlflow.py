"""MLflow: every value JSON-encoded, request parameters as bare attributes."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

MLFLOW: Final = Family(
    name="mlflow",
    columns={
        "step": ("mlflow.spanType",),
        "provider": ("mlflow.llm.provider", "mlflow.chat.provider", "mlflow.message.format"),
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
    scopes=("mlflow",),
    scoped=True,
)
"""Request parameters, which it copies to attributes of the same names."""
