"""The layout ``calls``: one row per model call with the columns of ``llm_calls``, and its messages nested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from otel_sqlite_exporter.sending.messages import text_parts

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.stored import StoredSpan

_TEXT: Final = pa.string()
_COUNT: Final = pa.int64()
_NUMBER: Final = pa.float64()
# Microseconds: Spark, Delta and Iceberg take no nanoseconds; those are in a column of their own.
_TIME: Final = pa.timestamp("us", tz="UTC")
_MESSAGE: Final = pa.struct(
    [("direction", _TEXT), ("role", _TEXT), ("text", _TEXT), ("parts", _TEXT), ("finish_reason", _TEXT)]
)

_AS_STORED: Final = {
    "id": _COUNT,
    "span_id": _TEXT,
    "parent_span_id": _TEXT,
    "name": _TEXT,
    "kind": _TEXT,
    "operation": _TEXT,
    "provider": _TEXT,
    "request_model": _TEXT,
    "response_model": _TEXT,
    "response_id": _TEXT,
    "input_tokens": _COUNT,
    "output_tokens": _COUNT,
    "cache_read_tokens": _COUNT,
    "cache_write_tokens": _COUNT,
    "reasoning_tokens": _COUNT,
    "cost_usd": _NUMBER,
    "cost_source": _TEXT,
    "time_to_first_token_ms": _NUMBER,
    "streaming": pa.bool_(),
    "status": _TEXT,
    "status_message": _TEXT,
    "error_type": _TEXT,
    "conversation_id": _TEXT,
    "user_id": _TEXT,
    "agent_name": _TEXT,
    "service_name": _TEXT,
    "convention": _TEXT,
    "start_time_unix_nano": _COUNT,
    "end_time_unix_nano": _COUNT,
    "truncated_bytes": _COUNT,
    "attributes": _TEXT,
}
"""Columns that are those of the file."""

CALLS_SCHEMA: Final = pa.schema(
    {
        "file_id": _TEXT,
        "trace_id": _TEXT,
        "start_time": _TIME,
        "end_time": _TIME,
        "duration_ms": _NUMBER,
        "model": _TEXT,
        "total_tokens": _COUNT,
        **_AS_STORED,
        "messages": pa.list_(_MESSAGE),
    }.items()
)


def call_row(span: StoredSpan, file_id: str) -> dict[str, object] | None:
    """Return a row, None for a span that is no model call or that another one stands for.

    Args:
        span: The span.
        file_id: The file that it is from.
    """
    if span.kind not in {"llm", "embedding"} or span.duplicate_of is not None:
        return None
    row: dict[str, object] = {column: getattr(span, column) for column in _AS_STORED}
    row["file_id"] = file_id
    row["trace_id"] = span.shown_in_trace_id or span.trace_id
    row["start_time"] = span.start_time_unix_nano // 1000
    row["end_time"] = span.end_time_unix_nano // 1000
    row["duration_ms"] = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
    row["model"] = span.request_model or span.response_model
    row["total_tokens"] = _total(span)
    row["messages"] = [
        {
            "direction": message.direction,
            "role": message.role,
            "text": message.text,
            "parts": message.parts or text_parts(message.text),
            "finish_reason": message.finish_reason,
        }
        for message in span.messages
    ]
    return row


def _total(span: StoredSpan) -> int | None:
    if span.input_tokens is not None and span.output_tokens is not None:
        return span.input_tokens + span.output_tokens
    known = (span.total_tokens, span.input_tokens, span.output_tokens)
    return next((count for count in known if count is not None), None)
