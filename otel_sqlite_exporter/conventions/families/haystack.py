"""Haystack's own tracing: a component's type, and its input and output as JSON."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

HAYSTACK: Final = Family(
    name="haystack",
    columns={
        "component": ("haystack.component.type", "haystack.component.fully_qualified_type"),
        "tool_call_id": ("haystack.tool.call.id",),
        "entity_name": ("haystack.tool.name", "haystack.component.name"),
    },
    contents={
        "input": (
            "haystack.component.input",
            "haystack.agent.input",
            "haystack.pipeline.input_data",
            "haystack.tool.input",
            "haystack.agent.step.llm.input",
            "haystack.agent.step.tool.input",
        ),
        "output": (
            "haystack.component.output",
            "haystack.agent.output",
            "haystack.pipeline.output_data",
            "haystack.tool.output",
            "haystack.agent.step.llm.output",
            "haystack.agent.step.tool.output",
        ),
    },
    bodies={
        "request": ("haystack.component.input", "haystack.agent.step.llm.input"),
        "response": ("haystack.component.output", "haystack.agent.step.llm.output"),
    },
    scopes=("haystack",),
)
