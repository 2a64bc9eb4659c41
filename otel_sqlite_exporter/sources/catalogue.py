"""The SDKs whose calls can be recorded, as data: what is installed for each, and which instrumentations report it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OPENINFERENCE: Final = "openinference-instrumentation-"
OFFICIAL: Final = "opentelemetry-instrumentation-genai-"
CONTRIB: Final = "opentelemetry-instrumentation-"


@dataclass(frozen=True, slots=True)
class Sdk:
    """An SDK or framework that calls models.

    Args:
        name: What people call it.
        distributions: Its names on PyPI, the most telling first.
        module: The module whose import means that it is in use.
        instrumentations: The distributions that report its calls, the preferred one first: the one that reports most,
            without a variable to be set. "" stands for the SDK itself.
        older_module: The module of earlier versions.
        reports_since: The version from which it reports its calls itself, though an instrumentation reports more.
    """

    name: str
    distributions: tuple[str, ...]
    module: str
    instrumentations: tuple[str, ...]
    older_module: str = ""
    reports_since: str = ""

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules of which the import of any means that it is in use."""
        return (self.module, self.older_module) if self.older_module else (self.module,)

    @property
    def remedy(self) -> str:
        """The distribution to install where none is installed, "" where the SDK itself reports."""
        return self.instrumentations[0]


