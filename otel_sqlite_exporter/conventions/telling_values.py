"""What the values under keys say of a span whose keys alone do not tell that it is one of a model.

Kept free of other imports: the span processor asks on the application's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.composed_words import is_only_models, step_of_parts
from otel_sqlite_exporter.conventions.key_words import COUNT, GIVEN_OR_MADE, SIDES, marks_of, words_of
from otel_sqlite_exporter.scanning.patterns import SPOKEN_TO_A_MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_STEP: Final = 48
_OPENING: Final = frozenset('[{("')
"""How a structure of messages begins in a text."""

_LOOKED_AT: Final = 2048
"""Characters of what a span was given, where a word for its step is not enough."""

_STEPS_OF_OTHERS: Final = frozenset(
    {"model", "chat", "completion", "complete", "generate", "generate_text", "inference", "predict", "prediction"}
)

_MOST_WORDS: Final = 3
_MODELS_WORDS: Final = frozenset({"llm", "genai", "embedding", "embeddings"})
_RUNNABLE: Final = _MODELS_WORDS | {"tool", "agent"}
_RUN: Final = frozenset({"invoke", "invocation", "call", "run", "execute", "execution"})

STEPS_OF_MODELS: Final = frozenset(
    {
        *("llm", "llm_call", "llmcall", "chat_completion", "chatcompletion", "chat_model", "generation"),
        *("embedding", "embeddings", "retriever", "retrieval", "reranker", "agent", "tool", "tool_call"),
        *("chat_completions", "chat_completion_create", "chat_completions_create", "invoke_model", "generate_content"),
        *(
            "generate_text",
            "text_generation",
            "llm_generation",
            "llm_completion",
            "llm_invoke",
            "invoke_llm",
            "call_llm",
        ),
        *("text_completion", "execute_tool", "invoke_agent", "llm_request", "model_call", "guardrail"),
        *("model_request", "model_invocation", "model_generation"),
    }
)
"""Words for steps that nothing but spans of models, agents, tools and retrieval has."""


def tells_of_model(key: str, attributes: Mapping[str, object]) -> bool:
    """Tell whether the value under a key that may name a step says that its span is a model's.

    What others have a word for too (``model``, ``chat``) says so only beside messages that the same emitter wrote.

    Args:
        key: Its mark is :data:`STEP` or :data:`GIVEN_OR_MADE`.
        attributes: Of the span.
    """
    value = attributes[key]
    if type(value) is not str:
        return False
    if marks_of(key) & GIVEN_OR_MADE:
        return _is_spoken(value) and _holds_messages(key, attributes)  # queues carry what goes in
    if is_models_step(value):
        return True
    word = _member(value[:_LONGEST_STEP])
    is_step = "_".join(words_of(word)) in _STEPS_OF_OTHERS or step_of_parts(word) is not None
    return is_step and (_counts_usage(key, attributes) or _holds_messages(key, attributes))


def _counts_usage(key: str, attributes: Mapping[str, object]) -> bool:
    emitter = _emitter(key)
    return any(marks_of(other) & COUNT and _emitter(other) == emitter for other in attributes)


def _holds_messages(key: str, attributes: Mapping[str, object]) -> bool:
    spoken = [other for other, value in attributes.items() if other != key and type(value) is str and _is_spoken(value)]
    return any(_emitter(other) == _emitter(key) for other in spoken)


def _is_spoken(value: str) -> bool:
    if value[:1] not in _OPENING:
        return False
    head = value[:_LOOKED_AT]
    return ("role" in head or "human" in head) and SPOKEN_TO_A_MODEL.search(head) is not None


def _emitter(key: str) -> str:
    """Return the first word of a key, which is its emitter's name unless it says already what goes in or comes out."""
    words = words_of(key)
    return "" if not words or words[0] in SIDES else words[0]


def is_models_step(value: object) -> bool:
    """Tell whether a word for a step is one of a model or its surroundings, and nothing else's.

    Args:
        value: Of an attribute.
    """
    if type(value) is not str:
        return False
    words = words_of(_member(value[:_LONGEST_STEP]))
    if "_".join(words) in STEPS_OF_MODELS or is_only_models(_member(value[:_LONGEST_STEP])):
        return True
    return len(words) <= _MOST_WORDS and not (_MODELS_WORDS if _RUN.isdisjoint(words) else _RUNNABLE).isdisjoint(words)


def _member(value: str) -> str:
    """Return the member that a Python enum's name ends with: ``SpanKind.LLM``."""
    head, point, member = value.rpartition(".")
    return member if point and head[:1].isupper() and head.isidentifier() else value
