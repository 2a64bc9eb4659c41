"""What may be kept of a span's attributes when no content is to be captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.registry import dictionary_for

if TYPE_CHECKING:
    from collections.abc import Mapping

# Facts about the surroundings of a call, from OpenTelemetry's general semantic conventions. Addresses are here, paths
# and queries are not: they may hold what a user typed.
_SURROUNDINGS: Final = frozenset(
    {
        "exception.type",
        "gen_ai.output.type",
        "http.method",
        "http.request.method",
        "net.peer.name",
        "openinference.span.kind",
        "server.address",
        "traceloop.span.kind",
        "url.scheme",
    }
)
_QUOTES_CONTENT: Final = frozenset({"error_message"})


def metadata_only(attributes: Mapping[str, object], scope_name: str) -> dict[str, object]:
    """Return the attributes that can't hold the text of a prompt or an answer.

    Numbers and booleans can't. A text is kept only under a key that is known to hold a model's name, an id or the like:
    anything else may quote the conversation, error messages included.

    Args:
        attributes: A span's, an event's or a link's attributes, without message content.
        scope_name: The span's instrumentation scope, which may give a key its meaning.
    """
    dictionary = dictionary_for(scope_name)
    kept: dict[str, object] = {}
    for key, value in attributes.items():
        if isinstance(value, (bool, int, float)):
            kept[key] = value
        elif isinstance(value, str) or _is_texts(value):
            slot = dictionary.slots.get(key) or dictionary.learn(key)
            columns = [column for column, _ in slot.columns if column not in _QUOTES_CONTENT]
            if key in _SURROUNDINGS or (columns and slot.body is None and slot.content is None):
                kept[key] = value
    return kept


def _is_texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
