"""LlamaIndex's own OpenTelemetry: spans say nothing but their names, and each event what was done within."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.call import Message
from otel_sqlite_exporter.conventions.parse import parse_text
from otel_sqlite_exporter.conventions.parts import tool_call_part
from otel_sqlite_exporter.conventions.step_words import (
    AGENT,
    CHAIN,
    CHAT,
    COMPLETION,
    EMBEDDINGS,
    RERANK,
    RETRIEVAL,
    TOOL,
)
from otel_sqlite_exporter.conventions.values import text
from otel_sqlite_exporter.conventions.vocabulary import Family

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet

_SUMMARY: Final = "llamaindex.step.input_summary"


def _adjust(call: Call, _sheet: Sheet, facts: SpanFacts) -> None:
    """Take the call of a tool out of the repr that stands for the event that started a workflow's step."""
    if call.kind != "tool":
        return
    asked = parse_text(str(facts.attributes.get(_SUMMARY)))
    if isinstance(asked, dict) and "tool_name" in asked:
        call.tool_name = text(asked["tool_name"])
        call.tool_call_id = text(asked.get("tool_id"))
        call.input = [
            Message("assistant", [tool_call_part(call.tool_call_id, call.tool_name, asked.get("tool_kwargs"))])
        ]


LLAMA_INDEX: Final = Family(
    name="llama_index",
    columns={
        "request_model": ("model_dict.model_name", "model_dict.model"),
    },
    contents={
        "input": ("messages", "prompt", "chunks"),
        "arguments": (_SUMMARY, "tags." + _SUMMARY),
        "output": ("response.message.{field}", "response.text", "response.response", "response", "output"),
        "query": ("str_or_query_bundle.query_str", "str_or_query_bundle", "query.query_str", "query", "query_str"),
        "documents": ("nodes",),
        "tools": ("additional_kwargs.tools",),
    },
    bodies={"response": ("response.raw.{field}", "response.raw.choices")},
    hidden=("embeddings", "str_or_query_bundle.embedding", "query.embedding"),
    scopes=("llamaindex.",),
    scoped=True,
    steps={
        "LLMChatStartEvent": CHAT,
        "LLMChatEndEvent": CHAT,
        "LLMCompletionStartEvent": COMPLETION,
        "LLMCompletionEndEvent": COMPLETION,
        "EmbeddingStartEvent": EMBEDDINGS,
        "EmbeddingEndEvent": EMBEDDINGS,
        "RetrievalStartEvent": RETRIEVAL,
        "RetrievalEndEvent": RETRIEVAL,
        "ReRankStartEvent": RERANK,
        "ReRankEndEvent": RERANK,
        "LLMPredictStartEvent": CHAIN,
        "LLMPredictEndEvent": CHAIN,
        "LLMStructuredPredictStartEvent": CHAIN,
        "LLMStructuredPredictEndEvent": CHAIN,
        "QueryStartEvent": CHAIN,
        "QueryEndEvent": CHAIN,
        "SynthesizeStartEvent": CHAIN,
        "SynthesizeEndEvent": CHAIN,
        "GetResponseStartEvent": CHAIN,
        "GetResponseEndEvent": CHAIN,
        "AgentRunStepStartEvent": CHAIN,
        "AgentRunStepEndEvent": CHAIN,
        "SpanDropEvent": CHAIN,
        "step.output": CHAIN,
        "workflow.output": AGENT,
        "BaseWorkflowAgent.call_tool": TOOL,
        "AgentWorkflow.run": AGENT,
        "FunctionAgent.run": AGENT,
        "ReActAgent.run": AGENT,
        "CodeActAgent.run": AGENT,
    },
    adjust=_adjust,
)
