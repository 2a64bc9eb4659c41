"""What the values under keys say of a span whose keys alone do not tell that it is one of a model.

Kept free of other imports: the span processor asks on the application's thread.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.composed_words import is_only_models, step_of_parts
from otel_sqlite_exporter.conventions.everyday_words import (
    OF_ANY_MODEL,
    OF_LANGUAGE,
    emitter_of,
    is_spoken,
    keys_with_enough,
)
from otel_sqlite_exporter.conventions.key_words import (
    GIVEN_OR_MADE,
    SAID,
    STEP,
    TOLD_BY_VALUE,
    marks_of,
    member_of,
    words_of,
)
from otel_sqlite_exporter.conventions.step_words import STEPS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_LONGEST_STEP: Final = 48
_SPOKEN_STEPS: Final = frozenset({"chat", "completion", "complete", "generate_text"})
_ANY_STEPS: Final = frozenset({"model", "generate", "inference", "predict", "prediction"})
"""Everyday words for the steps of models: of language, and of any."""

_OF_MODELS: Final = "models"
_OF_NOTHING: Final = "nothing"
"""Words for steps that nothing but a model has, and such as tell nothing but what span it is."""

_OF_ANY: Final = _ANY_STEPS | {"generation", "embed", "embedding", "embeddings", "embedder"}

_MOST_WORDS: Final = 3
_MODELS_WORDS: Final = frozenset({"llm", "genai"})
_RUNNABLE: Final = _MODELS_WORDS | {"tool", "agent"}
_RUN: Final = frozenset({"invoke", "invocation", "call", "run", "execute", "execution"})

STEPS_OF_MODELS: Final = frozenset(
    {
        *("llm", "llm_call", "llmcall", "chat_completion", "chatcompletion", "chat_model"),
        *("retriever", "retrieval", "reranker", "agent", "tool", "tool_call"),
        *("chat_completions", "chat_completion_create", "chat_completions_create", "generate_content"),
        *(
            "generate_text",
            "text_generation",
            "llm_generation",
            "llm_completion",
            "llm_invoke",
            "invoke_llm",
            "call_llm",
        ),
        *("text_completion", "execute_tool", "invoke_agent", "llm_request", "guardrail"),
    }
)
"""Words for steps that nothing but spans of models, agents, tools and retrieval has."""


def telling(keys: Iterable[str], attributes: Mapping[str, object]) -> tuple[str, ...]:
    """Return the keys whose values say that their span is a model's.

    What others have a word for too (``model``, ``chat``) says so only beside enough of what the same emitter wrote.

    Args:
        keys: Of the span; their marks have one of :data:`TOLD_BY_VALUE`.
        attributes: Of the span.
    """
    told: list[str] = []
    asked: dict[str, str | None] = {}
    for key in keys:
        value = attributes[key]
        marks = marks_of(key)
        if marks & STEP:
            step = _step_of(value[:_LONGEST_STEP]) if type(value) is str else None
            if step is None:
                continue
            if step is _OF_MODELS or _names_kind_of_span(key, step):
                told.append(key)
            elif step is not _OF_NOTHING:
                asked[key] = step
        elif (marks & SAID and isinstance(value, (str, tuple, list))) or is_spoken(value):
            asked[key] = None
    if asked:
        told += keys_with_enough(asked, attributes)
    return tuple(told)


def keys_told_by_value(marks: Mapping[str, int], keys: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys of a span whose values have to be asked: words and prompts, and what goes in or comes out.

    Most values of the latter are no messages, which is seen at their beginning.

    Args:
        marks: Of the keys that have any.
        keys: All of the span's.
    """
    emitters = Counter(map(emitter_of, keys))
    asked = [key for key in keys if marks.get(key, 0) & TOLD_BY_VALUE]
    sides = tuple(key for key in asked if marks[key] & GIVEN_OR_MADE and emitters[emitter_of(key)] > 1)
    return tuple(key for key in asked if not marks[key] & GIVEN_OR_MADE), sides


@lru_cache(maxsize=4096)
def _names_kind_of_span(key: str, step: str) -> bool:
    """Tell a key that says which step its span is; OpenTelemetry's own kinds have other words."""
    words = words_of(key)
    has_emitter = len(words) > 2  # noqa: PLR2004 - span and kind
    return words[-2:] == ("span", "kind") and (has_emitter or step is not _OF_NOTHING)


@lru_cache(maxsize=1024)
def _step_of(word: str) -> str | None:
    """Return of what models a word for a step may be, None for a word that is none for a step."""
    if is_models_step(word):
        return _OF_MODELS
    member = member_of(word)
    words = words_of(member)
    plain = "_".join(words)
    if plain in _SPOKEN_STEPS:
        return OF_LANGUAGE
    if plain in _ANY_STEPS:
        return OF_ANY_MODEL
    if step_of_parts(member) is None:
        return _OF_NOTHING if plain in STEPS else None
    return OF_LANGUAGE if "language" in words or _OF_ANY.isdisjoint(words) else OF_ANY_MODEL


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
