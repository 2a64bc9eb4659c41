"""Read retrieved and ranked documents in any emitter's shape, one message each."""

from __future__ import annotations

from typing import Any, Final, cast

from otel_sqlite_exporter.conventions.call import Message
from otel_sqlite_exporter.conventions.parse import NOT_JSON, parse_text, plain, to_json
from otel_sqlite_exporter.conventions.parts import first, flat_text, read_parts


def read_documents(value: object) -> list[Message]:
    """Return retrieved or ranked documents, one message without a role for each.

    Args:
        value: A list of documents as texts or objects, a holder of one, or JSON of either.
    """
    if isinstance(value, str):
        parsed = parse_text(value)
        value = [value] if parsed is NOT_JSON else parsed
    else:
        value = plain(value)
    if isinstance(value, dict):
        value = first(value, "documents", "nodes", "docs", "results", "matches", "output", "outputs", "result") or value
    items: list[object] = value if isinstance(value, list) else [value]
    return [message for item in items if item is not None for message in _document(item)]


def _document(item: object) -> list[Message]:
    if not isinstance(item, dict):
        return [Message(None, read_parts(item))] if isinstance(item, str) else read_documents(item)
    inner = first(item, "document", "kwargs", "node")
    if isinstance(inner, dict):
        outer = {key: item[key] for key in ("score",) if key in item}
        return _document({**inner, **outer})
    content = first(item, "content", "page_content", "text", "document", "value")
    if content is None:
        return [Message(None, read_parts(to_json(item)))]
    part: dict[str, Any] = {"type": "text", "content": flat_text(content)}
    for name, keys in _DOCUMENT_KEYS:
        value = first(item, *keys)
        if value not in (None, "", {}):
            part[name] = value
    return [Message(None, [cast("Any", part)])]


_DOCUMENT_KEYS: Final = (
    ("id", ("id", "id_", "node_id", "doc_id")),
    ("score", ("score",)),
    ("metadata", ("metadata", "meta")),
)
