"""Tell LLM spans from others on the application's path, in a few set operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.recognise import ID_KEYS, is_genai_key, is_genai_scope
from otel_sqlite_exporter.pipeline.ended_span import attributes_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace import ReadableSpan

_MAX_LEARNED: Final = 4096


class SpanFilter:
    """Decide whether a span is to be recorded.

    Applications have a few dozen scopes and attribute names. Each is classified once; from then on a span is decided
    by its scope, or by whether its keys are a subset of the names that say nothing. Both run in C and need no loop over
    the attributes (``python -m benchmarks on_end``).

    Args:
        everything: Record every span.
    """

    __slots__ = ("_everything", "llm_keys", "llm_scopes", "plain_keys", "plain_scopes")

    def __init__(self, *, everything: bool) -> None:
        self._everything = everything
        self.llm_scopes: set[str] = set()
        self.plain_scopes: set[str] = set()
        self.llm_keys: set[str] = set()
        self.plain_keys: set[str] = set()

    def is_llm_span(self, span: ReadableSpan) -> bool:
        """Tell whether the span is a GenAI, OpenInference or OpenLLMetry span, or everything is recorded."""
        scope = span.instrumentation_scope
        if self.is_llm_scope((scope.name or "") if scope is not None else ""):
            return True
        keys = attributes_of(span).keys()
        return not self.plain_keys.issuperset(keys) and (not self.llm_keys.isdisjoint(keys) or self._learn_keys(keys))

    def is_llm_scope(self, name: str) -> bool:
        """Tell whether all spans of a scope of this name are recorded."""
        return name not in self.plain_scopes and (name in self.llm_scopes or self._learn_scope(name))

    def _learn_scope(self, name: str) -> bool:
        is_llm = self._everything or is_genai_scope(name)
        learned = self.llm_scopes if is_llm else self.plain_scopes
        if len(learned) < _MAX_LEARNED:
            learned.add(name)
        return is_llm

    def _learn_keys(self, keys: Iterable[str]) -> bool:
        for key in keys:
            if key in self.plain_keys or key in ID_KEYS:
                continue
            is_llm = is_genai_key(key)
            learned = self.llm_keys if is_llm else self.plain_keys
            if len(learned) < _MAX_LEARNED:
                learned.add(key)
            if is_llm:
                return True
        return False
