"""What the words of an attribute key say, whoever made it: ``acme.llmUsage.promptTokens`` counts the input's tokens.

There are few words for what a model call is made of, and keys end with them, whatever prefix, separator or case an
emitter has. Kept free of other imports: the span processor asks on the application's thread.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

STRONG: Final = 1
"""Only a span of a model has such a key."""

MODEL: Final = 2
"""A model is named; printers and cars have models too."""

SAID: Final = 4
"""What is said to a model, or by it; shells and tasks have prompts and completions too."""

STEP: Final = 8
"""A word for the step may stand under it."""

COUNT: Final = 16
"""A usage is counted that need not be of tokens."""

GIVEN_OR_MADE: Final = 32
"""What goes in or comes out."""

TOLD_BY_VALUE: Final = STEP | GIVEN_OR_MADE | SAID
"""What tells of a model where the value does."""

_LANGUAGE_MODELS: Final = frozenset({"llm", "llms", "genai", "llmops"})
_TOKENS: Final = frozenset({"token", "tokens"})
_NOT_COUNTED: Final = frozenset(
    {
        *("max", "maximum", "min", "limit", "limits", "budget", "rate", "cost", "costs", "price", "prices", "usd"),
        *("per", "remaining", "allowed", "quota", "second", "seconds", "sec", "ms", "time", "first", "latency"),
        *("avg", "average", "auth", "csrf", "secret", "bearer", "audio", "image", "images", "video", "accepted"),
        *("rejected", "logprobs", "memory", "cpu", "disk", "gpu", "ram", "ratio", "percent", "window", "stop"),
        *("aggregated", "aggregate", "cumulative", "accumulated"),
        *("special", "bias", "uncached", "non", "not", "fresh", "ephemeral", "tool", "duration", "saved"),
    }
)
_CACHED: Final = frozenset({"cache", "cached", "caching"})
_WRITTEN: Final = frozenset({"write", "writes", "creation", "create", "created", "written"})
_THOUGHT: Final = frozenset({"reasoning", "thinking", "thoughts", "thought"})
_INTO: Final = frozenset({"prompt", "prompts", "input", "inputs", "in", "sent", "request"})
_OUT_OF: Final = frozenset(
    {"completion", "completions", "output", "outputs", "out", "generated", "candidates", "received", "response"}
)
_AFTER_COUNTS: Final = frozenset({"total", "count", "counts", "used", "usage", "number", "num"})
_WHOLE_COUNTS: Final = {"prompt_eval_count": "input_tokens", "eval_count": "output_tokens"}
_NAMED: Final = frozenset({"name", "id"})
_STEP_NAMES: Final = frozenset({"kind", "type", "subtype", "operation", "op"})
_ONLY_MODELS: Final = frozenset(
    {
        *("system_prompt", "user_prompt", "prompt_messages", "chat_completion", "chat_messages", "finish_reason"),
        *("finish_reasons", "tool_calls", "max_tokens", "top_p", "max_output_tokens", "max_completion_tokens"),
        *("input_messages", "output_messages", "completion_text", "prompt_text", "model_provider"),
        *("tool_call_id", "tool_arguments", "tool_args", "tool_call_arguments"),
    }
)
"""Ends of keys that only spans of models have."""

_SIDES: Final = frozenset({"input", "inputs", "output", "outputs"})
SIDES: Final = _SIDES | {"request", "response"}
_FORMS: Final = frozenset({"json", "value", "data", "body", "payload"})
_SPOKEN: Final = frozenset({"prompt", "prompts", "completion", "completions", "messages"})
_OF_OTHERS: Final = frozenset(
    {
        *("http", "url", "db", "rpc", "net", "network", "server", "client", "messaging", "aws", "gcp", "azure", "k8s"),
        *("container", "process", "thread", "code", "exception", "otel", "telemetry", "service", "host", "os", "cloud"),
        *("device", "browser", "faas", "peer", "enduser", "user", "feature_flag", "graphql", "event", "log"),
    }
)
"""First words of the keys of OpenTelemetry's other conventions."""


def words_of(key: str) -> tuple[str, ...]:
    """Return the words of a key in lower case, parted at everything that is no letter or digit, and at inner capitals.

    Args:
        key: Any attribute key.
    """
    words: list[str] = []
    word = ""
    was_small = False
    for character in key:
        if not character.isalnum():
            if word:
                words.append(word.lower())
            word = ""
            was_small = False
            continue
        if was_small and character.isupper():
            words.append(word.lower())
            word = ""
        was_small = character.islower() or character.isdigit()
        word += character
    if word:
        words.append(word.lower())
    return tuple(words)


