"""Frameworks that trace themselves in words of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.step_words import (
    AGENT,
    CHAIN,
    EMBEDDINGS,
    GUARDRAIL,
    LLM,
    OTHER,
    SPEECH,
    TOOL,
    TRANSCRIPTION,
)
from otel_sqlite_exporter.conventions.vocabulary import Family

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet

AG2: Final = Family(
    name="ag2",
    columns={"step": ("ag2.span.type",), "total_tokens": ("ag2.usage.total_tokens",)},
    contents={"input": ("ag2.human_input.prompt",), "output": ("ag2.human_input.response",)},
    scopes=("opentelemetry.instrumentation.ag2", "ag2"),
)

LIVEKIT: Final = Family(
    name="livekit",
    columns={
        "tool_name": ("lk.function_tool.name",),
        "tool_call_id": ("lk.function_tool.id",),
        "first_token_s": ("lk.response.ttft",),
    },
    contents={
        "input": ("lk.pii.chat_ctx", "lk.chat_ctx", "lk.pii.user_input", "lk.user_input", "lk.input_text"),
        "output": ("lk.pii.response.text", "lk.response.text", "lk.user_transcript", "lk.pii.user_transcript"),
        "output_pieces": ("lk.pii.response.function_calls", "lk.response.function_calls"),
        "arguments": ("lk.pii.function_tool.arguments", "lk.function_tool.arguments"),
        "result": ("lk.pii.function_tool.output", "lk.function_tool.output"),
        "system": ("lk.pii.instructions", "lk.instructions"),
    },
    scopes=("livekit-agents",),
    # Around each request there is a span for the step of the pipeline, and in it one for each attempt.
    steps={
        "llm_node": CHAIN,
        "llm_request_run": CHAIN,
        "tts_node": CHAIN,
        "tts_request": SPEECH,
        "tts_request_run": CHAIN,
        "stt_node": CHAIN,
        "stt_request": TRANSCRIPTION,
        "stt_request_run": CHAIN,
        "user_turn": CHAIN,
        "function_tool": TOOL,
    },
)


def _keep_asked_model(call: Call, sheet: Sheet, _facts: SpanFacts) -> None:
    """Take the model that was asked for from the settings: the other is what the last answer named."""
    asked = sheet.columns.get("parameter_model")
    if asked is not None and call.request_model != asked:
        call.response_model = call.response_model or call.request_model
        call.request_model = asked


PIPECAT: Final = Family(
    name="pipecat",
    columns={
        "parameter_model": ("param.model", "settings.model"),
        "first_token_s": ("metrics.ttfb",),
        "streaming": ("stream",),
        "user_id": ("user_id",),
        "tool_name": ("tool.function_name",),
        "tool_call_id": ("tool.call_id",),
    },
    contents={
        "input": ("input", "text"),
        "output": ("output", "transcript"),
        "system": ("system_instruction", "instructions"),
        "tools": ("tools",),
        "arguments": ("tool.arguments",),
        "result": ("tool.result",),
    },
    scopes=("pipecat",),
    scoped=True,
    # A session with a realtime model has a span for each of its events; only an answer is a call.
    steps={
        "conversation": CHAIN,
        "turn": CHAIN,
        "llm_setup": OTHER,
        "llm_request": OTHER,
        "llm_tool_call": TOOL,
        "llm_tool_result": OTHER,
    },
    adjust=_keep_asked_model,
)

PROMPTFLOW: Final = Family(
    name="promptflow",
    columns={
        "step": ("span_type",),
        "entity_name": ("function",),
        "conversation_id": ("session_id",),
    },
    contents={"input": ("inputs",), "output": ("output", "llm.generated_message")},
    bodies={
        "request": ("inputs",),
        "response": ("output",),
        "usage": ("llm.usage.prompt_tokens_details", "llm.usage.completion_tokens_details"),
    },
    scopes=("promptflow",),
    scoped=True,
    # Any traced function is a "Function", whatever it does.
    steps={"function": CHAIN, "flow": CHAIN, "llm": LLM, "embedding": EMBEDDINGS, "tool": TOOL, "agent": AGENT},
)

MIRASCOPE: Final = Family(
    name="mirascope",
    columns={
        "hint": ("mirascope.type",),
        "conversation_id": ("mirascope.ops.session.id",),
        "response_model": ("mirascope.response.model_id",),
    },
    contents={
        "input": ("mirascope.response.messages", "mirascope.trace.arg_values"),
        "output": ("mirascope.response.content", "mirascope.trace.output"),
    },
    bodies={"usage": ("mirascope.response.usage",)},
    scopes=("mirascope",),
    steps={"trace": CHAIN},
)


def _call_tasks_calls(call: Call, _sheet: Sheet, _facts: SpanFacts) -> None:
    """Take a span that names a model for the call it is: its operation is the task that the prompt was written for."""
    if call.kind == "other" and call.request_model is not None:
        call.kind = "llm"


NEMO: Final = Family(
    name="nemo_guardrails",
    scopes=("nemo_guardrails",),
    steps={
        "guardrails.request": CHAIN,
        "guardrails.rail": GUARDRAIL,
        "guardrails.action": CHAIN,
    },
    adjust=_call_tasks_calls,
)
