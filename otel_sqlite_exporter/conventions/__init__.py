"""What LLM spans say, in every convention: attributes in, one normalised call out."""

from otel_sqlite_exporter.conventions.reader import read
from otel_sqlite_exporter.conventions.recognise import is_genai_event, is_genai_key, is_genai_scope

__all__ = ["is_genai_event", "is_genai_key", "is_genai_scope", "read"]
