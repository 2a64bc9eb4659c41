"""One name for each provider, whatever the spelling that was emitted."""

from __future__ import annotations

from functools import lru_cache

from otel_sqlite_exporter.conventions.provider_names import (
    CLASS_WORDS,
    HOSTED,
    MODEL_PREFIXES,
    NAMES,
    NOT_PROVIDERS,
    ONLY_THEIRS,
    PROVIDERS,
    SERVERS,
)
from otel_sqlite_exporter.scanning.patterns import NO_LETTERS

_MODELS_BEGIN = tuple(prefix for prefix, _ in MODEL_PREFIXES)
_COMPACT = {NO_LETTERS.sub("", spelling): provider for spelling, provider in PROVIDERS.items()}
_LONGEST_NAME = 64


def canonical(spelling: str) -> str | None:
    """Return the canonical name of an emitted provider, the spelling itself when unknown, None for a framework."""
    known = PROVIDERS.get(spelling)
    if known is not None:
        return known
    lowered = spelling.strip().lower().removesuffix("_llm")
    known = PROVIDERS.get(lowered)
    if known is not None:
        return known
    if not lowered or lowered in NOT_PROVIDERS:
        return None
    if is_host(lowered):
        return of_server(lowered)
    # ``openai.chat``, ``anthropic.messages``, ``google.vertex.chat``: an interface of a known provider.
    while "." in lowered:
        lowered = lowered.rpartition(".")[0]
        if lowered in PROVIDERS:
            return PROVIDERS[lowered]
    return None if len(spelling) > _LONGEST_NAME else _of_class(spelling) or spelling


@lru_cache(maxsize=1024)
def _of_class(spelling: str) -> str | None:
    """Return the provider whose SDK's class an emitter names: ``ChatOpenAI``, ``AsyncAnthropicClient``."""
    bare = NO_LETTERS.sub("", spelling.lower())
    while bare not in _COMPACT:
        affix = next((word for word in CLASS_WORDS if bare.startswith(word) or bare.endswith(word)), None)
        if affix is None or affix == bare:
            return None
        bare = bare.removeprefix(affix) if bare.startswith(affix) else bare.removesuffix(affix)
    return _COMPACT[bare]


@lru_cache(maxsize=1024)
def of_model(model: str) -> str | None:
    """Return the provider that a model's own name tells, also as a prefix (``openai/gpt-4o``, ``openai:gpt-4o``)."""
    lowered = model.lower()
    for separator in ("/", ":"):
        head, found, _ = lowered.partition(separator)
        if found and head in PROVIDERS:
            return PROVIDERS[head]
    for prefix, provider in MODEL_PREFIXES:
        if lowered.startswith(prefix):
            return provider
    return None


@lru_cache(maxsize=1024)
def of_name(name: str) -> str | None:
    """Return the provider whose SDK the name of a scope, a component or a span names."""
    lowered = name.lower()
    for word, provider in NAMES:
        if word in lowered:
            return provider
    return None


def model_of_name(name: str) -> str | None:
    """Return the name of a span that is a model's with a maker in front (``openai/gpt-4o``), None for other names."""
    model = name.partition("/")[2]
    return name if " " not in name and model.lower().startswith(_MODELS_BEGIN) else None


@lru_cache(maxsize=1024)
def of_server(server: str) -> str | None:
    """Return the provider that a host, or the host of an address, belongs to."""
    host = server.partition("://")[2] or server
    host = host.partition("/")[0].partition(":")[0].lower()
    return next((provider for ending, provider in SERVERS if host.endswith(ending)), None)


def is_host(spelling: str) -> bool:
    """Tell a host, which some emitters write where the provider's name belongs, from a name."""
    if "://" in spelling:
        return True
    host, colon, port = spelling.rpartition(":")
    if colon and port.isdecimal():
        return "." in host or host == "localhost" or "[" in host
    return spelling == "localhost" or spelling.replace(".", "").isdecimal() or of_server(spelling) is not None


def decide(
    emitted: str | None, *, server: str | None, names: tuple[str, ...], model: str | None, is_model_call: bool
) -> str | None:
    """Return the provider of a call.

    Args:
        emitted: What the emitter said, canonical already.
        server: The host that was asked.
        names: Names that may tell the provider's SDK: the instrumentation scope, the component, the span.
        model: The model.
        is_model_call: Other spans have a provider only if they name one.
    """
    if not is_model_call:
        return emitted
    asked = of_server(server) if server is not None else None
    if emitted in HOSTED and asked is None and _is_bedrock(names[0], model):
        return "aws.bedrock"
    if asked is not None or emitted is not None:
        # Anybody's models may be asked for through the SDK of OpenAI, which then names itself.
        others = _of_others(model) if asked is None and emitted == "openai" and model is not None else None
        return others or asked or emitted
    for name in names:
        told = of_name(name) if model is None or model not in name else None
        if told is not None:
            return told
    return of_model(model) if model is not None else None


@lru_cache(maxsize=1024)
def _of_others(model: str) -> str | None:
    """Return the maker of a model that nobody else serves under its name."""
    return of_model(model) if model.startswith(ONLY_THEIRS) else None


def _is_bedrock(scope_name: str, model: str | None) -> bool:
    return "bedrock" in scope_name or (model is not None and "." in model and of_model(model) == "aws.bedrock")


def with_maker(model: str | None, other: str | None) -> str | None:
    """Return a Bedrock model's id with its maker in front, as the other of the two names has it.

    Args:
        model: The requested or the answering model, as emitted.
        other: The other one of these.
    """
    is_rest = model is not None and other is not None and other.endswith(f".{model}")
    return other if is_rest else model


def without_prefix(model: str | None, provider: str) -> str | None:
    """Return a model's name without its own provider in front of it (``openai/gpt-4o``, ``openai:gpt-4o``).

    Args:
        model: As emitted.
        provider: Canonical; another one in front of the name is part of it (``openai/gpt-oss-20b`` on Groq).
    """
    if model is None:
        return None
    for separator in ("/", ":"):
        head, found, name = model.partition(separator)
        if found and name and PROVIDERS.get(head) == provider:
            return name
    return model
