"""What a span is: the one place that decides it, from the emitter's own word for the step first.

A word that is not known is kept as what it says, and makes no model call: of a span that a framework writes around a
call, or beside it, its own word is all that tells it from the call.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from otel_sqlite_exporter.conventions import bodies
from otel_sqlite_exporter.conventions.composed_words import step_of_parts
from otel_sqlite_exporter.conventions.key_words import words_of
from otel_sqlite_exporter.conventions.provider_names import PROVIDERS
from otel_sqlite_exporter.conventions.step_words import (
    AGENT,
    CHAIN,
    CHAT,
    COMPLETION,
    EMBEDDINGS,
    OTHER,
    RERANK,
    RETRIEVAL,
    STEPS,
    TOOL,
    Step,
)
from otel_sqlite_exporter.conventions.telling_values import is_models_step
from otel_sqlite_exporter.conventions.values import enum_text, text
from otel_sqlite_exporter.scanning.patterns import NO_LETTERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from otel_sqlite_exporter.conventions.sheet import Sheet

_SAY_NOTHING: Final = frozenset(
    {
        "unknown",
        "undefined",
        "unspecified",
        "none",
        "null",
        "custom",
        "internal",
        "client",
        "server",
        "producer",
        "consumer",
    }
)
_LONGEST_WORD: Final = 96

SUFFIXES: Final[tuple[tuple[str, Step], ...]] = (
    ("count_tokens", Step("other", "count_tokens")),
    ("chatgenerator", CHAT),
    ("generator", COMPLETION),
    ("embedder", EMBEDDINGS),
    ("retriever", RETRIEVAL),
    ("ranker", RERANK),
    ("toolinvoker", TOOL),
    ("agent", AGENT),
    (".chat", CHAT),
    (".completion", COMPLETION),
    (".embeddings", EMBEDDINGS),
    (".tool", TOOL),
)
"""How the names of components end that have no word for their step."""

NO_CALLS: Final = ("._prepare_chat_with_tools", ".model_init")
"""How the names of spans end that are said to be model calls and only prepare one."""

NAME_PREFIXES: Final[tuple[tuple[str, Step], ...]] = (
    ("chat ", CHAT),
    ("text_completion ", COMPLETION),
    ("generate_content ", Step("llm", "generate_content")),
    ("embeddings ", EMBEDDINGS),
    ("execute_tool ", TOOL),
    ("running tool", TOOL),
    ("invoke_agent", AGENT),
    ("create_agent", Step("agent", "create_agent")),
    ("agent run", AGENT),
    ("haystack.agent.step.llm", CHAT),
    ("haystack.agent.step.tool", TOOL),
    ("haystack.agent.step", CHAIN),
    ("haystack.agent.run", AGENT),
    ("haystack.pipeline", CHAIN),
    ("haystack.async_pipeline", CHAIN),
    ("call_llm", CHAT),
)
"""How the names of spans begin that carry no word for their step, or lost it."""

_ANSWERED: Final = frozenset(
    {"input_tokens", "output_tokens", "total_tokens", "response_model", "response_id", "finish_reasons", "model"}
)
"""Columns that only an answer fills."""

_OF_ONE_ANSWER: Final = frozenset({"response_id", "finish_reasons"})
"""Columns that no sum of several calls fills."""

_ASKED: Final = frozenset({"provider", "server", "http_status", "error_type"})
"""Columns that beside a model's name tell that it was asked, and not only chosen."""

_QUERYING: Final = frozenset({"query", "search", "similarity_search", "hybrid_search", "get", "retrieve", "scroll"})
"""What is done to a vector store that retrieves something."""

_SAID: Final = frozenset({"input", "output", "output_pieces", "output_calls", "conversation", "events"})


def decide(
    columns: Mapping[str, Any], contents: Collection[str], name: str, own: Mapping[str, Step], *, is_failed: bool
) -> Step:
    """Return what a span is.

    In this order: what its emitter's family says of the span's name, a known word, a word that is not known, a word
    that only hints, the span's name, and what else it says.

    Args:
        columns: What its attributes said.
        contents: For which places of content something was offered.
        name: Its name.
        own: What the names of spans stand for under its scope.
        is_failed: It ended in an error.
    """
    if own and name in own:
        return own[name]
    if name.endswith(NO_CALLS):
        return CHAIN
    step = columns.get("kind") or columns.get("step")
    if step is None:
        if "component" in columns:
            step = step_of_component(columns["component"]) or CHAIN
        elif "word" in columns:
            step = Step("other", columns["word"])
        else:
            step = _by_hints(columns, contents) or _by_name(columns, contents, name)
            step = step or _by_evidence(columns, contents, name, is_failed=is_failed)
    return EMBEDDINGS if step.kind == "llm" and _embeds(columns, contents, name) else step


def by_bodies(sheet: Sheet, *, is_failed: bool) -> Step:
    """Return what a span is of which nothing tells it but the bodies of a request and its answer.

    Args:
        sheet: What its attributes said.
        is_failed: It ended in an error.
    """
    if not bodies.tell_a_call(sheet, is_failed=is_failed):
        return OTHER
    return EMBEDDINGS if "embed" in sheet.columns["request_model"] else CHAT


