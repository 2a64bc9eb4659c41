"""Tell LLM spans from others on the application's path, in a few set operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.recognise import is_genai_key, is_genai_scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace import ReadableSpan

_MAX_LEARNED: Final = 4096


class Recognition:
    """Decide whether a span is to be recorded.

    Applications use a few dozen attribute names. Each is classified once; from then on a span is decided by whether its
    keys are a subset of the names that say nothing, which runs in C and needs no loop over the attributes
    (``python -m benchmarks on_end``).

    Args:
        everything: Record every span.
    """

    __slots__ = ("_everything", "_llm_keys", "_plain_keys", "_scopes")

    def __init__(self, *, everything: bool) -> None:
        self._everything = everything
        self._llm_keys: set[str] = set()
        self._plain_keys: set[str] = set()
        self._scopes: dict[str, bool] = {}

    def is_llm_span(self, span: ReadableSpan) -> bool:
        """Tell whether the span is a GenAI, OpenInference or OpenLLMetry span, or everything is recorded."""
        if self._everything:
            return True
        try:
            keys = span._attributes._dict.keys()  # type: ignore[union-attr] # noqa: SLF001 - see event.attributes_of
        except AttributeError:
            keys = (span.attributes or {}).keys()
        if not keys <= self._plain_keys and (not keys.isdisjoint(self._llm_keys) or self._learn_keys(keys)):
            return True
        scope = span._instrumentation_scope  # noqa: SLF001 - the property costs as much as the rest
        name = scope.name if scope is not None else ""
        known = self._scopes.get(name)
        return known if known is not None else self._learn_scope(name)

    def _learn_keys(self, keys: Iterable[str]) -> bool:
        for key in keys:
            if key in self._plain_keys:
                continue
            is_llm = is_genai_key(key)
            learned = self._llm_keys if is_llm else self._plain_keys
            if len(learned) < _MAX_LEARNED:
                learned.add(key)
            if is_llm:
                return True
        return False

    def _learn_scope(self, name: str) -> bool:
        answer = is_genai_scope(name)
        if len(self._scopes) < _MAX_LEARNED:
            self._scopes[name] = answer
        return answer
