"""What the values under keys say of a span whose keys alone do not tell that it is one of a model.

Kept free of other imports: the span processor asks on the application's thread.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.composed_words import is_only_models, step_of_parts
from otel_sqlite_exporter.conventions.key_words import (
    COUNT,
    GIVEN_OR_MADE,
    SAID,
    SIDES,
    TOLD_BY_VALUE,
    marks_of,
    member_of,
    words_of,
)
from otel_sqlite_exporter.conventions.step_words import STEPS
from otel_sqlite_exporter.scanning.patterns import SPOKEN_TO_A_MODEL

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_LONGEST_STEP: Final = 48
_OPENING: Final = frozenset('[{("')
"""How a structure of messages begins in a text."""

_LOOKED_AT: Final = 2048
"""Characters of what a span was given, where a word for its step is not enough."""

_STEPS_OF_OTHERS: Final = frozenset(
    {"model", "chat", "completion", "complete", "generate", "generate_text", "inference", "predict", "prediction"}
)

_OF_ANY_MODEL: Final = frozenset({"inference", "predict", "prediction", "model"})
"""What models of any kind are and do, whose use may be counted too."""

_ENOUGH: Final = 1
_WITH_USAGE: Final = 2
_WITH_MESSAGES: Final = 4
_NAMES_SPANS: Final = 8
"""With what beside it a word tells of a model: nothing, a usage, messages, or a key that names the kind of a span."""

_SAYING: Final = ("content", "parts", "text", "tool_calls")
"""What messages have beside a role; users of anything have roles."""

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
    }
)
"""Words for steps that nothing but spans of models, agents, tools and retrieval has."""


def tells_of_model(key: str, attributes: Mapping[str, object]) -> bool:
    """Tell whether the value under a key says that its span is a model's.

    What others have a word for too (``model``, ``chat``) says so only beside what the same emitter wrote: messages, or
    for words of language alone a usage. A prompt does so beside a usage.

    Args:
        key: Its marks have one of :data:`TOLD_BY_VALUE`.
        attributes: Of the span.
    """
    value = attributes[key]
    marks = marks_of(key)
    if marks & SAID:
        return isinstance(value, (str, tuple, list)) and len(value) > 0 and _counts_usage(key, attributes)
    if type(value) is not str:
        return False
    if marks & GIVEN_OR_MADE:
        return bool(spoken((key,), attributes)) and _holds_messages(key, attributes)  # queues carry what goes in
    evidence = _evidence_of(value[:_LONGEST_STEP])
    if evidence & _NAMES_SPANS and _names_kind_of_span(key):
        return True
    return bool(
        evidence & _ENOUGH
        or (evidence & _WITH_USAGE and _counts_usage(key, attributes))
        or (evidence & _WITH_MESSAGES and _holds_messages(key, attributes))
    )


def keys_told_by_value(marks: Mapping[str, int], keys: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys of a span whose values have to be asked: words and prompts, and what goes in or comes out.

    Most values of the latter are no messages, which is seen at their beginning.

    Args:
        marks: Of the keys that have any.
        keys: All of the span's.
    """
    emitters = Counter(map(_emitter, keys))
    asked = [key for key in keys if marks.get(key, 0) & TOLD_BY_VALUE]
    sides = tuple(key for key in asked if marks[key] & GIVEN_OR_MADE and emitters[_emitter(key)] > 1)
    return tuple(key for key in asked if not marks[key] & GIVEN_OR_MADE), sides


def spoken(keys: Collection[str], attributes: Mapping[str, object]) -> list[str]:
    """Return the keys whose values are structures with what somebody says to a model, or the model.

    Args:
        keys: Of the span.
        attributes: Of the span.
    """
    return [
        key
        for key in keys
        if type(value := attributes[key]) is str and value[:1] in _OPENING and _holds_a_message(value[:_LOOKED_AT])
    ]


def _holds_a_message(head: str) -> bool:
    return (
        ("role" in head or "human" in head)
        and any(word in head for word in _SAYING)
        and SPOKEN_TO_A_MODEL.search(head) is not None
    )


def _counts_usage(key: str, attributes: Mapping[str, object]) -> bool:
    emitter = _emitter(key)
    return any(
        marks_of(other) & COUNT and type(value) in (int, float) and _emitter(other) == emitter
        for other, value in attributes.items()
    )


def _holds_messages(key: str, attributes: Mapping[str, object]) -> bool:
    emitter = _emitter(key)
    return any(_emitter(other) == emitter for other in spoken(attributes, attributes) if other != key)


@lru_cache(maxsize=4096)
def _emitter(key: str) -> str:
    """Return the first word of a key, which is its emitter's name unless it says already what goes in or comes out."""
    words = words_of(key)
    return "" if not words or words[0] in SIDES else words[0]


@lru_cache(maxsize=4096)
def _names_kind_of_span(key: str) -> bool:
    words = words_of(key)
    return words[-2:] == ("span", "kind") and len(words) > 2  # noqa: PLR2004 - with an emitter's name before it


@lru_cache(maxsize=1024)
def _evidence_of(word: str) -> int:
    """Return with what beside it a word for a step tells of a model, as flags."""
    if is_models_step(word):
        return _ENOUGH
    member = member_of(word)
    words = words_of(member)
    plain = "_".join(words)
    if plain in _STEPS_OF_OTHERS or step_of_parts(member) is not None:
        is_of_language = "language" in words or (_OF_ANY_MODEL.isdisjoint(words) and plain != "generate")
        return _WITH_MESSAGES | _NAMES_SPANS | (_WITH_USAGE if is_of_language else 0)
    return _NAMES_SPANS if plain in STEPS else 0


def is_models_step(value: object) -> bool:
    """Tell whether a word for a step is one of a model or its surroundings, and nothing else's.

    Args:
        value: Of an attribute.
    """
    if type(value) is not str:
        return False
    member = member_of(value[:_LONGEST_STEP])
    words = words_of(member)
    if "_".join(words) in STEPS_OF_MODELS or is_only_models(member):
        return True
    return len(words) <= _MOST_WORDS and not (_MODELS_WORDS if _RUN.isdisjoint(words) else _RUNNABLE).isdisjoint(words)
