"""Words for steps that are made of parts: what is done, to what, and in what form the emitter has it.

``LLMSpan``, ``chat.completions.create`` and ``tool_invocation`` are made of few parts, in any spelling and order. A
word with one part that is none of them is not known: what merely surrounds a request (``start``, ``list``, ``setup``,
``fetch``, ``count``) is no request. Kept free of other imports: the span processor asks on the application's thread.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from otel_sqlite_exporter.conventions.key_words import words_of
from otel_sqlite_exporter.conventions.step_words import (
    AGENT,
    CHAIN,
    CHAT,
    EMBEDDINGS,
    GUARDRAIL,
    RERANK,
    RETRIEVAL,
    TOOL,
    Step,
)


class Made(NamedTuple):
    """A step that is told by one of some parts, beside which only others stand.

    Args:
        told: One of these must be there.
        with_one_of: One of these too, where any are given.
        beside: These may be there.
        step: The step.
    """

    told: frozenset[str]
    with_one_of: frozenset[str]
    beside: frozenset[str]
    step: Step


_ANY: Final[frozenset[str]] = frozenset()
_FORMS: Final = frozenset({"span", "node", "step", "async", "sync", "client", "api", "v1"})
_RUN: Final = frozenset({"call", "calling", "invoke", "run", "execute", "invocation", "execution"})
_ASKED: Final = _RUN | {"request", "response", "stream", "streaming"}
_PROVIDERS: Final = frozenset(
    {
        *("openai", "open", "ai", "gen", "genai", "anthropic", "azure", "bedrock", "gemini", "google", "vertexai"),
        *("vertex", "mistral", "mistralai", "cohere", "groq", "ollama", "litellm", "huggingface", "together"),
    }
)
_LANGUAGE_MODELS: Final = frozenset({"llm", "llms", "lm"})
_GENERATING: Final = frozenset(
    {"chat", "generate", "generation", "inference", "predict", "prediction", "converse", "completion", "completions"}
)
_ASKING: Final = frozenset(
    {
        *("call", "invoke", "generate", "generation", "stream", "streaming", "request", "query", "predict", "async"),
        *("ask", "inference", "invocation"),
    }
)
_MODELS: Final = frozenset({"llm", "model", "chat", "text", "content", "object", "completion", "completions"})
_VECTORS: Final = frozenset({"text", "texts", "query", "document", "documents", "content", "contents", "many", "batch"})
_SEARCHED: Final = frozenset({"vector", "vectors", "similarity", "semantic", "hybrid", "knowledge", "document"})
_GUARDS: Final = frozenset({"guardrail", "guardrails", "guard"})

_COMPOSITIONS: Final = (
    Made(_ASKING, _MODELS, _ANY, CHAT),
    Made(_LANGUAGE_MODELS, _ANY, _FORMS | _ASKED | _PROVIDERS | _GENERATING | {"ask", "text", "model", "large"}, CHAT),
    Made(_GENERATING, _ANY, _FORMS | _ASKED | _PROVIDERS | {"model", "text", "content", "object", "language"}, CHAT),
    Made(frozenset({"language", "foundation"}), frozenset({"model"}), _FORMS | _ASKED | {"large"}, CHAT),
    Made(
        frozenset({"messages", "responses", "completion", "completions"}),
        _PROVIDERS | {"create"},
        _FORMS | {"chat", "stream", "beta"},
        CHAT,
    ),
    Made(
        frozenset({"embed", "embedding", "embeddings", "embedder"}),
        _ANY,
        _FORMS | _ASKED | _ASKING | _VECTORS | _PROVIDERS | {"create", "model"},
        EMBEDDINGS,
    ),
    Made(frozenset({"agent"}), _ANY, _RUN | (_FORMS - {"step"}), AGENT),
    Made(frozenset({"tool"}), _ANY, _RUN | _FORMS | {"use", "mcp", "function"}, TOOL),
    Made(frozenset({"function"}), _RUN | {"span"}, _FORMS - {"async", "sync"}, TOOL),  # a traced function is none
    Made(frozenset({"retrieve", "retriever", "retrieval"}), _ANY, _RUN | _FORMS | _SEARCHED | {"context"}, RETRIEVAL),
    Made(frozenset({"search"}), _SEARCHED, _RUN | _FORMS | {"store", "base"}, RETRIEVAL),
    Made(frozenset({"rerank", "reranker", "reranking"}), _ANY, _RUN | _FORMS | {"document", "documents"}, RERANK),
    Made(_GUARDS, _ANY, _RUN | _FORMS | {"input", "output", "check"}, GUARDRAIL),
    Made(frozenset({"chain", "workflow", "pipeline", "flow", "graph", "task"}), _ANY, _RUN | _FORMS, CHAIN),
)

_OF_MODELS: Final = _LANGUAGE_MODELS | {
    *("genai", "embedding", "embeddings", "embedder", "retriever", "retrieval", "rerank", "reranker", "reranking"),
    *("agent", "tool", "guardrail", "guardrails", "openai", "anthropic", "mistralai", "ollama"),
}
"""Parts that nobody else's words for steps have."""


@lru_cache(maxsize=1024)
def step_of_parts(word: str) -> Step | None:
    """Return the step of a word that is made of known parts, None for any other word.

    Args:
        word: As an emitter wrote it.
    """
    parts = _parts(word)
    for made in _COMPOSITIONS:
        is_made = not parts.isdisjoint(made.told) and parts <= made.told | made.with_one_of | made.beside
        if is_made and (not made.with_one_of or not parts.isdisjoint(made.with_one_of)):
            return made.step
    return None


@lru_cache(maxsize=1024)
def is_only_models(word: str) -> bool:
    """Tell whether a word is made of known parts of which one belongs to models, agents, tools and retrieval alone.

    Args:
        word: As an emitter wrote it.
    """
    return not _OF_MODELS.isdisjoint(_parts(word)) and step_of_parts(word) is not None


def _parts(word: str) -> frozenset[str]:
    """Return the parts of a word in lower case; an inner acronym is one too."""
    return frozenset(words_of(word.replace("LLM", "LLM_")))
