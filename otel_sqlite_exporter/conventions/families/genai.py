"""The GenAI semantic conventions, in every spelling since 2024."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

GENAI: Final = Family(
    name="gen_ai",
    columns={
        "step": ("gen_ai.operation.name", "mcp.method.name"),
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "request_model": ("gen_ai.request.model",),
        "response_model": ("gen_ai.response.model", "gen_ai.response_model"),
        "response_id": ("gen_ai.response.id",),
        "finish_reasons": ("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason"),
        "input_tokens": (
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "gen_ai.usage.partial.input_tokens",
        ),
        "output_tokens": (
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "gen_ai.usage.partial.output_tokens",
        ),
        "total_tokens": ("gen_ai.usage.total_tokens",),
        "cache_read_tokens": (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.input_tokens.cached",
            "gen_ai.usage.cache_read_tokens",
            "gen_ai.usage.cached_tokens",
            "gen_ai.usage.input_cached_tokens",
            "gen_ai.usage.cached_input_tokens",
            "gen_ai.usage.prompt_tokens_details.cached_tokens",
            "gen_ai.usage.cached_prompt_text_tokens",
            "gen_ai.usage.partial.cache_read.input_tokens",
        ),
        "cache_write_tokens": (
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_write_input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.input_tokens.cache_write",
            "gen_ai.usage.cache_write_tokens",
            "gen_ai.usage.cache_creation_tokens",
            "gen_ai.usage.partial.cache_write.input_tokens",
            "gen_ai.usage.partial.cache_creation.input_tokens",
        ),
        "reasoning_tokens": (
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.output_tokens.reasoning",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.output_reasoning_tokens",
            "gen_ai.usage.reasoning_output_tokens",
            "gen_ai.usage.thinking_tokens",
            "gen_ai.usage.completion_tokens_details.reasoning_tokens",
            "gen_ai.usage.partial.reasoning.output_tokens",
        ),
        "audio_input_tokens": ("gen_ai.usage.audio.input_tokens", "gen_ai.usage.input_audio_tokens"),
        "audio_output_tokens": ("gen_ai.usage.audio.output_tokens", "gen_ai.usage.output_audio_tokens"),
        "audio_cache_read_tokens": ("gen_ai.usage.audio.cache_read.input_tokens",),
        "cache_write_1h_tokens": ("gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",),
        "service_tier": (
            "openai.response.service_tier",
            "gen_ai.openai.response.service_tier",
            "gen_ai.response.service_tier",
            "anthropic.response.service_tier",
            "gen_ai.anthropic.response.service_tier",
            "openai.request.service_tier",
            "gen_ai.openai.request.service_tier",
            "gen_ai.request.service_tier",
        ),
        "cost_usd": (
            "gen_ai.usage.cost.amount",
            "gen_ai.usage.cost",
            "gen_ai.usage.total_cost",
            "gen_ai.usage.cost.total",
        ),
        "first_token_s": (
            "gen_ai.response.time_to_first_chunk",
            "gen_ai.client.operation.time_to_first_chunk",
            "gen_ai.server.time_to_first_token",
            "gen_ai.response.time_to_first_token",
            "gen_ai.streaming.time_to_first_token",
            "gen_ai.performance.time_to_first_token",
            "gen_ai.latency.time_to_first_token",
        ),
        "streaming": (
            "gen_ai.request.stream",
            "gen_ai.is_streaming",
            "gen_ai.request.is_stream",
            "gen_ai.request.streaming",
        ),
        "conversation_id": ("gen_ai.conversation.id", "gen_ai.conversation_id", "gen_ai.thread.id", "gen_ai.thread_id"),
        "user_id": ("gen_ai.user", "gen_ai.request.user", "gen_ai.user.id"),
        "agent_name": ("gen_ai.agent.name",),
        "tool_name": ("gen_ai.tool.name",),
        "tool_call_id": ("gen_ai.tool.call.id",),
    },
    contents={
        "system": ("gen_ai.system_instructions", "gen_ai.system.instructions"),
        "input": ("gen_ai.input.messages", "gen_ai.input_messages", "gen_ai.request.messages"),
        "output": ("gen_ai.output.messages", "gen_ai.output_messages", "gen_ai.response.messages"),
        "arguments": ("gen_ai.tool.call.arguments", "gen_ai.tool.arguments", "gen_ai.tool.input", "gen_ai.tool.args"),
        "result": (
            "gen_ai.tool.call.result",
            "gen_ai.tool.result",
            "gen_ai.tool.output",
            "gen_ai.tool.message",
        ),
        "query": ("gen_ai.retrieval.query.text", "gen_ai.retrieval.query"),
        "documents": ("gen_ai.retrieval.documents", "gen_ai.retrieval.documents.{i}"),
        "tools": ("gen_ai.tool.definitions", "gen_ai.request.tools", "gen_ai.request.available_tools"),
    },
    bodies={
        "usage": (
            "gen_ai.usage.input_token_details",
            "gen_ai.usage.output_token_details",
            "gen_ai.usage.prompt_tokens_details",
            "gen_ai.usage.completion_tokens_details",
        )
    },
    scopes=("opentelemetry.instrumentation.genai", "opentelemetry.util.genai"),
)
