"""Google's Agent Development Kit: whole requests and responses as JSON."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

_AGENT: Final = "gcp.vertex.agent."

ADK: Final = Family(
    name="google_adk",
    columns={
        "conversation_id": (_AGENT + "session_id",),
    },
    contents={
        "input": (_AGENT + "llm_request", _AGENT + "data"),
        "output": (_AGENT + "llm_response",),
        "arguments": (_AGENT + "tool_call_args",),
        "result": (_AGENT + "tool_response",),
    },
    bodies={
        "request": (_AGENT + "llm_request",),
        "response": (_AGENT + "llm_response",),
    },
    scopes=("gcp.vertex.agent", "google.adk", "google_adk"),
)
