"""SDKs of observability platforms that add a few words of their own to those of others."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

LANGWATCH: Final = Family(
    name="langwatch",
    columns={
        "step": ("langwatch.span.type",),
        "user_id": ("langwatch.user.id",),
        "conversation_id": ("langwatch.thread.id",),
    },
    contents={"input": ("langwatch.input",), "output": ("langwatch.output",)},
    bodies={"usage": ("langwatch.metrics",), "parameters": ("langwatch.params",), "about": ("langwatch.metadata",)},
    hidden=("langwatch.params",),
    scopes=("langwatch",),
)

_OF_AGENTOPS: Final = ("agent", "chain", "guardrail", "operation", "session", "task", "tool", "workflow")

AGENTOPS: Final = Family(
    name="openllmetry",
    columns={"entity_name": ("operation.name",)},
    contents={
        "input": tuple(f"agentops.{kind}.input" for kind in _OF_AGENTOPS),
        "output": tuple(f"agentops.{kind}.output" for kind in _OF_AGENTOPS),
    },
    scopes=("agentops",),
    scoped=True,
)

LANGTRACE: Final = Family(
    name="langtrace",
    contents={"system": ("instructions",)},
    scopes=("langtrace_python_sdk",),
    scoped=True,
)

NETRA: Final = Family(
    name="netra",
    contents={"input": ("input",), "output": ("output",)},
    scopes=("netra",),
    scoped=True,
)

GALILEO: Final = Family(
    name="gen_ai",
    columns={"conversation_id": ("galileo.session.id",)},
    scopes=("galileo-tracer",),
    scoped=True,
)
"""Of Galileo's helpers: GenAI keys, and no word for what a workflow is."""

OPENAI_AGENTS: Final = Family(
    name="gen_ai",
    columns={"step": ("agent.span.type",), "conversation_id": ("agent.group_id",)},
    contents={"input": ("gen_ai.input.preview",), "output": ("gen_ai.output.preview",)},
    scopes=("openai.agents",),
    scoped=True,
)
"""Of the openai-agents-opentelemetry package: spans of the responses API say nothing but what they are."""
