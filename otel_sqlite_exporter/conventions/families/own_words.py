"""What emitters that nobody knows call things under their own name: ``acme.llm.model`` of the scope ``acme.tracing``.

There are few words for what a call is made of. One that stands after the emitter's own name in a key means what it
means elsewhere; it is read where nothing else says the same.
"""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

OWN_WORDS: Final = Family(
    name="none",
    columns={
        # A word that is not known decides nothing: an application's own "operation" is no emitter's.
        "hint": ("span.kind", "span_kind", "span.type", "span_type", "observation.type", "event_type", "kind", "type"),
        "provider": ("llm.provider", "provider", "provider.name"),
        "request_model": ("llm.request.model", "request.model", "llm.model", "model", "model_name", "model.name"),
        "response_model": ("llm.response.model", "response.model"),
        "response_id": ("llm.response.id", "response.id"),
        "finish_reasons": ("llm.finish_reason", "finish_reason", "response.finish_reasons", "finish_reasons"),
        "cost_usd": ("llm.cost.total", "cost.total", "llm.cost", "cost", "cost_usd", "total_cost"),
        "conversation_id": ("session.id", "session_id", "conversation.id", "conversation_id", "thread_id"),
        "user_id": ("user.id", "user_id", "end_user_id"),
        "agent_name": ("agent.name", "agent_name"),
        "tool_name": ("tool.name", "tool_name"),
        "tool_call_id": ("tool.call.id", "tool.id", "tool_call_id"),
    },
    contents={
        "system": ("system_prompt", "system_instructions", "llm.system_prompt", "instructions"),
        "input": (
            "llm.input_messages.{i}",
            "llm.input_messages",
            "input_messages",
            "llm.messages",
            "messages",
            "request.messages",
            "input.messages",
            "llm.prompts.{i}",
            "llm.prompts",
            "llm.prompt",
            "prompt",
            "llm.input",
            "input.value",
            "input",
            "inputs",
        ),
        "output": (
            "llm.output_messages.{i}",
            "llm.output_messages",
            "output_messages",
            "response.messages",
            "output.messages",
            "llm.completions.{i}",
            "llm.completions",
            "llm.completion",
            "completion",
            "llm.output",
            "llm.response",
            "output.value",
            "output",
            "outputs",
            "response",
        ),
        "arguments": ("tool.arguments", "tool.input", "tool.parameters"),
        "result": ("tool.result", "tool.output"),
        "tools": ("llm.tools.{i}", "llm.tools", "tools", "tool.definitions"),
    },
    bodies={
        "usage": ("usage", "llm.usage", "token_usage"),
        "parameters": ("llm.invocation_parameters", "invocation_parameters", "llm.parameters", "request.parameters"),
        "response": ("output.value", "output", "llm.response", "response"),
        "request": ("input.value", "input"),
    },
)