SDKS: Final = (
    Sdk(
        "OpenAI",
        ("openai",),
        "openai",
        (OPENINFERENCE + "openai", OFFICIAL + "openai", CONTRIB + "openai-v2", CONTRIB + "openai"),
    ),
    Sdk(
        "Anthropic",
        ("anthropic",),
        "anthropic",
        (OPENINFERENCE + "anthropic", OFFICIAL + "anthropic", CONTRIB + "anthropic"),
        reports_since="1.14",
    ),
    Sdk(
        "LangChain",
        ("langchain-core",),
        "langchain_core",
        (OPENINFERENCE + "langchain", OFFICIAL + "langchain", CONTRIB + "langchain"),
    ),
    Sdk("pydantic-ai", ("pydantic-ai-slim", "pydantic-ai"), "pydantic_ai", ("",)),
    Sdk(
        "OpenAI Agents",
        ("openai-agents",),
        "agents",
        (
            OPENINFERENCE + "openai-agents",
            OFFICIAL + "openai-agents",
            CONTRIB + "openai-agents-v2",
            CONTRIB + "openai-agents",
        ),
    ),
    Sdk("LiteLLM", ("litellm",), "litellm", (OPENINFERENCE + "litellm", CONTRIB + "litellm")),
    Sdk(
        "Google GenAI",
        ("google-genai",),
        "google.genai",
        (OPENINFERENCE + "google-genai", CONTRIB + "google-genai", CONTRIB + "google-generativeai"),
    ),
    Sdk(
        "Mistral",
        ("mistralai",),
        "mistralai.client",
        (OPENINFERENCE + "mistralai", CONTRIB + "mistralai"),
        older_module="mistralai",
        reports_since="2.4.8",
    ),
    Sdk("Cohere", ("cohere",), "cohere", (OPENINFERENCE + "cohere", CONTRIB + "cohere")),
    Sdk("Groq", ("groq",), "groq", (OPENINFERENCE + "groq", CONTRIB + "groq")),
    Sdk("Together", ("together",), "together", (OPENINFERENCE + "together", CONTRIB + "together")),
    Sdk("Ollama", ("ollama",), "ollama", (OPENINFERENCE + "ollama", CONTRIB + "ollama")),
    Sdk(
        "Bedrock",
        ("boto3", "botocore"),
        "botocore",
        (OPENINFERENCE + "bedrock", OFFICIAL + "bedrock", CONTRIB + "bedrock", CONTRIB + "botocore"),
    ),
    Sdk("Vertex AI", ("google-cloud-aiplatform",), "vertexai", (OPENINFERENCE + "vertexai", CONTRIB + "vertexai")),
    Sdk("Portkey", ("portkey-ai",), "portkey_ai", (OPENINFERENCE + "portkey", OFFICIAL + "portkey")),
    Sdk("Replicate", ("replicate",), "replicate", (CONTRIB + "replicate",)),
    Sdk("watsonx", ("ibm-watsonx-ai",), "ibm_watsonx_ai", (CONTRIB + "watsonx",)),
    Sdk("Writer", ("writer-sdk",), "writerai", (CONTRIB + "writer",)),
    Sdk("Voyage AI", ("voyageai",), "voyageai", (CONTRIB + "voyageai",)),
    Sdk("Aleph Alpha", ("aleph-alpha-client",), "aleph_alpha_client", (CONTRIB + "alephalpha",)),
    Sdk("SageMaker", ("sagemaker",), "sagemaker", (CONTRIB + "sagemaker",)),
    Sdk("Transformers", ("transformers",), "transformers", (CONTRIB + "transformers",)),
    Sdk(
        "LlamaIndex",
        ("llama-index-core",),
        "llama_index.core",
        (OPENINFERENCE + "llama-index", OFFICIAL + "llama-index", CONTRIB + "llamaindex"),
    ),
    Sdk("CrewAI", ("crewai",), "crewai", (OPENINFERENCE + "crewai", CONTRIB + "crewai")),
    Sdk(
        "AG2",
        ("ag2", "pyautogen"),
        "ag2",
        ("", OPENINFERENCE + "ag2", OPENINFERENCE + "autogen"),
        older_module="autogen",
    ),
    Sdk("AutoGen", ("autogen-agentchat",), "autogen_agentchat", (OPENINFERENCE + "autogen-agentchat",)),
    Sdk("Agno", ("agno",), "agno", (OPENINFERENCE + "agno", OFFICIAL + "agno", CONTRIB + "agno")),
    Sdk("DSPy", ("dspy",), "dspy", (OPENINFERENCE + "dspy", OFFICIAL + "dspy")),
    Sdk("Haystack", ("haystack-ai",), "haystack", (OPENINFERENCE + "haystack", CONTRIB + "haystack")),
    Sdk("smolagents", ("smolagents",), "smolagents", (OPENINFERENCE + "smolagents", OFFICIAL + "smolagents")),
    Sdk("Google ADK", ("google-adk",), "google.adk", ("", OPENINFERENCE + "google-adk")),
    Sdk("Claude Agent SDK", ("claude-agent-sdk",), "claude_agent_sdk", (OPENINFERENCE + "claude-agent-sdk",)),
    Sdk("Strands", ("strands-agents",), "strands", ("", OPENINFERENCE + "strands-agents")),
    Sdk("Agent Framework", ("agent-framework-core",), "agent_framework", ("",)),
    Sdk("Semantic Kernel", ("semantic-kernel",), "semantic_kernel", ("",)),
    Sdk("BeeAI", ("beeai-framework",), "beeai_framework", (OPENINFERENCE + "beeai",)),
    Sdk("Instructor", ("instructor",), "instructor", (OPENINFERENCE + "instructor",)),
    Sdk("Guardrails", ("guardrails-ai",), "guardrails", (OPENINFERENCE + "guardrails",)),
    Sdk("Qwen-Agent", ("qwen-agent",), "qwen_agent", (OFFICIAL + "qwen-agent",)),
    Sdk("MCP", ("mcp",), "mcp", (OPENINFERENCE + "mcp", CONTRIB + "mcp")),
    Sdk("Chroma", ("chromadb",), "chromadb", (CONTRIB + "chromadb",)),
    Sdk("Pinecone", ("pinecone", "pinecone-client"), "pinecone", (CONTRIB + "pinecone",)),
    Sdk("Qdrant", ("qdrant-client",), "qdrant_client", (CONTRIB + "qdrant",)),
    Sdk("Weaviate", ("weaviate-client",), "weaviate", (CONTRIB + "weaviate",)),
    Sdk("Milvus", ("pymilvus",), "pymilvus", (CONTRIB + "milvus",)),
    Sdk("LanceDB", ("lancedb",), "lancedb", (CONTRIB + "lancedb",)),
    Sdk("Marqo", ("marqo",), "marqo", (CONTRIB + "marqo",)),
)

NOT_CALLS: Final = frozenset(
    {"Bedrock", "MCP", "Chroma", "Pinecone", "Qdrant", "Weaviate", "Milvus", "LanceDB", "Marqo", "Transformers"}
)
"""SDKs that many applications use without calling a model through them: nothing is amiss if nothing reports them."""

_BY_INSTRUMENTATION: Final = {
    instrumentation: sdk for sdk in SDKS for instrumentation in sdk.instrumentations if instrumentation
}


def sdk_of(instrumentation: str) -> Sdk | None:
    """Return the SDK whose calls a distribution reports, None where the catalogue has none."""
    return _BY_INSTRUMENTATION.get(instrumentation)


def is_genai(instrumentation: str) -> bool:
    """Return whether a distribution reports LLM calls, or steps around them: whole families, and those listed above."""
    return instrumentation in _BY_INSTRUMENTATION or instrumentation.startswith((OPENINFERENCE, OFFICIAL))
