"""The columns of a row in the words of OpenTelemetry's GenAI conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import Json, as_json

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.stored import StoredSpan

_KEYS: Final = {
    "gen_ai.provider.name": "provider",
    "gen_ai.request.model": "request_model",
    "gen_ai.response.model": "response_model",
    "gen_ai.response.id": "response_id",
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.total_tokens": "total_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cache_read_tokens",
    "gen_ai.usage.cache_creation.input_tokens": "cache_write_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
    "gen_ai.usage.cost": "cost_usd",
    "gen_ai.conversation.id": "conversation_id",
    "user.id": "user_id",
    "gen_ai.agent.name": "agent_name",
    "gen_ai.tool.name": "tool_name",
    "gen_ai.tool.call.id": "tool_call_id",
    "error.type": "error_type",
    "gen_ai.request.stream": "streaming",
}
"""Attribute and column, where the value is the same."""

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


def genai_attributes(row: StoredSpan) -> dict[str, Json]:
    """Return what the columns of a row say, its messages apart; nothing for what is NULL."""
    found: dict[str, Json] = {}
    for key, column in _KEYS.items():
        value = getattr(row, column)
        if value is not None:
            found[key] = value
    operation = row.operation if row.operation in _OPERATIONS else _OPERATION_OF.get(row.kind, row.operation)
    if operation is not None:
        found["gen_ai.operation.name"] = operation
    reasons = as_json(row.finish_reasons)
    if reasons:
        found["gen_ai.response.finish_reasons"] = reasons
    if row.time_to_first_token_ms is not None:
        found["gen_ai.response.time_to_first_chunk"] = row.time_to_first_token_ms / 1000
    return found
