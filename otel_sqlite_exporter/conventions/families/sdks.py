"""SDKs that trace themselves, and frameworks whose few words of their own fit in one table."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.vocabulary import Family

SDKS: Final = Family(
    name="gen_ai",
    columns={
        "finish_reasons": ("anthropic.message.stop_reason", "anthropic.response.stop_reason"),
        "total_tokens": ("mistral_ai.request.total_tokens",),
        "error_type": ("mistral_ai.error.type", "anthropic.error.type", "openai.error.type"),
        "error_message": ("mistral_ai.error.message", "anthropic.error.message", "openai.error.message"),
    },
    contents={
        "result": ("anthropic.tool_result.content",),
    },
)

STRANDS: Final = Family(
    name="strands",
    columns={"tool_call_id": ("tool.call.id",)},
    scopes=("strands",),
)
