"""The ways to trace each SDK that the live tests try."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Setup:
    """A way to trace an SDK.

    Args:
        instrumentors: Per SDK, the instrumentors as ``module:class``.
        environment: What their users set.
        registered: Whether the tracer provider is the registered one, to which SDKs that trace themselves report.
        events: Whether content comes in log events, so that a log record processor is wanted too.
    """

    instrumentors: dict[str, tuple[str, ...]]
    environment: dict[str, str] = field(default_factory=dict)
    registered: bool = False
    events: bool = False


_OFFICIAL = "opentelemetry.instrumentation."
_INFERENCE = "openinference.instrumentation."
_LATEST = {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"}

SETUPS = {
    "otel": Setup(
        {
            "openai": (f"{_OFFICIAL}genai.openai:OpenAIInstrumentor",),
            "anthropic": (f"{_OFFICIAL}genai.anthropic:AnthropicInstrumentor",),
            "google_genai": (f"{_OFFICIAL}google_genai:GoogleGenAiSdkInstrumentor",),
            "langchain": (f"{_OFFICIAL}genai.langchain:LangChainInstrumentor",),
        },
        {**_LATEST, "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"},
    ),
    "otel_events": Setup(
        {
            "openai": (f"{_OFFICIAL}genai.openai:OpenAIInstrumentor",),
            "anthropic": (f"{_OFFICIAL}genai.anthropic:AnthropicInstrumentor",),
            "google_genai": (f"{_OFFICIAL}google_genai:GoogleGenAiSdkInstrumentor",),
        },
        {**_LATEST, "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "EVENT_ONLY"},
        events=True,
    ),
    "openinference": Setup(
        {
            "openai": (f"{_INFERENCE}openai:OpenAIInstrumentor",),
            "anthropic": (f"{_INFERENCE}anthropic:AnthropicInstrumentor",),
            "google_genai": (f"{_INFERENCE}google_genai:GoogleGenAIInstrumentor",),
            "mistralai": (f"{_INFERENCE}mistralai:MistralAIInstrumentor",),
            "langchain": (f"{_INFERENCE}langchain:LangChainInstrumentor",),
        },
    ),
    "openllmetry": Setup(
        {
            "openai": (f"{_OFFICIAL}openai:OpenAIInstrumentor",),
            "anthropic": (f"{_OFFICIAL}anthropic:AnthropicInstrumentor",),
            "google_genai": (f"{_OFFICIAL}google_generativeai:GoogleGenerativeAiInstrumentor",),
            "cohere": (f"{_OFFICIAL}cohere:CohereInstrumentor",),
            "langchain": (f"{_OFFICIAL}langchain:LangchainInstrumentor",),
        },
    ),
    "sdk": Setup(
        {"anthropic": (), "mistralai": (), "pydantic_ai": ("pydantic_ai:Agent",)},
        {"ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content", "MISTRAL_SDK_TELEMETRY": "global"},
        registered=True,
    ),
    "several": Setup(
        {
            "anthropic": (f"{_INFERENCE}anthropic:AnthropicInstrumentor",),
            "langchain": (f"{_INFERENCE}langchain:LangChainInstrumentor", f"{_INFERENCE}openai:OpenAIInstrumentor"),
            "openai": (f"{_INFERENCE}openai:OpenAIInstrumentor", f"{_OFFICIAL}openai:OpenAIInstrumentor"),
            "pydantic_ai": ("pydantic_ai:Agent", f"{_OFFICIAL}genai.openai:OpenAIInstrumentor"),
        },
        registered=True,
    ),
}
