"""Tell a call by the name of its span, all that an instrumentation that failed leaves.

Kept free of other imports but of tables: the span processor asks on the application's thread.
"""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.conventions.providers import of_model

OPERATIONS: Final = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
"""The operations of the GenAI conventions that ask a model, with which they begin the names of its spans."""


def names_a_call(name: str) -> bool:
    """Tell whether a span is named as the GenAI conventions name calls, with a known maker's model: ``chat gpt-4o``.

    Args:
        name: Of the span.
    """
    word, _, model = name.partition(" ")
    return word in OPERATIONS and " " not in model and of_model(model) is not None
