"""One name for each provider, whatever the spelling that was emitted."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

PROVIDERS: Final[dict[str, str]] = {
    "openai": "openai",
    "openai_compatible": "openai",
    "openai-responses": "openai",
    "openai-chat": "openai",
    "anthropic": "anthropic",
    "claude": "anthropic",
    "aws.bedrock": "aws.bedrock",
    "aws_bedrock": "aws.bedrock",
    "aws bedrock": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "bedrock-converse": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock",
    "amazon": "aws.bedrock",
    "aws": "aws.bedrock",
    "sagemaker": "aws.sagemaker",
    "aws.sagemaker": "aws.sagemaker",
    "gcp.gemini": "gcp.gemini",
    "gcp.gen_ai": "gcp.gemini",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google-genai": "gcp.gemini",
    "google-gla": "gcp.gemini",
    "google_gemini": "gcp.gemini",
    "google generative ai": "gcp.gemini",
    "google ai studio": "gcp.gemini",
    "google_ai_studio": "gcp.gemini",
    "google_generativeai": "gcp.gemini",
    "google.generative-ai": "gcp.gemini",
    "google_palm": "gcp.gemini",
    "gcp.vertex_ai": "gcp.vertex_ai",
    "google_vertexai": "gcp.vertex_ai",
    "google-vertex": "gcp.vertex_ai",
    "google.vertex": "gcp.vertex_ai",
    "google_vertex_ai": "gcp.vertex_ai",
    "google_anthropic_vertex": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "vertex": "gcp.vertex_ai",
    "gcp": "gcp.vertex_ai",
    "azure.ai.openai": "azure.ai.openai",
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "azureopenai": "azure.ai.openai",
    "azure.ai.inference": "azure.ai.inference",
    "az.ai.inference": "azure.ai.inference",
    "azure_ai": "azure.ai.inference",
    "azure_ai_inference": "azure.ai.inference",
    "mistral_ai": "mistral_ai",
    "mistralai": "mistral_ai",
    "mistral": "mistral_ai",
    "mistral ai": "mistral_ai",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "groq": "groq",
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "deepseek": "deepseek",
    "perplexity": "perplexity",
    "xai": "x_ai",
    "x_ai": "x_ai",
    "x-ai": "x_ai",
    "grok": "x_ai",
    "togetherai": "together_ai",
    "together_ai": "together_ai",
    "together": "together_ai",
    "together.ai": "together_ai",
    "replicate": "replicate",
    "huggingface": "huggingface",
    "hugging_face": "huggingface",
    "hugging face": "huggingface",
    "hf": "huggingface",
    "huggingface_hub": "huggingface",
    "watsonx": "ibm.watsonx.ai",
    "ibm": "ibm.watsonx.ai",
    "ibm.watsonx.ai": "ibm.watsonx.ai",
    "ibm_watsonx": "ibm.watsonx.ai",
    "writer": "writer",
    "alephalpha": "aleph_alpha",
    "aleph_alpha": "aleph_alpha",
    "alephalpha_ai": "aleph_alpha",
    "fireworks": "fireworks_ai",
    "fireworks_ai": "fireworks_ai",
    "openrouter": "openrouter",
    "voyageai": "voyage_ai",
    "voyage": "voyage_ai",
    "nvidia": "nvidia",
    "ai21": "ai21",
    "cerebras": "cerebras",
    "moonshot": "moonshot_ai",
    "moonshot_ai": "moonshot_ai",
    "reka": "reka",
    "sambanova": "sambanova",
}
"""Each known spelling, in lower case, and the canonical name."""

NOT_PROVIDERS: Final = frozenset(
    {
        "langchain",
        "langgraph",
        "langchain_core",
        "llamaindex",
        "llama_index",
        "haystack",
        "crewai",
        "strands-agents",
        "strands_agents",
        "pydantic-ai",
        "pydantic_ai",
        "autogen",
        "ag2",
        "agno",
        "dspy",
        "smolagents",
        "semantic_kernel",
        "microsoft.agent_framework",
        "microsoft.agents",
        "agent_framework",
        "litellm",
        "openai_agents",
        "openai-agents",
        "openlit",
        "mlflow",
        "mcp",
        "gcp.vertex.agent",
        "langfuse",
        "langsmith",
        "google_adk",
        "claude_agent_sdk",
        "autogen_core",
        "semantic-kernel",
        "traceloop",
        "unknown",
        "custom",
        "function",
        "none",
    }
)
"""Frameworks that put their own name where the provider's belongs."""

