"""Words that this project or a convention has chosen: they quote no application, and no redactor sees them."""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.messages import ROLES
from otel_sqlite_exporter.conventions.provider_names import PROVIDERS
from otel_sqlite_exporter.conventions.registry import dictionary_for
from otel_sqlite_exporter.conventions.slots import UNKNOWN
from otel_sqlite_exporter.conventions.step_words import STEPS

_PART_TYPES: Final = (
    "text",
    "tool_call",
    "tool_call_response",
    "reasoning",
    "blob",
    "uri",
    "file",
    "omitted",
    "tool_definitions",
)
_MEDIA_TYPES: Final = ("image", "audio", "video", "document", "image_url", "input_audio", "base64", "media")
_SCHEMA_TYPES: Final = ("function", "object", "array", "string", "number", "integer", "boolean", "null")
_FINISH_REASONS: Final = (
    "stop",
    "length",
    "content_filter",
    "tool_call",
    "tool_calls",
    "function_call",
    "error",
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "refusal",
    "pause_turn",
    "completed",
    "incomplete",
    "failed",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "COMPLETE",
    "TOOL_CALL",
)

OPERATIONS: Final = frozenset(STEPS) | {step.operation for step in STEPS.values() if step.operation is not None}
"""What stands first in the name of a span that the GenAI conventions name."""

WORDS: Final = OPERATIONS.union(
    ROLES, ROLES.values(), PROVIDERS.values(), _PART_TYPES, _MEDIA_TYPES, _SCHEMA_TYPES
) | frozenset(_FINISH_REASONS)
"""Roles, operations, providers, finish reasons, types of parts and of JSON schemas."""

FIELDS: Final = frozenset(
    (
        "type",
        "id",
        "name",
        "role",
        "content",
        "arguments",
        "response",
        "result",
        "parts",
        "tools",
        "function",
        "description",
        "parameters",
        "properties",
        "required",
        "items",
        "modality",
        "mime_type",
        "uri",
        "file_id",
        "byte_count",
        "sha256",
        "count",
        "data",
    )
)
"""Names of the fields of message parts and of tool definitions."""


def is_known_key(key: str) -> bool:
    """Tell whether an attribute's name is a convention's own."""
    slot = dictionary_for("").slots.get(key)
    return slot is not None and slot is not UNKNOWN and not slot.tree
