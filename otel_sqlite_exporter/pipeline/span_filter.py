"""Tell LLM spans from others on the application's path, in a few set operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from opentelemetry.trace.status import StatusCode

from otel_sqlite_exporter.conventions import call_names, key_words, telling_values
from otel_sqlite_exporter.conventions.recognise import ID_KEYS, is_genai_key, is_genai_scope
from otel_sqlite_exporter.pipeline.ended_span import attributes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import ReadableSpan

_MAX_LEARNED: Final = 4096
_MAX_SETS: Final = 512
_Asked: TypeAlias = "tuple[bool, tuple[str, ...], tuple[str, ...]]"
"""Whether a set of keys tells of a model, and whose values do else: of words and prompts, of what goes in or out."""


class SpanFilter:
    """Decide whether a span is to be recorded.

    Applications have a few dozen scopes and attribute names. Each is classified once; from then on a span is decided
    by its scope, or by whether its keys are a subset of the names that say nothing. Both run in C and need no loop over
    the attributes (``python -m benchmarks on_end``). Of spans with keys that say a part of it (a prompt, a word for the
    step, what goes in or comes out) the values under these are looked at.

    Args:
        everything: Record every span.
    """

    __slots__ = ("_asked", "_everything", "hints", "llm_keys", "llm_scopes", "plain_keys", "plain_scopes")

    def __init__(self, *, everything: bool) -> None:
        self._everything = everything
        self._asked: dict[tuple[str, ...], _Asked] = {}
        self.llm_scopes: set[str] = set()
        self.plain_scopes: set[str] = set()
        self.llm_keys: set[str] = set()
        self.plain_keys: set[str] = set()
        self.hints: dict[str, int] = {}
        """Keys that say a part, and their marks."""

    def is_llm_span(self, span: ReadableSpan) -> bool:
        """Tell whether the span is a GenAI, OpenInference or OpenLLMetry span, or everything is recorded."""
        scope = span.instrumentation_scope
        if self.is_llm_scope((scope.name or "") if scope is not None else ""):
            return True
        attributes = attributes_of(span)
        keys = attributes.keys()
        if self.plain_keys.issuperset(keys):
            # An instrumentation that failed leaves the name alone.
            return not keys and span.status.status_code is StatusCode.ERROR and call_names.names_a_call(span.name)
        return not self.llm_keys.isdisjoint(keys) or self._is_told_by_values(attributes)

    def is_llm_scope(self, name: str) -> bool:
        """Tell whether all spans of a scope of this name are recorded."""
        return name not in self.plain_scopes and (name in self.llm_scopes or self._learn_scope(name))

    def _learn_scope(self, name: str) -> bool:
        is_llm = self._everything or is_genai_scope(name)
        learned = self.llm_scopes if is_llm else self.plain_scopes
        if len(learned) < _MAX_LEARNED:
            learned.add(name)
        return is_llm

    def _is_told_by_values(self, attributes: Mapping[str, object]) -> bool:
        """Decide by the values of keys that say a part, which are found once for each set of keys."""
        keys = tuple(attributes)
        asked = self._asked.get(keys)
        if asked is None:
            asked = self._learn_keys(keys)
            if len(self._asked) < _MAX_SETS:
                self._asked[keys] = asked
        is_telling, words, sides = asked
        if is_telling or not (words or sides):
            return is_telling
        spoken = telling_values.spoken(sides, attributes) if sides else ()
        return any(telling_values.tells_of_model(key, attributes) for key in (*words, *spoken))

    def _learn_keys(self, keys: tuple[str, ...]) -> _Asked:
        told = 0
        for key in keys:
            if key in self.plain_keys or key in ID_KEYS:
                continue
            if key not in self.hints and self._learn_key(key):
                return True, (), ()
            told |= self.hints.get(key, 0)
        return (key_words.is_telling(told), *telling_values.keys_told_by_value(self.hints, keys))

    def _learn_key(self, key: str) -> bool:
        """Classify a key; tell whether a span that has it is one of a model for that alone."""
        marks = key_words.STRONG if is_genai_key(key) else key_words.marks_of(key)
        if marks & key_words.STRONG:
            if len(self.llm_keys) < _MAX_LEARNED:
                self.llm_keys.add(key)
            return True
        if marks:
            if len(self.hints) < _MAX_LEARNED:
                self.hints[key] = marks
        elif len(self.plain_keys) < _MAX_LEARNED:
            self.plain_keys.add(key)
        return False
