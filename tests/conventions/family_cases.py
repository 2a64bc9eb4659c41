"""A model call as each family of emitters reports it: scope, attributes, and the columns wanted."""

from __future__ import annotations

import json
from typing import Any

Case = tuple[str, str, dict[str, Any], dict[str, Any]]

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
GENAI_INPUT = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}])
GENAI_OUTPUT = json.dumps(
    [{"role": "assistant", "parts": [{"type": "text", "content": "Hello"}], "finish_reason": "stop"}]
)
CHAT_RESPONSE = {
    "id": "chatcmpl-1",
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
    "usage": {
        "prompt_tokens": 42,
        "completion_tokens": 12,
        "total_tokens": 54,
        "prompt_tokens_details": {"cached_tokens": 16},
        "completion_tokens_details": {"reasoning_tokens": 4},
    },
}
WANTED = {
    "kind": "llm",
    "operation": "chat",
    "provider": "openai",
    "request_model": "gpt-4o",
    "response_model": "gpt-4o-2024-08-06",
    "input_tokens": 42,
    "output_tokens": 12,
    "cache_read_tokens": 16,
    "reasoning_tokens": 4,
    "finish_reasons": ["stop"],
    "system": "Be brief.",
    "input": "Hi",
    "output": "Hello",
}
"""What most cases report; a case names only what it reports otherwise, None for what it does not."""

_ID = {"response_id": "chatcmpl-1"}

