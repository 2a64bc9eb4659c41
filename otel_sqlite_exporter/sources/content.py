"""The environment variables that decide whether an instrumentation reports prompts and answers, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.sources.catalogue import CONTRIB, OFFICIAL, OPENINFERENCE
from otel_sqlite_exporter.sources.installed import version_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

GENAI_CAPTURE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
STABILITY: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
_HIDING: Final = ("OPENINFERENCE_HIDE_INPUTS", "OPENINFERENCE_HIDE_OUTPUTS", "OPENINFERENCE_HIDE_LLM_PROMPTS")
_NO_CONTENT: Final = frozenset({"false", "no_content"})
_MODES: Final = frozenset({"span_only", "event_only", "span_and_event"})
_OPENLLMETRY_NAMES: Final = (
    "agno",
    "alephalpha",
    "anthropic",
    "bedrock",
    "chromadb",
    "cohere",
    "crewai",
    "google-generativeai",
    "groq",
    "haystack",
    "lancedb",
    "langchain",
    "litellm",
    "llamaindex",
    "marqo",
    "mcp",
    "milvus",
    "mistralai",
    "ollama",
    "openai",
    "openai-agents",
    "pinecone",
    "qdrant",
    "replicate",
    "sagemaker",
    "together",
    "transformers",
    "vertexai",
    "voyageai",
    "watsonx",
    "weaviate",
    "writer",
)
_OPENLLMETRY: Final = frozenset(CONTRIB + name for name in _OPENLLMETRY_NAMES)
_BY_FLAG: Final = frozenset({CONTRIB + "botocore"})  # takes only "true"
_BY_MODE: Final = frozenset({CONTRIB + "openai-v2", CONTRIB + "openai-agents-v2", CONTRIB + "google-genai"})


@dataclass(frozen=True, slots=True)
class SdkSwitch:
    """A variable of an SDK that reports its own calls.

    Args:
        distribution: The SDK's distribution.
        variable: The variable.
        value: What makes it report prompts and answers.
        without: An SDK of this name is switched on only where no instrumentation reports it; "" for always.
    """

    distribution: str
    variable: str
    value: str
    without: str = ""


SDK_SWITCHES: Final = (
    SdkSwitch("anthropic", "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", "content"),
    SdkSwitch("mistralai", "MISTRAL_SDK_TELEMETRY", "global", without="Mistral"),
    SdkSwitch("agent-framework-core", "ENABLE_INSTRUMENTATION", "true"),
    SdkSwitch("agent-framework-core", "ENABLE_SENSITIVE_DATA", "true"),
    SdkSwitch("semantic-kernel", "SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE", "true"),
    SdkSwitch("haystack-ai", "HAYSTACK_CONTENT_TRACING_ENABLED", "true"),
)


def switch_on(
    environment: MutableMapping[str, str], instrumentations: Iterable[str], reported: frozenset[str]
) -> dict[str, str]:
    """Set the variables that have prompts and answers reported, but for those that the application has set.

    Args:
        environment: Where to set them: ``os.environ``.
        instrumentations: The distributions of the installed instrumentations.
        reported: The names of the SDKs that an installed instrumentation reports.

    Returns:
        What was set.
    """
    wanted: dict[str, str] = {}
    readers = [name for name in instrumentations if reads_genai_capture(name)]
    if readers:
        wanted[GENAI_CAPTURE] = "SPAN_ONLY" if any(takes_modes(name) for name in readers) else "true"
        wanted[STABILITY] = "gen_ai_latest_experimental"
    for switch in SDK_SWITCHES:
        if switch.without not in reported and version_of(switch.distribution):
            wanted[switch.variable] = switch.value
    return _set_unset(environment, wanted)


def switch_on_sdk(environment: MutableMapping[str, str], name: str) -> bool:
    """Have an SDK report its own calls, because no instrumentation of it works; return whether it can."""
    wanted = {switch.variable: switch.value for switch in SDK_SWITCHES if switch.without == name}
    _set_unset(environment, wanted)
    return bool(wanted)


def _set_unset(environment: MutableMapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    unset = {name: value for name, value in wanted.items() if not environment.get(name)}
    environment.update(unset)
    return unset


def reads_genai_capture(instrumentation: str) -> bool:
    """Return whether OpenTelemetry's own variable decides about a distribution's content."""
    return instrumentation.startswith(OFFICIAL) or instrumentation in _BY_MODE | _BY_FLAG


def takes_modes(instrumentation: str) -> bool:
    """Return whether a distribution takes ``SPAN_ONLY``: it does with OpenTelemetry's GenAI utilities."""
    return instrumentation not in _BY_FLAG and version_of("opentelemetry-util-genai") is not None


def content_of(instrumentation: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Say whether an instrumentation reports prompts and answers under an environment, and why.

    Returns:
        ``"spans"``, ``"events"``, ``"off"`` or ``"unknown"``, and the reason in a few words.
    """
    if reads_genai_capture(instrumentation):
        return _genai_content(instrumentation, environment)
    if instrumentation.startswith(OPENINFERENCE):
        hidden = _hidden(environment)
        return ("off", f"{hidden[0]}=true") if hidden else ("spans", "reported unless OPENINFERENCE_HIDE_* is set")
    if instrumentation in _OPENLLMETRY:
        value = environment.get("TRACELOOP_TRACE_CONTENT", "").strip()
        if value and value.lower() != "true":
            return "off", f"TRACELOOP_TRACE_CONTENT={value}"
        return "spans", "reported unless TRACELOOP_TRACE_CONTENT=false"
    return "unknown", "not in the catalogue"


def _genai_content(instrumentation: str, environment: Mapping[str, str]) -> tuple[str, str]:
    value = environment.get(GENAI_CAPTURE, "").strip()
    if not value:
        return "off", f"{GENAI_CAPTURE} is not set"
    reason = f"{GENAI_CAPTURE}={value}"
    lowered = value.lower()
    if takes_modes(instrumentation) and lowered in _MODES:
        return ("events" if lowered == "event_only" else "spans"), reason
    if lowered == "true" and not takes_modes(instrumentation):
        return "events", reason
    if lowered == "true":
        return "off", f"{reason}: this version wants SPAN_ONLY"
    if lowered in _MODES:
        return "off", f"{reason}: this version wants true"
    return "off", reason


def is_kept_out(environment: Mapping[str, str]) -> bool:
    """Return whether a variable says that prompts and answers are not to be reported."""
    switches = {environment.get(name, "").strip().lower() for name in (GENAI_CAPTURE, "TRACELOOP_TRACE_CONTENT")}
    return not switches.isdisjoint(_NO_CONTENT) or bool(_hidden(environment))


def _hidden(environment: Mapping[str, str]) -> list[str]:
    return [name for name in _HIDING if environment.get(name, "").strip().lower() == "true"]


def needs_log_processor(environment: Mapping[str, str], instrumentations: Iterable[str]) -> bool:
    """Return whether some content comes in log events under an environment."""
    return any(content_of(name, environment)[0] == "events" for name in instrumentations)
