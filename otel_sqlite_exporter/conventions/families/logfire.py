"""Logfire: whole request and response bodies, and raw usage as JSON."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

LOGFIRE: Final = Family(name="logfire", bodies={"usage": ("gen_ai.usage.raw",)}, scopes=("logfire",))

LOGFIRE_WORDS: Final = Family(
    name="logfire",
    columns={"hint": ("logfire.msg_template",)},
    contents={
        "events": ("events",),
        "input": ("request_data",),
        "output": ("response_data",),
    },
    bodies={
        "request": ("request_data",),
        "response": ("response_data",),
    },
    scopes=("logfire",),
    scoped=True,
)
"""What it wrote before it took up the GenAI keys."""

LOGFIRE_AGENTS: Final = Family(
    name="logfire",
    columns={"step": ("sdk_span_type",), "entity_name": ("name",)},
    contents={"input": ("input",), "output": ("output",)},
    bodies={"usage": ("usage",), "parameters": ("model_config",)},
    scopes=("logfire.openai_agents",),
    scoped=True,
)
"""What it takes over from the spans of the OpenAI Agents SDK."""