CASES: list[Case] = [
    (
        "gen_ai",
        "opentelemetry.instrumentation.genai.openai",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.usage.input_tokens": 42,
            "gen_ai.usage.output_tokens": 12,
            "gen_ai.usage.cache_read.input_tokens": 16,
            "gen_ai.usage.cache_write.input_tokens": 2,
            "gen_ai.usage.reasoning.output_tokens": 4,
            "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]',
            "gen_ai.input.messages": GENAI_INPUT,
            "gen_ai.output.messages": GENAI_OUTPUT,
            "gen_ai.conversation.id": "c-1",
            "gen_ai.response.time_to_first_chunk": 0.25,
            "gen_ai.request.stream": True,
        },
        {
            **_ID,
            "convention": "gen_ai",
            "cache_write_tokens": 2,
            "conversation_id": "c-1",
            "time_to_first_token_ms": 250.0,
            "streaming": True,
        },
    ),
    (
        "gen_ai of 2024",
        "hand-made",
        {
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.usage.prompt_tokens": 42,
            "gen_ai.usage.completion_tokens": 12,
            "gen_ai.usage.cache_read_input_tokens": 16,
            "gen_ai.usage.cache_creation_input_tokens": 2,
            "gen_ai.usage.reasoning_tokens": 4,
            "gen_ai.response.finish_reasons": '["stop"]',
            "gen_ai.prompt": json.dumps(MESSAGES),
            "gen_ai.completion": "Hello",
        },
        {"cache_write_tokens": 2},
    ),
    (
        "openinference",
        "openinference.instrumentation.openai",
        {
            "openinference.span.kind": "LLM",
            "llm.system": "openai",
            "llm.model_name": "gpt-4o-2024-08-06",
            "llm.invocation_parameters": '{"model": "gpt-4o", "temperature": 0.2}',
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "Be brief.",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.contents.0.message_content.type": "text",
            "llm.input_messages.1.message.contents.0.message_content.text": "Hi",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": "Hello",
            "llm.token_count.prompt": 42,
            "llm.token_count.completion": 12,
            "llm.token_count.total": 54,
            "llm.token_count.prompt_details.cache_read": 16,
            "llm.token_count.prompt_details.cache_write": 2,
            "llm.token_count.completion_details.reasoning": 4,
            "input.value": json.dumps({"model": "gpt-4o", "messages": MESSAGES}),
            "output.value": json.dumps(CHAT_RESPONSE),
            "session.id": "s-1",
            "user.id": "u-1",
        },
        {**_ID, "convention": "openinference", "cache_write_tokens": 2, "conversation_id": "s-1", "user_id": "u-1"},
    ),
    (
        "openinference, a completion",
        "openinference.instrumentation.openai",
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "openai",
            "llm.request.model_name": "gpt-4o",
            "llm.response.model_name": "gpt-4o-2024-08-06",
            "llm.prompts.0.prompt.text": "Hi",
            "llm.choices.0.completion.text": "Hello",
            "llm.finish_reason": "stop",
            "llm.token_count.prompt": 42,
            "llm.token_count.completion": 12,
            "llm.cost.total": 0.5,
        },
        {
            "system": None,
            "cache_read_tokens": None,
            "reasoning_tokens": None,
            "cost_usd": 0.5,
            "cost_source": "reported",
        },
    ),
    (
        "openllmetry",
        "opentelemetry.instrumentation.openai.v1",
        {
            "llm.request.type": "chat",
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "llm.is_streaming": True,
            "llm.usage.total_tokens": 54,
            "gen_ai.usage.prompt_tokens": 42,
            "gen_ai.usage.completion_tokens": 12,
            "gen_ai.usage.cache_read_input_tokens": 16,
            "llm.usage.reasoning_tokens": 4,
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "Be brief.",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": '[{"type": "text", "text": "Hi"}]',
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "Hello",
            "gen_ai.completion.0.finish_reason": "stop",
            "traceloop.association.properties.session_id": "s-1",
            "traceloop.association.properties.user_id": "u-1",
        },
        {"convention": "openllmetry", "streaming": True, "conversation_id": "s-1", "user_id": "u-1"},
    ),
    (
        "openlit",
        "openlit.instrumentation.openai",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.client.token.usage": 54,
            "gen_ai.usage.input_tokens": 42,
            "gen_ai.usage.output_tokens": 12,
            "gen_ai.usage.cache_read.input_tokens": 16,
            "gen_ai.usage.completion_tokens_details.reasoning": 4,
            "gen_ai.usage.cost": 0,
            "gen_ai.request.user": "",
            "gen_ai.tool.name": "get_weather",
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]',
            "gen_ai.input.messages": GENAI_INPUT,
            "gen_ai.output.messages": GENAI_OUTPUT,
        },
        {"convention": "openlit", "cost_usd": None, "user_id": None, "tool_name": None},
    ),
    (
        "vercel_ai",
        "ai",
        {
            "ai.operationId": "ai.streamText.doStream",
            "ai.model.provider": "openai.responses",
            "ai.model.id": "gpt-4o",
            "ai.response.model": "gpt-4o-2024-08-06",
            "ai.response.id": "chatcmpl-1",
            "ai.response.finishReason": "stop",
            "ai.usage.promptTokens": 42,
            "ai.usage.completionTokens": 12,
            "ai.usage.cachedInputTokens": 16,
            "ai.usage.reasoningTokens": 4,
            "ai.response.msToFirstChunk": 250,
            "ai.prompt.messages": json.dumps(MESSAGES),
            "ai.response.text": "Hello",
            "ai.telemetry.metadata.userId": "u-1",
        },
        {**_ID, "convention": "vercel_ai", "time_to_first_token_ms": 250.0, "user_id": "u-1"},
    ),
    (
        "mlflow",
        "mlflow.tracing.provider",
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.llm.model": '"gpt-4o-2024-08-06"',
            "mlflow.message.format": '"openai"',
            "model": '"gpt-4o"',
            "mlflow.chat.tokenUsage": '{"input_tokens": 42, "output_tokens": 12, "total_tokens": 54}',
            "mlflow.spanInputs": json.dumps({"model": "gpt-4o", "messages": MESSAGES}),
            "mlflow.spanOutputs": json.dumps(CHAT_RESPONSE),
            "mlflow.llm.cost": '{"input_cost": 0.25, "output_cost": 0.25, "total_cost": 0.5}',
            "user": '"u-1"',
        },
        {**_ID, "convention": "mlflow", "cost_usd": 0.5, "cost_source": "reported", "user_id": "u-1"},
    ),
    (
        "langfuse",
        "langfuse-sdk",
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "gpt-4o-2024-08-06",
            "langfuse.observation.input": json.dumps(MESSAGES),
            "langfuse.observation.output": '{"role": "assistant", "content": "Hello"}',
            "langfuse.observation.metadata.finish_reason": '"stop"',
            "langfuse.observation.usage_details": json.dumps(CHAT_RESPONSE["usage"]),
            "langfuse.observation.cost_details": '{"input": 0.25, "output": 0.25, "total": 0.5}',
            "session.id": "s-1",
            "user.id": "u-1",
        },
        {
            "convention": "langfuse",
            "request_model": "gpt-4o-2024-08-06",
            "cost_usd": 0.5,
            "conversation_id": "s-1",
            "user_id": "u-1",
        },
    ),
    (
        "langsmith",
        "langsmith",
        {
            "langsmith.span.kind": "llm",
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "langchain",
            "langsmith.metadata.ls_provider": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.usage.input_tokens": 42,
            "gen_ai.usage.output_tokens": 12,
            "gen_ai.usage.input_token_details": '{"cache_read": 16}',
            "gen_ai.usage.output_token_details": '{"reasoning": 4}',
            "gen_ai.prompt": json.dumps({"messages": MESSAGES, "model": "gpt-4o"}),
            "gen_ai.completion": json.dumps(CHAT_RESPONSE),
            "langsmith.metadata.thread_id": "t-1",
        },
        {**_ID, "convention": "langsmith", "conversation_id": "t-1"},
    ),
    (
        "haystack",
        "haystack",
        {
            "haystack.component.name": "llm",
            "haystack.component.type": "OpenAIChatGenerator",
            "haystack.component.input": json.dumps(
                {"messages": [{"role": m["role"], "content": [{"text": m["content"]}], "meta": {}} for m in MESSAGES]}
            ),
            "haystack.component.output": json.dumps(
                {
                    "replies": [
                        {
                            "role": "assistant",
                            "content": [{"text": "Hello"}],
                            "meta": {
                                "model": "gpt-4o-2024-08-06",
                                "index": 0,
                                "finish_reason": "stop",
                                "usage": CHAT_RESPONSE["usage"],
                            },
                        }
                    ]
                }
            ),
        },
        {"convention": "haystack", "request_model": None},
    ),
    (
        "litellm",
        "litellm",
        {
            "llm.request.type": "completion",
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.usage.input_tokens": 42,
            "gen_ai.usage.output_tokens": 12,
            "metadata.usage_object": str(CHAT_RESPONSE["usage"]),
            "gen_ai.cost.total_cost": 0.5,
            "gen_ai.system_instructions": "Be brief.",
            "gen_ai.input.messages": GENAI_INPUT,
            "gen_ai.output.messages": GENAI_OUTPUT,
            "llm.is_streaming": "False",
            "llm.user": "u-1",
        },
        {"convention": "litellm", "cost_usd": 0.5, "streaming": False, "user_id": "u-1"},
    ),
    (
        "logfire of old",
        "logfire.openai",
        {
            "request_data": json.dumps({"model": "gpt-4o", "messages": MESSAGES}),
            "response_data": json.dumps(
                {"message": {"role": "assistant", "content": "Hello"}, "usage": CHAT_RESPONSE["usage"]}
            ),
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
        },
        {"convention": "logfire", "finish_reasons": None},
    ),
    (
        "pydantic_ai",
        "pydantic-ai",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.usage.input_tokens": 42,
            "gen_ai.usage.output_tokens": 12,
            "gen_ai.usage.details.cached_tokens": 16,
            "gen_ai.usage.details.reasoning_tokens": 4,
            "gen_ai.response.finish_reasons": ("stop",),
            "operation.cost": 0.5,
            "events": json.dumps(
                [
                    {"event.name": "gen_ai.system.message", "role": "system", "content": "Be brief."},
                    {"event.name": "gen_ai.user.message", "role": "user", "content": "Hi"},
                    {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "Hello"}},
                ]
            ),
        },
        {"convention": "pydantic_ai", "cost_usd": 0.5},
    ),
    (
        "google_adk",
        "gcp.vertex.agent",
        {
            "gen_ai.system": "gcp.vertex.agent",
            "gen_ai.request.model": "gemini-2.5-flash",
            "gcp.vertex.agent.llm_request": json.dumps(
                {
                    "model": "gemini-2.5-flash",
                    "config": {"system_instruction": "Be brief."},
                    "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
                }
            ),
            "gcp.vertex.agent.llm_response": json.dumps(
                {
                    "content": {"role": "model", "parts": [{"text": "Hello"}]},
                    "finish_reason": "STOP",
                    "usage_metadata": {
                        "prompt_token_count": 42,
                        "candidates_token_count": 8,
                        "thoughts_token_count": 4,
                        "cached_content_token_count": 16,
                        "total_token_count": 54,
                    },
                }
            ),
            "gcp.vertex.agent.session_id": "s-1",
        },
        {
            "convention": "google_adk",
            "provider": "gcp.gemini",
            "request_model": "gemini-2.5-flash",
            "response_model": None,
            "finish_reasons": ["STOP"],
            "conversation_id": "s-1",
        },
    ),
]
