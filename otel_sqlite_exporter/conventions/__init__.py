"""What LLM spans say, in every convention: attributes in, one normalised call out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from otel_sqlite_exporter.conventions.recognise import is_genai_event, is_genai_key, is_genai_scope

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.reader import read

__all__ = ["is_genai_event", "is_genai_key", "is_genai_scope", "read"]


def __getattr__(name: str) -> object:
    """Load the reader on first use: telling LLM spans from others needs none of the conventions."""
    if name != "read":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    function: object = import_module(f"{__name__}.reader").read
    globals()["read"] = function
    return function
