"""The columns of a row in the words of OpenTelemetry's GenAI conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.replayed import (
    KIND,
    OPERATION,
    OPERATION_WORD,
    OWN_WORDS,
    SHOWN_IN_TRACE,
    TRUNCATED_BYTES,
    WORDS,
)
from otel_sqlite_exporter.reading.building import Json, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_sqlite_exporter.reading.stored import StoredSpan
    from otel_sqlite_exporter.sending.messages import Object

_OPERATIONS: Final = frozenset(
    {
        "chat",
        "create_agent",
        "embeddings",
        "execute_tool",
        "generate_content",
        "invoke_agent",
        "invoke_workflow",
        "retrieval",
        "text_completion",
    }
)
"""The operations that the conventions name."""

_OPERATION_OF: Final = {
    "llm": "chat",
    "embedding": "embeddings",
    "agent": "invoke_agent",
    "tool": "execute_tool",
    "retriever": "retrieval",
}
"""What a step is called whose emitter had another word for it, or none."""


def genai_attributes(row: StoredSpan, emitted: Object) -> Object:
    """Return what the columns of a row say, its messages apart; None for an emitted attribute whose column is NULL.

    What the conventions have no word for is said in words of our own, so that another recorder reads the row as it was.

    Args:
        row: The row.
        emitted: Its attributes, beside which these go out.
    """
    found: Object = {KIND: row.kind}
    for key, (column, _) in WORDS.items():
        value = as_json(row.finish_reasons) if column == "finish_reasons" else getattr(row, column)
        if value is not None or key in emitted:
            found[key] = value
    operation = row.operation if row.operation in _OPERATIONS else _OPERATION_OF.get(row.kind, row.operation)
    if operation is not None:
        found[OPERATION_WORD] = operation
    if row.operation != operation:
        found[OPERATION] = row.operation or ""
    if row.time_to_first_token_ms is not None:
        found["gen_ai.response.time_to_first_chunk"] = row.time_to_first_token_ms / 1000
    return {**found, **dict(_own_words(row))}


def _own_words(row: StoredSpan) -> Iterator[tuple[str, Json]]:
    """Yield what the attributes and the status of the span do not say."""
    is_told = {
        "status": row.status == row.otel_status,
        "status_message": row.otel_status == "error",
    }
    for key, (column, _) in OWN_WORDS.items():
        value = getattr(row, column)
        if value is not None and not is_told.get(column):
            yield key, value
    if row.shown_in_trace_id is not None:
        yield SHOWN_IN_TRACE, row.shown_in_trace_id
    if row.truncated_bytes:
        yield TRUNCATED_BYTES, row.truncated_bytes
