"""OpenLLMetry (Traceloop), 0.17 to 0.62, and what grew out of it (Laminar, AgentOps).

Flattened ``gen_ai.prompt`` lists, ``llm.*`` and ``traceloop.*``.
"""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

_ASSOCIATION: Final = "traceloop.association.properties."

OPENLLMETRY: Final = Family(
    name="openllmetry",
    columns={
        "step": (
            "traceloop.span.kind",
            "llm.request.type",
            "gen_ai.request.type",
            "lmnr.span.type",
            "agentops.span.kind",
            "gen_ai.span.kind",
        ),
        "provider": ("llm.vendor", _ASSOCIATION + "ls_provider"),
        "request_model": ("llm.request.model", _ASSOCIATION + "ls_model_name"),
        "response_model": ("llm.response.model",),
        "response_id": ("llm.response.id",),
        "finish_reasons": ("llm.response.finish_reason", "llm.response.stop_reason"),
        "input_tokens": ("llm.usage.prompt_tokens", "llm.usage.input_tokens"),
        "output_tokens": ("llm.usage.completion_tokens", "llm.usage.output_tokens"),
        "total_tokens": ("llm.usage.total_tokens",),
        "cache_read_tokens": ("llm.usage.cache_read_input_tokens",),
        "cache_write_tokens": ("llm.usage.cache_creation_input_tokens",),
        "reasoning_tokens": ("llm.usage.reasoning_tokens",),
        "streaming": ("llm.is_streaming",),
        "user_id": ("llm.user", _ASSOCIATION + "user_id"),
        "conversation_id": (
            _ASSOCIATION + "session_id",
            _ASSOCIATION + "thread_id",
            _ASSOCIATION + "conversation_id",
            _ASSOCIATION + "chat_id",
        ),
        "agent_name": ("traceloop.agent.name",),
        "entity_name": ("traceloop.entity.name", "agentops.entity.name"),
    },
    contents={
        "input": (
            "gen_ai.prompt.{i}",
            "gen_ai.prompt",
            "llm.prompts.{i}",
            "gen_ai.task.input",
            "traceloop.entity.input",
            "lmnr.span.input",
            "agentops.entity.input",
        ),
        "output": (
            "gen_ai.completion.{i}",
            "gen_ai.completion",
            "llm.completions.{i}",
            "gen_ai.task.output",
            "traceloop.entity.output",
            "lmnr.span.output",
            "agentops.entity.output",
        ),
        "tools": ("llm.request.functions.{i}", "llm.request.functions", "gen_ai.request.functions.{i}"),
    },
    # LangSmith writes the whole request and the whole response under the names that once held a text.
    bodies={"request": ("gen_ai.prompt",), "response": ("gen_ai.completion",)},
    hidden=("gen_ai.prompt_json", "traceloop.prompt.template_variables"),
    scopes=("traceloop.",),
)
