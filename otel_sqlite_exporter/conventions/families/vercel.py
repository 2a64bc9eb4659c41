"""The Vercel AI SDK's ``ai.*`` attributes."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

_METADATA: Final = "ai.telemetry.metadata."
VERCEL: Final = Family(
    name="vercel_ai",
    columns={
        "step": ("ai.operationId", "operation.name"),
        "provider": ("ai.model.provider",),
        "request_model": ("ai.model.id",),
        "response_model": ("ai.response.model",),
        "response_id": ("ai.response.id",),
        "finish_reasons": ("ai.response.finishReason", "ai.finishReason"),
        "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
        "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        "total_tokens": ("ai.usage.totalTokens",),
        "cache_read_tokens": ("ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens"),
        "cache_write_tokens": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
        "reasoning_tokens": ("ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens"),
        "first_token_ms": ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"),
        "conversation_id": (_METADATA + "sessionId", _METADATA + "threadId", _METADATA + "session_id"),
        "user_id": (_METADATA + "userId", _METADATA + "user_id"),
        "agent_name": ("ai.telemetry.functionId",),
        "tool_name": ("ai.toolCall.name",),
        "tool_call_id": ("ai.toolCall.id",),
    },
    contents={
        "input": ("ai.prompt.messages", "ai.prompt", "ai.values", "ai.value"),
        "output_pieces": (
            "ai.response.reasoning",
            "ai.response.text",
            "ai.result.text",
            "ai.response.object",
            "ai.result.object",
            "ai.response.toolCalls",
            "ai.result.toolCalls",
        ),
        "arguments": ("ai.toolCall.args", "ai.toolCall.input"),
        "result": ("ai.toolCall.result", "ai.toolCall.output"),
        "tools": ("ai.prompt.tools",),
    },
    hidden=("ai.embeddings", "ai.embedding", "ai.response.providerMetadata", "ai.schema"),
)
