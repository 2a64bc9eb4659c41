"""Platforms whose decorators trace functions: what went in and came out, and what the application said of it."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.step_words import CHAIN
from otel_sqlite_exporter.conventions.vocabulary import Family

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
