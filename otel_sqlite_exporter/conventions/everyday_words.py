"""What everyday words of one emitter tell together: a word for the step, a model, a prompt, an answer and a usage.

Cars have models, shells completions, mail messages and disks a usage: two such words are no model call. Three are, and
two where the value of one is such as only spans of models have: what somebody says to a model, or a known model's name.
Kept free of other imports: the span processor asks on the application's thread.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.key_words import COUNT, MODEL, SAID, SIDES, marks_of, words_of
from otel_sqlite_exporter.scanning.patterns import COUNTED_TOKENS, NAMED_MODEL, SPOKEN_TO_A_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ENOUGH: Final = 3
_WORD: Final = 1
_ONLY_MODELS: Final = 2
"""What an everyday word weighs, and a value that nothing else has."""

OF_ANY_MODEL: Final = "step"
OF_LANGUAGE: Final = "spoken step"
"""Words for steps: models of any kind are asked and generate, those of language chat and complete."""

_SAID: Final = frozenset({"prompt", "answer"})
_NAMES: Final = frozenset({"model", "engine"})
"""Facts that name a model; of engines only the names of known models are taken for one."""

_OPENING: Final = frozenset('[{("')
"""How a structure of messages begins in a text."""

_LOOKED_AT: Final = 2048
"""Characters of what may be messages in which they are looked for."""

_LONGEST_MODEL: Final = 128

_SAYING: Final = ("content", "parts", "text", "tool_calls")
"""What messages have beside a role; users of anything have roles."""

_NO_EMITTERS: Final = SIDES | {
    *("model", "prompt", "prompts", "completion", "completions", "messages", "usage"),
    *("type", "kind", "operation", "op", "span", "observation", "run"),
}
"""First words of keys that have no emitter's name in front."""

_ANSWERS: Final = frozenset({"completion", "completions"})
_FAMILIES: Final = frozenset(
    {
        *("gpt", "chatgpt", "claude", "gemini", "gemma", "llama", "mistral", "mixtral", "ministral", "codestral"),
        *("deepseek", "qwen", "grok", "embed", "embedding", "embeddings", "bge", "nomic", "minilm", "voyage"),
    }
)
"""What models of language are called, with a version, a size or a maker beside it."""


def keys_with_enough(asked: Mapping[str, str | None], attributes: Mapping[str, object]) -> list[str]:
    """Return the keys whose emitters say enough of a model, something of language among it.

    Args:
        asked: Keys of the span, and what kind of everyday word for the step each holds, None for none.
        attributes: Of the span.
    """
    told: dict[str, dict[str, int]] = {emitter_of(key): {} for key in asked}
    for key, value in attributes.items():
        facts = told.get(emitter_of(key))
        if facts is None:
            continue
        if type(value) is str and value[:1] in _OPENING and _is_only_models(value[:_LOOKED_AT]):
            facts[key] = _ONLY_MODELS
        elif (fact := _fact_of(key)) is not None and _says(fact, value):
            is_known = fact in _NAMES and names_language_model(str(value)[:_LONGEST_MODEL])
            facts[fact] = max(_ONLY_MODELS if is_known else _WORD, facts.get(fact, 0))
    weights = {emitter: (sum(facts.values()), _is_of_language(facts)) for emitter, facts in told.items()}
    enough: list[str] = []
    for key, step in asked.items():
        weight, is_of_language = weights[emitter_of(key)]
        if weight + (_WORD if step else 0) >= _ENOUGH and (is_of_language or step == OF_LANGUAGE):
            enough.append(key)
    return enough


def _is_of_language(facts: Mapping[str, int]) -> bool:
    return _ONLY_MODELS in facts.values() or not _SAID.isdisjoint(facts)


def is_spoken(value: object) -> bool:
    """Tell whether a value is a structure with what somebody says to a model, or the model.

    Args:
        value: Of an attribute.
    """
    return type(value) is str and value[:1] in _OPENING and _holds_a_message(value[:_LOOKED_AT])


def spoken(keys: Iterable[str], attributes: Mapping[str, object]) -> list[str]:
    """Return the keys of which :func:`is_spoken` is true, without a call for each: most values are no structure.

    Args:
        keys: Of the span.
        attributes: Of the span.
    """
    return [
        key
        for key in keys
        if type(value := attributes[key]) is str and value[:1] in _OPENING and _holds_a_message(value[:_LOOKED_AT])
    ]


def _is_only_models(head: str) -> bool:
    """Tell whether an object has messages, counts tokens or names a known model."""
    if _holds_a_message(head) or COUNTED_TOKENS.search(head) is not None:
        return True
    named = NAMED_MODEL.search(head)
    return named is not None and names_language_model(named[1])


def _holds_a_message(head: str) -> bool:
    return (
        ("role" in head or "human" in head)
        and any(word in head for word in _SAYING)
        and SPOKEN_TO_A_MODEL.search(head) is not None
    )


@lru_cache(maxsize=4096)
def emitter_of(key: str) -> str:
    """Return the first word of a key, which is its emitter's name, "" where the key has none.

    Args:
        key: Any attribute key.
    """
    words = words_of(key)
    return "" if not words or words[0] in _NO_EMITTERS else words[0]


@lru_cache(maxsize=4096)
def _fact_of(key: str) -> str | None:
    marks = marks_of(key)
    if not marks and words_of(key)[-1:] == ("engine",):
        return "engine"
    if marks & SAID:
        return "answer" if words_of(key)[-1] in _ANSWERS else "prompt"
    return "model" if marks & MODEL else "usage" if marks & COUNT else None


def _says(fact: str, value: object) -> bool:
    if fact == "usage":
        return type(value) in (int, float)
    if fact == "engine":
        return isinstance(value, str) and names_language_model(value[:_LONGEST_MODEL])
    return isinstance(value, str if fact == "model" else (str, tuple, list)) and len(value) > 0


@lru_cache(maxsize=1024)
def names_language_model(model: str) -> bool:
    """Tell whether a text is the name of a model of a known family: ``gpt-4o``, ``meta-llama/Llama-3.1-8B``.

    Args:
        model: The name of some model.
    """
    words = words_of(model)
    return len(words) > 1 and any(word.rstrip("0123456789") in _FAMILIES for word in words)
