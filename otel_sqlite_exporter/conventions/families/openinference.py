"""OpenInference: flattened message lists beside the whole request and response bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from otel_sqlite_exporter.conventions.parse import NOT_JSON, parse_text, to_json
from otel_sqlite_exporter.conventions.vocabulary import Family

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet

_CONTENT_PARAMETERS: Final = frozenset(
    {
        "instructions",
        "input",
        "messages",
        "prompt",
        "system",
        "system_instruction",
        "contents",
        "output",
        "tools",
        "functions",
    }
)
_RENAMED_PARAMETERS: Final = ("gen_ai.request.parameters", "gen_ai.request.params")
_PARAMETERS: Final = ("llm.invocation_parameters", "embedding.invocation_parameters", *_RENAMED_PARAMETERS)


def _adjust(call: Call, _sheet: Sheet, _facts: SpanFacts) -> None:
    """Take prompts out of the request parameters, which are kept among the attributes."""
    for key in _PARAMETERS:
        parameters = call.attributes.get(key)
        if isinstance(parameters, str):
            call.attributes[key] = _without_content(parameters)


def _without_content(parameters: str) -> str:
    if not any(f'"{name}"' in parameters for name in _CONTENT_PARAMETERS):
        return parameters
    decoded: Any = parse_text(parameters)
    if decoded is NOT_JSON or not isinstance(decoded, dict):
        return parameters
    return to_json({name: value for name, value in decoded.items() if name not in _CONTENT_PARAMETERS})


OPENINFERENCE: Final = Family(
    name="openinference",
    columns={
        "step": ("openinference.span.kind",),
        "provider": ("llm.provider", "llm.system", "embedding.provider"),
        "request_model": ("llm.request.model_name",),
        "model": ("llm.model_name", "embedding.model_name", "reranker.model_name"),
        "response_model": ("llm.response.model_name",),
        "finish_reasons": ("llm.finish_reason",),
        "input_tokens": ("llm.token_count.prompt",),
        "output_tokens": ("llm.token_count.completion",),
        "total_tokens": ("llm.token_count.total",),
        "cache_read_tokens": (
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_input",
        ),
        "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
        "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
        "audio_input_tokens": ("llm.token_count.prompt_details.audio",),
        "audio_output_tokens": ("llm.token_count.completion_details.audio",),
        "cost_usd": ("llm.cost.total",),
        "agent_name": ("agent.name",),
        "tool_name": ("tool.name", "tool_call.function.name"),
        "tool_call_id": ("tool.id", "tool_call.id"),
    },
    contents={
        "input": (
            "llm.input_messages.{i}",
            "llm.prompts.{i}",
            "llm.prompts",
            "embedding.embeddings.{i}",
            "embedding.text",
            "input.value",
        ),
        "output": (
            "llm.output_messages.{i}",
            "llm.choices.{i}",
            "message.tool_calls.{i}",
            "output.value",
        ),
        "arguments": ("tool_call.function.arguments", "tool.parameters"),
        "query": ("reranker.query",),
        "input_documents": ("reranker.input_documents.{i}",),
        "documents": ("retrieval.documents.{i}", "retrieval.documents", "reranker.output_documents.{i}"),
        "tools": ("llm.tools.{i}", "llm.tools"),
    },
    bodies={
        "parameters": ("llm.invocation_parameters", "embedding.invocation_parameters"),
        "request": ("input.value",),
        "response": ("output.value",),
        "about": ("metadata",),
    },
    hidden=(
        "embedding.vector",
        "llm.prompt_template.template",
        "llm.prompt_template.variables",
        "llm.function_call",
    ),
    scopes=("openinference.",),
    adjust=_adjust,
)

RENAMED: Final = Family(
    name="gen_ai",
    contents={"input": ("gen_ai.prompts", "gen_ai.prompts.{i}")},
    bodies={"parameters": _RENAMED_PARAMETERS},
    scopes=("traceai_",),
    adjust=_adjust,
)
"""Its words with ``gen_ai.`` in front, as emitters write that grew out of it."""