def count_of(words: tuple[str, ...]) -> str | None:
    """Return the column of tokens that a key's words name, None where they name none.

    Args:
        words: As of :func:`words_of`.
    """
    tail = words[-6:]
    told = frozenset(tail)
    if not told & _TOKENS:
        if tail[-1:] == ("count",):
            return next((column for end, column in _WHOLE_COUNTS.items() if "_".join(tail).endswith(end)), None)
        if "usage" not in tail[:-1] or not told & (_INTO | _OUT_OF | _CACHED | _THOUGHT | {"total"}):
            return None
    if told & _NOT_COUNTED:
        return None
    return _detail_of(told, tail) or _side_counted(tail)


def is_passed_on(words: tuple[str, ...]) -> bool:
    """Tell a field of what a function was given: ``inputs.response.usage.prompt_tokens`` is no count of its span.

    Args:
        words: As of :func:`words_of`.
    """
    given = next((place for place, word in enumerate(words) if word in _GIVEN), len(words))
    return not _PASSED_ON.isdisjoint(words[given + 1 : -1])


def counts_else(name: str) -> bool:
    """Tell whether words before a count's name say that it counts nothing of its span's: ``memory.usage.total``."""
    words = words_of(name)
    return not _NOT_COUNTED.isdisjoint(words[-2:]) or is_passed_on((*words, ""))


def _detail_of(told: frozenset[str], tail: tuple[str, ...]) -> str | None:
    if told & _CACHED:
        return "cache_write_tokens" if told & _WRITTEN else "cache_read_tokens"
    if told & _THOUGHT and _is_end_of_count(tail[-1]):
        return "reasoning_tokens"
    return None


def _side_counted(tail: tuple[str, ...]) -> str | None:
    if not _is_end_of_count(tail[-1]):
        return None
    words = list(tail)
    while len(words) > 1 and words[-1] in _AFTER_COUNTS and not _TOKENS.isdisjoint(words[:-1]):
        if words[-2:] == ["tokens", "total"] and _INTO.isdisjoint(words[-3:-2]) and _OUT_OF.isdisjoint(words[-3:-2]):
            return "total_tokens"
        words.pop()
    for word in reversed(words[-4:]):
        if word in _INTO:
            return "input_tokens"
        if word in _OUT_OF:
            return "output_tokens"
        if word in ("total", "usage"):
            break
    return "total_tokens" if words[-1] in _TOKENS or words[-1] == "total" else None


def _is_end_of_count(word: str) -> bool:
    return any(
        word in words for words in (_TOKENS, _AFTER_COUNTS, _INTO, _OUT_OF, _CACHED, _THOUGHT, {"hit", "hits", "read"})
    )


def member_of(word: str) -> str:
    """Return the member that the name of a Python enum's value ends with (``SpanKind.LLM``), else the whole word.

    Args:
        word: As an emitter wrote it.
    """
    head, point, member = word.rpartition(".")
    return member if point and head[:1].isupper() and head.isidentifier() else word


@lru_cache(maxsize=4096)
def marks_of(key: str) -> int:
    """Return what a key tells of the span that has it, from :data:`STRONG` to :data:`GIVEN_OR_MADE`.

    Args:
        key: Any attribute key.
    """
    words = words_of(key)
    if not words or (words[0] in _OF_OTHERS and len(words) > 1):
        return 0
    end = "_".join(words[-2:])
    if (
        not _LANGUAGE_MODELS.isdisjoint(words)
        or ("gen", "ai") in pairwise(words)
        or end in _ONLY_MODELS
        or "_".join(words[-3:]) in _ONLY_MODELS
        or (not _TOKENS.isdisjoint(words) and count_of(words) in ("input_tokens", "output_tokens"))
    ):
        return STRONG
    return _mark_of_end(words, end)


def _mark_of_end(words: tuple[str, ...], end: str) -> int:
    last = words[-1]
    if last == "model" or (last in _NAMED and words[-2:-1] == ("model",)):
        return MODEL
    if last in _SPOKEN:
        return SAID
    if last in _SIDES or (last in _FORMS and not SIDES.isdisjoint(words[-2:-1])):
        return GIVEN_OR_MADE | (COUNT if "usage" in words else 0)
    if count_of(words) in ("input_tokens", "output_tokens"):
        return COUNT
    return STEP if last in _STEP_NAMES or end == "operation_name" else 0


def is_telling(marks: int) -> bool:
    """Tell whether keys of these marks together are a model's span's."""
    return bool(marks & STRONG) or marks & (MODEL | SAID) == MODEL | SAID


_GIVEN: Final = frozenset({"inputs", "input", "args", "kwargs", "arguments"})
_PASSED_ON: Final = frozenset({"response", "result", "output", "agent", "self", "client", "completion"})
"""What a function is given that had facts before."""