def _embeds(columns: Mapping[str, Any], contents: Collection[str], name: str) -> bool:
    """Tell a request for vectors, which some emitters call what they call every request, by its model or its name."""
    if name.endswith(".embeddings") or "embed" in (columns.get("request_model") or ""):
        return True
    if "output" in contents or columns.get("output_tokens"):
        return False
    return any("embed" in word and "embedded" not in word for word in words_of(name))


def _by_hints(columns: Mapping[str, Any], contents: Collection[str]) -> Step | None:
    """Return what the words of an emitter that nobody knows tell of the step."""
    hint: Step | None = columns.get("hint")
    if hint is not None:
        return hint
    if "weak_word" in columns:
        return Step("other", columns["weak_word"])
    weak: Step | None = columns.get("weak_hint")
    if weak is not None and weak.kind in ("llm", "embedding") and not _is_evident(columns, contents):
        return None
    return weak


def _is_evident(columns: Mapping[str, Any], contents: Collection[str]) -> bool:
    told = columns.keys()
    return "request_model" in told or not _ANSWERED.isdisjoint(told) or not _SAID.isdisjoint(contents)


def _by_name(columns: Mapping[str, Any], contents: Collection[str], name: str) -> Step | None:
    """Return what a span's name tells: by its beginning, its ending, or the word that stands before the model."""
    for prefix, step in NAME_PREFIXES:
        if name.startswith(prefix):
            return step
    word, blank, rest = name.partition(" ")
    if blank and rest in (columns.get("request_model"), columns.get("response_model"), columns.get("model")):
        return known_step(word) or Step("other", word)
    last = name.rpartition(".")[2]
    is_alone = last == name and len(words_of(last)) > 1  # a power plant has a generation too
    if is_models_step(last) and (is_alone or _is_evident(columns, contents)):
        return known_step(last)
    return step_of_component(name) or _by_providers_path(name)


def _by_providers_path(name: str) -> Step | None:
    """Return the step of a method of a provider's SDK, all that is left where an instrumentation failed."""
    provider, point, path = name.partition(".")
    return known_step(path) if point and provider in PROVIDERS else None


def _is_agents(name: str, agent: str) -> bool:
    """Tell a span that is called after its agent, in whole words."""
    words, own = NO_LETTERS.split(name.lower()), NO_LETTERS.split(agent.lower())
    return "agent" in words_of(name) or any(words[at : at + len(own)] == own for at in range(len(words)))


def _by_evidence(columns: Mapping[str, Any], contents: Collection[str], name: str, *, is_failed: bool) -> Step:
    told = columns.keys()
    if "database" in told or "database_operation" in told:
        return RETRIEVAL if columns.get("database_operation") in _QUERYING else OTHER
    if "tool_name" in told and "request_model" not in told:
        return TOOL
    if "agent_name" in told and _OF_ONE_ANSWER.isdisjoint(told) and _is_agents(name, columns["agent_name"]):
        return AGENT  # whose tokens are the sum of what is inside it
    if not _ANSWERED.isdisjoint(told):
        return CHAT
    if "request_model" in told and (is_failed or not _ASKED.isdisjoint(told) or not _SAID.isdisjoint(contents)):
        return CHAT
    return AGENT if "agent_name" in told else OTHER


def known_step(word: object) -> Step | None:
    """Return the step that an emitter's word stands for, None for an unknown word."""
    if type(word) is not str or len(word) > _LONGEST_WORD:
        return None
    return STEPS.get(word) or _spelled(word)


def unknown_word(word: object) -> str | None:
    """Return a word that says something though no step is known for it."""
    if type(word) is str and word in STEPS:
        return None
    said = text(word)
    if said is None or len(said) > _LONGEST_WORD or said.lower() in _SAY_NOTHING or _spelled(said) is not None:
        return None
    return said


@lru_cache(maxsize=1024)
def _spelled(word: str) -> Step | None:
    """Return the step of a word in another spelling: quoted, in capitals, an enum's member, with a path, composed."""
    shown = enum_text(word.strip().strip('"')) or ""
    plain = shown.lower()
    step = STEPS.get(plain) or STEPS.get(plain.replace("-", "_").replace(" ", "_"))
    if step is None and ("." in plain or plain[:1] == "/"):
        step = _of_path(plain)
    return step or step_of_parts(shown) or step_of_parts(word)


def _of_path(path: str) -> Step | None:
    """Return the step of a method's path, or an endpoint's: ``openai.chat.completions.create``, ``/v1/embeddings``."""
    words = path.strip("/").replace("/", ".").removesuffix(".create")
    while True:
        step = STEPS.get(words)
        _, point, words = words.partition(".")
        if step is not None or not point:
            return step


def step_of_component(name: str) -> Step | None:
    """Return the step that the name of a component or span tells by its ending."""
    lowered = name.lower()
    for suffix, step in SUFFIXES:
        if lowered.endswith(suffix):
            return step
    return None
