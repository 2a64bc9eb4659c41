"""Tell a GenAI span from any other by its keys, its events' names and its instrumentation scope.

Kept free of other imports: the span processor asks on the application's thread.
"""

from __future__ import annotations

from typing import Final

KEY_ROOTS: Final = frozenset(
    {
        "ag2",
        "agentops",
        "ai",
        "anthropic",
        "embedding",
        "gen_ai",
        "genai",
        "haystack",
        "judgment",
        "langfuse",
        "langsmith",
        "langtrace",
        "langwatch",
        "litellm",
        "lk",
        "lmnr",
        "llm",
        "mcp",
        "mirascope",
        "mistral_ai",
        "mlflow",
        "openai",
        "openinference",
        "otel_sqlite",
        "pydantic_ai",
        "reranker",
        "retrieval",
        "smolagents",
        "traceloop",
        "vector_db",
    }
)
"""First words of attribute keys that only instrumentation of models, agents, tools and retrieval writes."""

KEYS: Final = frozenset({"agent.name", "graph.node.id", "input.value", "output.value", "tool.name", "tool.parameters"})
"""Such keys whose first word others use as well."""

KEY_PREFIXES: Final = ("gcp.vertex.agent.", "honeyhive")
"""Such keys whose first words others use as well."""

EVENT_PREFIXES: Final = ("gen_ai.", "llm.content.", "mlflow.chunk.")
"""Beginnings of the names of events that carry messages."""

ID_KEYS: Final = {"session.id": 0, "conversation.id": 0, "user.id": 1, "enduser.id": 1}
"""Keys by which spans of any kind say whose conversation (0) and which user's (1) all below them is."""

SCOPE_PREFIXES: Final = (
    "openinference.",
    "opentelemetry.instrumentation.genai",
    "opentelemetry.util.genai",
    "openlit",
    "langfuse",
    "langsmith",
    "langtrace",
    "langwatch",
    "litellm",
    "lmnr",
    "mlflow",
    "nemo_guardrails",
    "netra",
    "openai.agents",
    "pydantic-ai",
    "pydantic_ai",
    "logfire.openai",
    "logfire.anthropic",
    "strands",
    "github.com/grafana/sigil",
    "haystack",
    "honeyhive",
    "agent_framework",
    "semantic_kernel",
    "autogen",
    "crewai",
    "smolagents",
    "traceai_",
    "traceloop",
    "gcp.vertex.agent",
    "google.adk",
    "google_adk",
    "com.anthropic.sdk",
    "mistralai_sdk",
    "mistralai",
    "mcp",
    "fastmcp",
    "agno",
    "beeai",
    "livekit-agents",
    "pipecat",
    "promptflow",
    "mirascope",
    "ag2",
    "agentops",
    "vllm",
    "langgraph",
    "langchain",
    "judgeval",
    "monocle_apptrace",
    "orq_ai_sdk",
    "trulens",
    "llama_index",
    "llamaindex.",
    "llama-index",
    "azure.ai.inference",
    "azure.ai.agents",
    "azure.ai.projects",
    "google.genai",
    "Microsoft.Extensions.AI",
    "@traceloop/",
    "@arizeai/",
)
"""Beginnings of the names of scopes that trace nothing but models, agents, tools and retrieval."""

_OTEL_SCOPE = "opentelemetry.instrumentation."

OTEL_SCOPES: Final = (
    "openai",
    "anthropic",
    "google_genai",
    "google_generativeai",
    "vertexai",
    "botocore.bedrock",
    "bedrock",
    "cohere",
    "groq",
    "mistralai",
    "ollama",
    "together",
    "replicate",
    "langchain",
    "llamaindex",
    "llama_index",
    "haystack",
    "crewai",
    "openai_agents",
    "agno",
    "mcp",
    "watsonx",
    "writer",
    "alephalpha",
    "transformers",
    "sagemaker",
    "voyageai",
    "chromadb",
    "pinecone",
    "qdrant",
    "weaviate",
    "milvus",
    "lancedb",
    "marqo",
    "weaviate_client",
    "claude_agent_sdk",
    "dspy",
    "ag2",
)
"""What follows ``opentelemetry.instrumentation.`` in the names of such scopes."""


KEY_MARKS: Final = (".llm.", ".gen_ai.", ".genai.", ".span.kind", ".span_kind")
"""What stands in keys after the name of an emitter that nobody knows."""


def is_genai_key(key: str) -> bool:
    """Tell whether an attribute key marks a span as one of a model, an agent, a tool or a retrieval."""
    return (
        key.partition(".")[0] in KEY_ROOTS
        or key in KEYS
        or key.startswith(KEY_PREFIXES)
        or any(mark in key for mark in KEY_MARKS)
    )


def is_genai_event(name: str) -> bool:
    """Tell whether an event of this name carries messages of a model call."""
    return name.startswith(EVENT_PREFIXES)


def is_genai_scope(scope_name: str) -> bool:
    """Tell whether an instrumentation scope traces nothing but such spans.

    An error may leave a span without a single attribute; then its scope is all there is to go by.
    """
    if scope_name.startswith(_OTEL_SCOPE):
        return scope_name[len(_OTEL_SCOPE) :].startswith(OTEL_SCOPES) or scope_name.startswith(SCOPE_PREFIXES)
    return scope_name.startswith(SCOPE_PREFIXES)
