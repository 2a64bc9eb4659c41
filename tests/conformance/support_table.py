"""The documentation's support table, out of a conformance run.

Run as ``python -m tests.conformance.support_table`` to write it into docs/emitters.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance.scoring import FIELDS

if TYPE_CHECKING:
    from tests.conformance.scoring import Score

PAGE = Path(__file__).parent.parent.parent / "docs" / "emitters.md"
STREAMS = "stream"
"""The word in the names of the scenarios that stream."""

SELECTED = frozenset(
    {
        "agent-framework-core@1.23.0",
        "agento11y-litellm@0.21.0",
        "agento11y-openai@0.21.0",
        "agentrace-ai@0.3.0",
        "agentscope@1.0.5",
        "any-agent@1.18.0",
        "azure-ai-inference@1.0.0b9",
        "basalt-sdk@1.1.10",
        "catalyst-tracing@0.1.11",
        "chatlas@0.23.0",
        "confident-trace@0.1.11",
        "convergent-sdk@0.0.11",
        "dapr-agents@1.0.9",
        "fiddler-otel@1.4.1",
        "forgesight@0.1.1",
        "genai-otel-instrument@1.42.0",
        "genkit@0.12.0",
        "google-adk@2.13.0",
        "humanloop@0.8.38",
        "langchain-azure-ai@1.2.12",
        "langsmith@0.15.0",
        "langtrace-python-sdk@3.8.21",
        "langwatch@1.4.0",
        "litellm@1.77.7",
        "lmnr@0.8.2",
        "logfire@3.14.0",
        "logfire@4.25.0",
        "logfire@4.3.0",
        "microsoft-agents-a365-observability-core@2.0.0",
        "middleware-llmobs@0.1.1",
        "mlflow@2.22.0",
        "monocle-apptrace@0.8.15",
        "nemoguardrails@0.24.1",
        "netra-sdk@1.2.2",
        "obzerve@0.1.0",
        "openai-agents-opentelemetry@0.4.1",
        "openinference-instrumentation-agent-framework@0.1.13",
        "openinference-instrumentation-agno@1.0.15",
        "openinference-instrumentation-anthropic@0.1.18",
        "openinference-instrumentation-autogen-agentchat@0.1.22",
        "openinference-instrumentation-beeai@0.1.30",
        "openinference-instrumentation-dspy@0.1.48",
        "openinference-instrumentation-groq@0.1.33",
        "openinference-instrumentation-haystack@0.1.46",
        "openinference-instrumentation-llama-index@4.6.1",
        "openinference-instrumentation-smolagents@0.1.43",
        "openlit@1.33.9",
        "openllmtelemetry@0.0.8",
        "opentelemetry-haystack@2.0.0",
        "opentelemetry-instrumentation-anthropic@0.47.5",
        "opentelemetry-instrumentation-bedrock@0.40.14",
        "opentelemetry-instrumentation-bedrock@0.62.4",
        "opentelemetry-instrumentation-cohere@0.47.5",
        "opentelemetry-instrumentation-genai-bedrock@1.3b0",
        "opentelemetry-instrumentation-groq@0.47.5",
        "opentelemetry-instrumentation-langchain@0.47.5",
        "opentelemetry-instrumentation-litellm@0.62.4",
        "opentelemetry-instrumentation-llamaindex@0.47.5",
        "opentelemetry-instrumentation-ollama@0.47.5",
        "opentelemetry-instrumentation-openai@0.47.5",
        "opentelemetry-instrumentation-together@0.47.5",
        "orq-ai-sdk@4.17.13",
        "paid-python@1.12.0",
        "patronus@0.1.26",
        "promptlayer@1.5.16",
        "prompty@2.1.0",
        "pydantic-ai@1.0.5",
        "rhesis-sdk@0.6.8",
        "semantic-kernel@1.30.0",
        "semantic-kernel@1.45.0",
        "splunk-otel-instrumentation-openai@0.1.2",
        "struct-sdk@0.3.2",
        "telemetry-dev-openai@0.1.8",
        "tmam@1.6.1",
        "traccia@0.1.33",
        "traceai-openai-agents@0.1.6",
        "traceai-smolagents@0.1.5",
        "tracepad@0.1.0",
        "traceroot@0.5.0",
        "trulens-core@2.16.0",
        "uipath-core@0.5.33",
    }
)
"""Of these only scenarios that came out right were kept, to guard them: their share says nothing about the others."""

COLUMNS = {
    "prompt": ("input_text", "system_text"),
    "answer": ("output_text",),
    "models": ("request_model", "response_model"),
    "tokens": ("input_tokens", "output_tokens", "reasoning_tokens"),
    "cached": ("cache_read_tokens", "cache_write_tokens"),
    "tools": ("tool_calls",),
    "errors": ("status",),
    "one row": ("call_count",),
}


def support_table(scores: dict[str, Score], streams: dict[str, Score]) -> str:
    """Return the table: what of each field is right where the instrumentation tells it at all.

    Args:
        scores: Of each instrumentation.
        streams: Of each instrumentation, over the scenarios that stream.
    """
    lines = [
        "| instrumentation | facts right | " + " | ".join(COLUMNS) + " | streams |",
        "|---" * (len(COLUMNS) + 3) + "|",
    ]
    right = present = 0
    for name, score in sorted(scores.items()):
        if name in SELECTED:
            continue
        cells = [_cell(score, fields) for fields in COLUMNS.values()]
        cells.append(_cell(streams[name], FIELDS) if name in streams else "-")
        own_right, own_present = sum(score.right.values()), sum(score.present.values())
        right += own_right
        present += own_present
        lines.append(f"| {name.replace('@', ' ')} | {_percent(own_right, own_present)} | " + " | ".join(cells) + " |")
    lines.append(
        f"| **all: {right:,} of {present:,} facts** | **{_percent(right, present)}** |" + " |" * (len(COLUMNS) + 1)
    )
    selected = ", ".join(name.replace("@", " ") for name in sorted(SELECTED & scores.keys()))
    lines += ["", f"Also read, and guarded by a selection of scenarios that come out right: {selected}."]
    return "\n".join(lines)


def _cell(score: Score, fields: tuple[str, ...]) -> str:
    present = sum(score.present[name] for name in fields)
    return _percent(sum(score.right[name] for name in fields), present) if present else "-"


def _percent(right: int, present: int) -> str:
    if right == present:
        return "100 %"
    return f"{min(100 * right / present, 99.9):.1f} %"


def main() -> None:
    """Replace what stands between the marks."""
    from tests.conformance.test_conformance import scores

    text = PAGE.read_text(encoding="utf-8")
    table = support_table(scores(), scores(STREAMS))
    replaced = re.sub(
        r"(<!-- support: begin -->\n).*?(<!-- support: end -->)",
        lambda match: match[1] + table + "\n" + match[2],
        text,
        flags=re.DOTALL,
    )
    PAGE.write_text(replaced, encoding="utf-8")


if __name__ == "__main__":
    main()