MODEL_PREFIXES: Final[tuple[tuple[str, str], ...]] = (
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4-", "openai"),
    ("text-embedding-3", "openai"),
    ("text-embedding-ada", "openai"),
    ("davinci", "openai"),
    ("dall-e", "openai"),
    ("whisper-1", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "gcp.gemini"),
    ("mistral-", "mistral_ai"),
    ("ministral-", "mistral_ai"),
    ("codestral", "mistral_ai"),
    ("magistral", "mistral_ai"),
    ("pixtral", "mistral_ai"),
    ("command-", "cohere"),
    ("embed-english", "cohere"),
    ("embed-multilingual", "cohere"),
    ("embed-v4", "cohere"),
    ("rerank-", "cohere"),
    ("grok-", "x_ai"),
    ("deepseek-", "deepseek"),
    ("sonar", "perplexity"),
    ("anthropic.claude", "aws.bedrock"),
    ("us.anthropic.claude", "aws.bedrock"),
    ("eu.anthropic.claude", "aws.bedrock"),
    ("amazon.", "aws.bedrock"),
    ("us.amazon.", "aws.bedrock"),
    ("meta.llama", "aws.bedrock"),
    ("cohere.command", "aws.bedrock"),
    ("arn:aws:bedrock", "aws.bedrock"),
)
"""Models that only their maker's interface calls by these names."""

NAMES: Final[tuple[tuple[str, str], ...]] = (
    ("azureopenai", "azure.ai.openai"),
    ("azurechatopenai", "azure.ai.openai"),
    ("azure_openai", "azure.ai.openai"),
    ("openai_agents", "openai"),
    ("openai", "openai"),
    ("anthropic", "anthropic"),
    ("google_genai", "gcp.gemini"),
    ("googlegenai", "gcp.gemini"),
    ("googlegenerativeai", "gcp.gemini"),
    ("google_generativeai", "gcp.gemini"),
    ("vertexai", "gcp.vertex_ai"),
    ("vertex_ai", "gcp.vertex_ai"),
    ("bedrock", "aws.bedrock"),
    ("mistral", "mistral_ai"),
    ("cohere", "cohere"),
    ("groq", "groq"),
    ("ollama", "ollama"),
    ("together", "together_ai"),
    ("replicate", "replicate"),
    ("watsonx", "ibm.watsonx.ai"),
    ("writer", "writer"),
    ("alephalpha", "aleph_alpha"),
    ("sagemaker", "aws.sagemaker"),
    ("voyageai", "voyage_ai"),
    ("huggingface", "huggingface"),
)
"""What the names of scopes, components and classes contain that speak to one provider."""


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
    # ``openai.chat``, ``anthropic.messages``, ``google.vertex.chat``: an interface of a known provider.
    while "." in lowered:
        lowered = lowered.rpartition(".")[0]
        if lowered in PROVIDERS:
            return PROVIDERS[lowered]
    return spelling


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


SERVERS: Final[tuple[tuple[str, str], ...]] = (
    (".openai.azure.com", "azure.ai.openai"),
    (".cognitiveservices.azure.com", "azure.ai.openai"),
    (".services.ai.azure.com", "azure.ai.inference"),
    (".inference.ai.azure.com", "azure.ai.inference"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    (".amazonaws.com", "aws.bedrock"),
    ("api.groq.com", "groq"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "x_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.together.xyz", "together_ai"),
    ("api.fireworks.ai", "fireworks_ai"),
    ("openrouter.ai", "openrouter"),
)
"""Hosts that answer for one provider, whatever SDK asked: a compatible SDK reports its own maker."""


@lru_cache(maxsize=1024)
def of_server(server: str) -> str | None:
    """Return the provider that a host belongs to."""
    return next((provider for ending, provider in SERVERS if server.endswith(ending)), None)


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
    if emitted in _HOSTED and asked is None and _is_bedrock(names[0], model):
        return "aws.bedrock"
    if asked is not None or emitted is not None:
        return asked or emitted
    for name in names:
        told = of_name(name)
        if told is not None:
            return told
    return of_model(model) if model is not None else None


_HOSTED: Final = frozenset({"ai21", "anthropic", "cohere", "deepseek", "meta", "mistral_ai", "stability"})
"""Makers whose models Amazon Bedrock serves too: some emitters name the maker there."""


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
