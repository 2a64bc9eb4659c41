"""Platforms whose decorators trace functions: what went in and came out, and what the application said of it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions import providers
from otel_sqlite_exporter.conventions.step_words import AGENT, CHAIN, EMBEDDINGS, LLM, OTHER, RETRIEVAL, TOOL
from otel_sqlite_exporter.conventions.values import name, text
from otel_sqlite_exporter.conventions.vocabulary import Family

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet

_JUDGMENT: Final = "judgment."
_FRESH: Final = _JUDGMENT + "usage.non_cached_input_tokens"

JUDGEVAL: Final = Family(
    name="judgeval",
    columns={
        "step": (_JUDGMENT + "span_kind",),
        "provider": (_JUDGMENT + "llm.provider",),
        "model": (_JUDGMENT + "llm.model",),
        "input_tokens": (_FRESH,),
        "cache_exclusive": (_FRESH,),
        "cost_usd": (_JUDGMENT + "usage.total_cost_usd",),
        "agent_name": (_JUDGMENT + "agent_instance_name", _JUDGMENT + "agent_class_name"),
        "conversation_id": (_JUDGMENT + "session_id",),
        "user_id": (_JUDGMENT + "customer_user_id", _JUDGMENT + "customer_id"),
    },
    contents={"input": (_JUDGMENT + "input",), "output": (_JUDGMENT + "output",)},
    hidden=(_JUDGMENT + "state_before", _JUDGMENT + "state_after"),
    scopes=("judgeval",),
    steps={"function": CHAIN},
)

HONEYHIVE: Final = Family(
    name="honeyhive",
    columns={
        "step": ("honeyhive_event_type",),
        "entity_name": ("honeyhive_event_name",),
        "provider": ("honeyhive_config.provider",),
        "request_model": ("honeyhive_config.model",),
        "conversation_id": ("honeyhive.session_id",),
        "user_id": ("honeyhive_user_properties.user_id",),
        "cost_usd": ("honeyhive_metadata.cost",),
        "error_type": ("honeyhive_error_type",),
        "error_message": ("honeyhive_error",),
    },
    contents={
        "input": ("honeyhive_inputs", "honeyhive_inputs.{field}"),
        "output": ("honeyhive_outputs", "honeyhive_outputs.{field}"),
    },
    bodies={
        "usage": ("honeyhive_metadata.{field}",),
        "response": ("honeyhive_outputs.{field}",),
        "request": ("honeyhive_inputs.{field}",),
    },
    scopes=("honeyhive",),
)

_OBSERVED: Final = "ai.observability."


def _name_chain(call: Call, _sheet: Sheet, _facts: SpanFacts) -> None:
    """Call what only surrounds others a chain: the root of a record is that, unless the model was asked in it."""
    if call.kind == "other":
        call.kind = "chain"


TRULENS: Final = Family(
    name="trulens",
    columns={
        "hint": (_OBSERVED + "span_type",),
        "response_model": (_OBSERVED + "cost.model",),
        "input_tokens": (_OBSERVED + "cost.num_prompt_tokens",),
        "output_tokens": (_OBSERVED + "cost.num_completion_tokens",),
        "reasoning_tokens": (_OBSERVED + "cost.num_reasoning_tokens",),
        "total_tokens": (_OBSERVED + "cost.num_tokens",),
        "cost_usd": (_OBSERVED + "cost.cost",),
        "streaming": (_OBSERVED + "generation.is_streaming",),
        "first_token_ms": (_OBSERVED + "generation.time_to_first_token_ms",),
        "error_message": (_OBSERVED + "call.error",),
    },
    contents={
        "input": (_OBSERVED + "record_root.input", _OBSERVED + "call.kwargs.{field}"),
        "output": (_OBSERVED + "call.return", _OBSERVED + "record_root.output"),
        "query": (_OBSERVED + "retrieval.query_text",),
        "documents": (_OBSERVED + "retrieval.retrieved_contexts",),
    },
    bodies={"request": (_OBSERVED + "call.kwargs.{field}",)},
    scopes=("trulens",),
    adjust=_name_chain,
)

ORQ: Final = Family(
    name="orq",
    columns={"step": ("type",), "provider": ("provider",), "request_model": ("model",)},
    contents={"input": ("input",), "output": ("output",)},
    bodies={"request": ("input",), "response": ("output",)},
    scopes=("orq_ai_sdk",),
    scoped=True,
    steps={"function": CHAIN, "score": OTHER},
)


def _name_entities(call: Call, _sheet: Sheet, facts: SpanFacts) -> None:
    """Name the service, the model, the tool and the agent: every span lists what took part in it by number and type."""
    attributes = facts.attributes
    for number in count(1):
        kind = text(attributes.get(f"entity.{number}.type"))
        if kind is None:
            return
        group, _, maker = kind.partition(".")
        named = name(attributes.get(f"entity.{number}.name"))
        if group == "inference":
            call.provider = providers.canonical(maker) or call.provider
        elif group == "model" and call.kind in ("llm", "embedding"):
            call.request_model = named
            call.provider = call.provider or providers.of_model(named or "")
        elif group == "tool" and call.kind == "tool":
            call.tool_name = call.tool_name or named
        elif group == "agent" and call.kind == "agent":
            call.agent_name = call.agent_name or named


MONOCLE: Final = Family(
    name="monocle",
    columns={
        "step": ("span.type",),
        "server": ("entity.1.inference_endpoint",),
        "input_tokens": ("prompt_tokens",),
        "output_tokens": ("completion_tokens",),
        "total_tokens": ("total_tokens",),
        "cache_read_tokens": ("cache_read_input_tokens",),
        "cache_write_tokens": ("cache_creation_input_tokens",),
        "reasoning_tokens": ("reasoning_tokens",),
        "finish_reasons": ("finish_reason",),
        "conversation_id": ("scope.agentic.session",),
        "error_type": ("error_code",),
    },
    contents={"input": ("input",), "output": ("response",)},
    scopes=("monocle_apptrace",),
    scoped=True,
    steps={
        "inference": LLM,
        "inference.framework": CHAIN,
        "embedding": EMBEDDINGS,
        "retrieval": RETRIEVAL,
        "agentic.tool.invocation": TOOL,
        "agentic.mcp.invocation": TOOL,
        "agentic.invocation": AGENT,
        "agentic.turn": CHAIN,
        "agentic.delegation": CHAIN,
        "workflow": CHAIN,
        # Each span has its content in events of these names.
        "data.input": CHAIN,
        "data.output": CHAIN,
        "metadata": CHAIN,
    },
    adjust=_name_entities,
)
