"""Tell LLM spans from others on the application's path, in a few set operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.recognise import is_genai_key, is_genai_scope
from otel_sqlite_exporter.event import attributes_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace import ReadableSpan

_MAX_LEARNED: Final = 4096


class _Scopes(dict[str, bool]):
    """By a scope's name, whether all its spans are recorded. Answers any name, remembers a bounded number of them."""

    def __init__(self, *, everything: bool) -> None:
        super().__init__()
        self._everything = everything

    def __missing__(self, name: str) -> bool:
        answer = self._everything or is_genai_scope(name)
        if len(self) < _MAX_LEARNED:
            self[name] = answer
        return answer


class Recognition:
    """Decide whether a span is to be recorded.

    Applications have a few dozen scopes and attribute names. Each is classified once; from then on a span is decided
    by its scope, or by whether its keys are a subset of the names that say nothing. Both run in C and need no loop over
    the attributes (``python -m benchmarks on_end``).

    Args:
        everything: Record every span.
    """

    __slots__ = ("llm_keys", "plain_keys", "scopes")

    def __init__(self, *, everything: bool) -> None:
        self.scopes = _Scopes(everything=everything)
        self.llm_keys: set[str] = set()
        self.plain_keys: set[str] = set()

    def is_llm_span(self, span: ReadableSpan) -> bool:
        """Tell whether the span is a GenAI, OpenInference or OpenLLMetry span, or everything is recorded."""
        scope = span.instrumentation_scope
        if self.scopes[(scope.name or "") if scope is not None else ""]:
            return True
        keys = attributes_of(span).keys()
        return not self.plain_keys.issuperset(keys) and (not self.llm_keys.isdisjoint(keys) or self.learn(keys))

    def learn(self, keys: Iterable[str]) -> bool:
        """Classify the names that are new; return whether one of them is an LLM span's."""
        for key in keys:
            if key in self.plain_keys:
                continue
            is_llm = is_genai_key(key)
            learned = self.llm_keys if is_llm else self.plain_keys
            if len(learned) < _MAX_LEARNED:
                learned.add(key)
            if is_llm:
                return True
        return False
