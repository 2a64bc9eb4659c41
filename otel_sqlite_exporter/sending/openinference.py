"""The columns and messages of a row in the words of OpenInference, whose lists are flattened into keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import Json, json_text
from otel_sqlite_exporter.sending.messages import MessageAttributes, as_plain_text, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_sqlite_exporter.reading.stored import StoredSpan

_KINDS: Final = {
    "llm": "LLM",
    "embedding": "EMBEDDING",
    "agent": "AGENT",
    "tool": "TOOL",
    "retriever": "RETRIEVER",
    "reranker": "RERANKER",
    "guardrail": "GUARDRAIL",
    "evaluator": "EVALUATOR",
    "chain": "CHAIN",
}

_KEYS: Final = {
    "llm.provider": "provider",
    "llm.token_count.prompt": "input_tokens",
    "llm.token_count.completion": "output_tokens",
    "llm.token_count.prompt_details.cache_read": "cache_read_tokens",
    "llm.token_count.prompt_details.cache_write": "cache_write_tokens",
    "llm.token_count.completion_details.reasoning": "reasoning_tokens",
    "llm.cost.total": "cost_usd",
    "session.id": "conversation_id",
    "user.id": "user_id",
    "agent.name": "agent_name",
    "tool.name": "tool_name",
    "tool.id": "tool_call_id",
}


def openinference_attributes(row: StoredSpan, messages: MessageAttributes) -> dict[str, Json]:
    """Return what a row says in OpenInference's words; nothing for what is NULL."""
    found: dict[str, Json] = {"openinference.span.kind": _KINDS.get(row.kind, "CHAIN")}
    for key, column in _KEYS.items():
        value = getattr(row, column)
        if value is not None:
            found[key] = value
    model = row.request_model or row.response_model
    if model is not None:
        found["embedding.model_name" if row.kind == "embedding" else "llm.model_name"] = model
    total = row.total_tokens
    if row.input_tokens is not None and row.output_tokens is not None:
        total = row.input_tokens + row.output_tokens
    if total is not None:
        found["llm.token_count.total"] = total
    found.update(_contents(row, messages))
    return found


def _contents(row: StoredSpan, messages: MessageAttributes) -> Iterator[tuple[str, Json]]:
    asked: list[Json] = [{"role": "system", "parts": parts} for parts in messages.system]
    asked += messages.input
    if row.kind == "embedding":
        for number, message in enumerate(asked):
            yield f"embedding.embeddings.{number}.embedding.text", _text(message)
    elif row.kind == "llm":
        for number, message in enumerate(asked):
            yield from _flattened(f"llm.input_messages.{number}.message", message)
        for number, message in enumerate(messages.output):
            yield from _flattened(f"llm.output_messages.{number}.message", message)
        for number, tool in enumerate(messages.tools):
            yield f"llm.tools.{number}.tool.json_schema", json_text(tool)
    elif row.kind == "retriever":
        for number, message in enumerate(messages.output):
            yield f"retrieval.documents.{number}.document.content", _text(message)
    yield from _value("input", asked, messages.arguments)
    yield from _value("output", messages.output, messages.result)


def _flattened(prefix: str, message: Json) -> Iterator[tuple[str, Json]]:
    if not isinstance(message, dict):
        return
    yield f"{prefix}.role", message.get("role")
    yield f"{prefix}.content", _text(message)
    parts = message.get("parts")
    calls = 0
    for part in parts if isinstance(parts, list) else []:
        if not isinstance(part, dict):
            continue
        if part.get("type") == "tool_call":
            call = f"{prefix}.tool_calls.{calls}.tool_call"
            calls += 1
            yield f"{call}.id", part.get("id")
            yield f"{call}.function.name", part.get("name")
            yield f"{call}.function.arguments", as_plain_text(part.get("arguments"))
        elif part.get("type") == "tool_call_response":
            yield f"{prefix}.tool_call_id", part.get("id")
            yield f"{prefix}.content", as_plain_text(part.get("response"))


def _value(name: str, messages: list[Json], tool: Json) -> Iterator[tuple[str, Json]]:
    """Yield what receivers show first: one text as text, anything more as JSON."""
    if tool is not None:
        yield f"{name}.value", as_plain_text(tool)
        yield f"{name}.mime_type", "text/plain" if isinstance(tool, str) else "application/json"
    elif len(messages) == 1 and _text(messages[0]):
        yield f"{name}.value", _text(messages[0])
        yield f"{name}.mime_type", "text/plain"
    elif messages:
        yield f"{name}.value", json_text({"messages": messages})
        yield f"{name}.mime_type", "application/json"


def _text(message: Json) -> str:
    parts = message.get("parts") if isinstance(message, dict) else None
    return text_of(parts) if isinstance(parts, list) else ""
