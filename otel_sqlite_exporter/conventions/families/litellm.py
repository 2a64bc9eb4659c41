"""LiteLLM's own callback: GenAI and OpenLLMetry keys, and the raw exchange as Python reprs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.containers import read_input, read_output
from otel_sqlite_exporter.conventions.vocabulary import Family

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet

_METADATA: Final = "metadata."
_RAW_INPUT: Final = frozenset({"messages", "input", "prompt", "contents", "system", "instructions"})
_RAW_OUTPUT: Final = frozenset({"choices", "output", "candidates", "content", "data"})
_RAW_OTHER: Final = frozenset({"tools", "functions"})


def _adjust(call: Call, _sheet: Sheet, facts: SpanFacts) -> None:
    """Take the raw exchange (``llm.{provider}.messages``) out of the attributes of the span that holds it."""
    if facts.name != "raw_gen_ai_request":
        return
    call.kind, call.operation = "other", None
    for key in list(call.attributes):
        words = key.split(".", 2)
        if len(words) != 3 or words[0] != "llm":  # noqa: PLR2004 - llm, the provider, the field
            continue
        if words[2] in _RAW_INPUT:
            call.input = [*call.input, *read_input(call.attributes.pop(key))]
        elif words[2] in _RAW_OUTPUT:
            call.output = [*call.output, *read_output(call.attributes.pop(key))]
        elif words[2] in _RAW_OTHER:
            del call.attributes[key]


LITELLM: Final = Family(
    name="litellm",
    columns={
        "provider": ("litellm.provider", "litellm.custom_llm_provider"),
        "cost_usd": ("gen_ai.cost.total_cost", "litellm.cost.total"),
        "user_id": (
            "litellm.metadata.user_api_key_end_user_id",
            "litellm.end_user.id",
            "litellm.metadata.user_api_key_user_id",
        ),
    },
    scopes=("litellm",),
    adjust=_adjust,
)

LITELLM_WORDS: Final = Family(
    name="litellm",
    columns={
        "user_id": (_METADATA + "user_api_key_end_user_id", _METADATA + "user_api_key_user_id"),
        "conversation_id": (_METADATA + "session_id",),
    },
    bodies={"usage": (_METADATA + "usage_object",)},
    hidden=(_METADATA + "prompt_management_metadata", _METADATA + "vector_store_request_metadata"),
    scopes=("litellm",),
    scoped=True,
)
"""What its proxy notes about the caller."""
