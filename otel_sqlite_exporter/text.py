"""Everything that happens to text before it is stored: redaction, media placeholders, truncation, valid UTF-8 and JSON.

The order matters. Media are replaced first, so that no base64 reaches a redactor or the limit; then the redactor sees
the whole text; then the content is hashed; then it is cut.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import math
import re
from collections.abc import Mapping, Sequence
from json import encoder
from typing import TYPE_CHECKING, Final, NamedTuple

from otel_sqlite_exporter.call import JSONValue, Message, Part
from otel_sqlite_exporter.conventions.summary import plain_text
from otel_sqlite_exporter.omission import split_note
from otel_sqlite_exporter.placeholders import BARE_BASE64_CHARACTERS, decoded, placeholder, replace_media, size_and_hash

if TYPE_CHECKING:
    from otel_sqlite_exporter.config import Redact

_logger = logging.getLogger(__name__)

REDACT_FAILED: Final = "[dropped: redact failed]"
"""What is stored in place of a text whose redactor raised or returned no text."""

_MAX_DEPTH: Final = 64
_MAX_NODES: Final = 20_000
_MAX_INTEGER: Final = (1 << 63) - 1
_UTF8_WORST_CASE: Final = 4
_MEDIA_TYPES: Final = frozenset({"blob", "base64", "input_audio", "audio", "image", "media"})
_MEDIA_MARKS: Final = frozenset({"mime_type", "media_type", "mimeType", "mediaType", "format"})
_MEDIA_FIELDS: Final = frozenset({"data", "content", "bytes", "b64_json", "base64"})
_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]{24,}={0,2}\s*")

# Signs, in JSON, of media, of a note of what is missing, and of an integer that SQLite can't hold.
_MARKS_OF_CARE: Final = (
    *(f'"{word}"' for word in sorted(_MEDIA_TYPES | _MEDIA_MARKS)),
    ";base64,",
    "\ue001",
)
_LONG_WORD = re.compile(r"[A-Za-z0-9+/_-]{1024}")
_BIG_INTEGER = re.compile(r"[0-9]{19}")

_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False).encode

# JSONEncoder makes such an encoder for every value, which takes longer than encoding a span's attributes.
_ENCODER_ARGUMENTS: Final = (
    None,
    json.JSONEncoder().default,
    encoder.encode_basestring,
    None,
    ":",
    ",",
    False,
    False,
    False,
)
_make_encoder = getattr(encoder, "c_make_encoder", None)
_encoder = _make_encoder and _make_encoder(*_ENCODER_ARGUMENTS)

_MAX_KNOWN_CHARACTERS: Final = 2 << 20
_LONGEST_KNOWN_TEXT: Final = 4096
_SHORT_WORD: Final = 24


class MessageRow(NamedTuple):
    """One row of ``messages``, as a tuple: a frozen dataclass takes five times as long to make.

    Args:
        hash: BLAKE2b, 16 bytes, of role and whole content, before the cut and after redaction.
        role: The message's role.
        text: Its plain text, cut.
        parts: JSON of its parts where they say more than ``text``, else None.
        full_bytes: UTF-8 bytes of all its texts.
        kept_bytes: How many of them are stored.
    """

    hash: bytes
    role: str | None
    text: str | None
    parts: str | None
    full_bytes: int
    kept_bytes: int


class TextPolicy:
    """Turn texts, messages and attributes into what may be stored.

    Args:
        max_text_bytes: UTF-8 bytes kept of one message, or of one attribute's texts.
        redact: Called with (key, text) for every text; None stores texts as they are.
    """

    def __init__(self, max_text_bytes: int, redact: Redact | None) -> None:
        self._limit = max_text_bytes
        self._redact = redact
        self._known_rows: dict[tuple[str | None, str, bool], MessageRow] = {}
        """By role, text or JSON of the parts, and which of the two it is."""
        self._known_characters = 0

    def message(self, key: str, message: Message) -> MessageRow:
        """Return the row of a message.

        Args:
            key: What a redactor is told: ``gen_ai.input.messages`` and its siblings.
            message: The message as a convention read it.
        """
        parts = message.parts
        role = clean_text(message.role) if isinstance(message.role, str) else None
        if len(parts) == 1:
            part = parts[0]
            content = part.get("content")
            if len(part) == 2 and part.get("type") == "text" and type(content) is str:  # noqa: PLR2004 - type, content
                return self._text_message(key, role, content)
        if role == "user" and all(part.get("type") == "tool_call_response" for part in parts):
            role = "tool"  # some APIs send a tool's answer in the user's name; the GenAI conventions call that a tool's
        # Copying an agent's parts value by value took half the time of storing its turn (python -m benchmarks cpu).
        document = _encoded(parts) if self._redact is None else None
        row = self._known_rows.get((role, document, True)) if document is not None else None
        if row is not None:
            return row
        if document is None or _needs_care(document, self._limit):
            return self._cleaned_message(key, role, parts)
        size = _text_bytes(parts)
        row = MessageRow(_digest(role, document.encode()), role, plain_text(Message(role, parts)), document, size, size)
        self._remember((role, document, True), row)
        return row

    def _cleaned_message(self, key: str, role: str | None, parts: Sequence[Part]) -> MessageRow:
        whole = _Cleaner(key, self._redact, None)
        cleaned = [whole.guarded(part) for part in parts]
        document = encode_json(cleaned)
        full_bytes = whole.full_bytes
        kept_bytes = full_bytes
        digest = _digest(role, document.encode())
        if full_bytes > self._limit:
            cutter = _Cleaner(key, None, self._limit)
            cleaned = [cutter.value(part) for part in cleaned]
            document = encode_json(cleaned)
            kept_bytes = cutter.kept_bytes
        text = plain_text(Message(role, [part for part in cleaned if isinstance(part, dict)]))
        if text is not None and len(text) > self._limit // _UTF8_WORST_CASE:
            text = cut_text(text, self._limit)
        return MessageRow(digest, role, text, document, full_bytes, kept_bytes)

    def _text_message(self, key: str, role: str | None, content: str) -> MessageRow:
        """Return the row of a plain text; the texts that a chat sends again with every turn are remembered."""
        if len(content) > _LONGEST_KNOWN_TEXT or self._redact is not None:
            return self._text_row(key, role, content)
        row = self._known_rows.get((role, content, False))
        if row is None:
            row = self._text_row(key, role, content)
            self._remember((role, content, False), row)
        return row

    def _text_row(self, key: str, role: str | None, content: str) -> MessageRow:
        content, missing = split_note(content)
        content = self.prepare(key, content)
        data = content.encode()
        kept_bytes = len(data)
        full_bytes = kept_bytes + missing
        digest = _digest(role, data)
        if kept_bytes > self._limit:
            content = cut_text(content, self._limit)
            kept_bytes = len(content.encode())
        # SQLite's JSON functions end at a NUL, so the computed column can't serve such a text; nor can NULL, which an
        # empty text is stored as.
        parts = encode_json([{"type": "text", "content": content}]) if not content or "\0" in content else None
        return MessageRow(digest, role, content, parts, full_bytes, kept_bytes)

    def _remember(self, key: tuple[str | None, str, bool], row: MessageRow) -> None:
        self._known_characters += len(key[1])
        if self._known_characters > _MAX_KNOWN_CHARACTERS:
            self._known_rows.clear()
            self._known_characters = len(key[1])
        self._known_rows[key] = row

    def prepare(self, key: str, text: str) -> str:
        """Return a text without media, redacted, valid as UTF-8, uncut."""
        text = replace_media(text)
        if self._redact is not None:
            text = apply_redact(self._redact, key, text)
        return clean_text(text)

    def text(self, key: str, text: str) -> tuple[str, int]:
        """Return a text ready to store and the number of bytes that were cut from it."""
        prepared = self.prepare(key, text)
        if len(prepared) * _UTF8_WORST_CASE <= self._limit:
            return prepared, 0
        kept = cut_text(prepared, self._limit)
        return kept, (len(prepared.encode()) - len(kept.encode())) if len(kept) < len(prepared) else 0

    def short(self, text: str | None) -> str | None:
        """Return a text of a column that holds a name or an id: valid and cut, never redacted."""
        if text is None or (text.isascii() and len(text) <= self._limit):
            return text
        return cut_text(clean_text(text), self._limit)

    def clean(self, attributes: Mapping[str, object]) -> tuple[dict[str, object], int]:
        """Return attributes as JSON can hold them and the number of bytes that were cut from their texts."""
        safe_length = min(self._limit // _UTF8_WORST_CASE, BARE_BASE64_CHARACTERS - 1)
        redact = self._redact
        cut = 0
        result: dict[str, object] = {}
        for key, value in attributes.items():
            # Nearly all values are short plain ones: only the others are worth an object of their own.
            if type(key) is not str:
                key = describe(key)  # noqa: PLW2901 - only a hand-made span has such a key
            # Exact types: a subclass may behave as it likes.
            kind = type(value)
            if kind is str:
                is_plain = redact is None and len(value) <= safe_length and ";base64," not in value  # type: ignore[arg-type, operator]
            elif kind is int:
                is_plain = -_MAX_INTEGER <= value <= _MAX_INTEGER  # type: ignore[operator]
            elif kind is float:
                is_plain = math.isfinite(value)  # type: ignore[arg-type]
            elif kind is tuple:
                # The SDK's own form of a list; the usual one holds a few words.
                is_plain = redact is None and all(type(item) is str and len(item) < _SHORT_WORD for item in value)  # type: ignore[attr-defined]
                is_plain = is_plain and len(value) * _SHORT_WORD <= safe_length  # type: ignore[arg-type]
            else:
                is_plain = kind is bool or value is None
            if is_plain:
                result[key] = value
            else:
                cleaner = _Cleaner(str(key), redact, self._limit)
                result[key] = cleaner.guarded(value)
                cut += cleaner.full_bytes - cleaner.kept_bytes
        return result, cut


def encode_json(value: object) -> str:
    """Return a cleaned value as compact JSON that UTF-8 can encode."""
    return clean_text(_encode_json(value) if _encoder is None else "".join(_encoder(value, 0)))


def _encoded(parts: Sequence[Part]) -> str | None:
    """Return the JSON of parts, None where they hold what JSON or UTF-8 can't."""
    try:
        document = _encode_json(parts) if _encoder is None else "".join(_encoder(parts, 0))
        if not document.isascii():
            document.encode()
    except (TypeError, ValueError, RecursionError):
        return None
    return document


def _needs_care(document: str, limit: int) -> bool:
    """Tell whether something in the JSON of parts may have to be cut, replaced or repaired."""
    return (
        len(document) * (1 if document.isascii() else _UTF8_WORST_CASE) > limit
        or document.count("[") + document.count("{") > _MAX_DEPTH
        or any(mark in document for mark in _MARKS_OF_CARE)
        or _BIG_INTEGER.search(document) is not None
        or (len(document) >= BARE_BASE64_CHARACTERS and _LONG_WORD.search(document) is not None)
    )


def _text_bytes(value: object) -> int:
    """Return how many bytes of UTF-8 the texts of a value of plain JSON have."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    if isinstance(value, dict):
        return sum([_text_bytes(item) for key, item in value.items() if key != "type" or type(item) is not str])
    return sum([_text_bytes(item) for item in value]) if isinstance(value, (list, tuple)) else 0


class _Cleaner:
    """Copy one value as JSON can hold it, keeping at most ``limit`` bytes of its texts.

    A value deeper than 64 levels or wider than 20,000 nodes is cut there: it would otherwise exhaust the stack or
    the writer's time.
    """

    def __init__(self, key: str, redact: Redact | None, limit: int | None) -> None:
        self._key = key
        self._redact = redact
        self._limit = limit
        self._nodes = _MAX_NODES
        self.full_bytes = 0
        self.kept_bytes = 0

    def guarded(self, value: object) -> JSONValue:
        """Return the copy of a value whose own methods may raise."""
        try:
            return self.value(value)
        except Exception:  # noqa: BLE001 - a foreign object's code
            return f"<{type(value).__name__}>"

    def value(self, value: object, depth: int = 0) -> JSONValue:  # noqa: C901, PLR0911 - one line for each kind of value
        self._nodes -= 1
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int(value) if -_MAX_INTEGER - 1 <= value <= _MAX_INTEGER else _big_integer(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else str(float(value))
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._bytes(bytes(value))
        if depth >= _MAX_DEPTH or self._nodes <= 0:
            return "..."
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, (Sequence, set, frozenset)):
            items: list[JSONValue] = []
            for item in value:
                if self._nodes <= 0:
                    break
                items.append(self.value(item, depth + 1))
            return items
        return self._text(describe(value))

    def _mapping(self, value: Mapping[object, object], depth: int) -> dict[str, JSONValue]:
        result: dict[str, JSONValue] = {}
        if value.get("type") == "blob" and isinstance(value.get("content"), (str, bytes)):
            return self._blob(value)
        holds_media = value.get("type") in _MEDIA_TYPES or not _MEDIA_MARKS.isdisjoint(value)
        for key, item in value.items():
            if self._nodes <= 0:
                break
            name = clean_text(key if isinstance(key, str) else describe(key))
            if name == "type" and type(item) is str and item.isascii():
                # A part's type is vocabulary, not content: cutting or redacting it would make the part unreadable.
                result[name] = item
            elif holds_media and name in _MEDIA_FIELDS and isinstance(item, str) and _BASE64.fullmatch(item):
                result[name] = placeholder(None, decoded(item))
            else:
                result[name] = self.value(item, depth + 1)
        return result

    def _blob(self, part: Mapping[object, object]) -> dict[str, JSONValue]:
        """Return a GenAI ``blob`` part whose content is replaced by its size and SHA-256."""
        content = part["content"]
        size, digest = size_and_hash(content if isinstance(content, (str, bytes)) else "")
        kept = {name: clean_text(str(part[name])) for name in ("modality", "mime_type") if part.get(name) is not None}
        return {"type": "blob", **kept, "byte_count": size, "sha256": digest}

    def _bytes(self, data: bytes) -> JSONValue:
        if len(data) >= BARE_BASE64_CHARACTERS:
            return placeholder(None, data)
        return self._text(base64.b64encode(data).decode())

    def _text(self, text: str) -> str:
        text, missing = split_note(text)
        text = replace_media(text)
        if self._redact is not None:
            text = apply_redact(self._redact, self._key, text)
        text = clean_text(text)
        size = len(text) if text.isascii() else len(text.encode())
        self.full_bytes += size + missing
        if self._limit is not None and self.kept_bytes + size > self._limit:
            text = cut_text(text, self._limit - self.kept_bytes)
            size = len(text.encode())
        self.kept_bytes += size
        return text


def clean_text(text: str) -> str:
    """Return a text that UTF-8 can encode: surrogate pairs joined, lone surrogates replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def cut_text(text: str, limit: int) -> str:
    """Return the longest start of a text that is at most ``limit`` bytes of UTF-8, never ending inside a character."""
    if limit <= 0:
        return ""
    if len(text) * _UTF8_WORST_CASE <= limit:
        return text
    # Encoding more than can be kept would cost memory and time in proportion to the whole text.
    return text[:limit].encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def apply_redact(redact: Redact, key: str, text: str) -> str:
    """Return what a redactor makes of a text; one that raises or returns no text drops it."""
    try:
        redacted = redact(key, text)
    except Exception as error:  # noqa: BLE001 - the user's code, which must not stop the recording
        _logger.debug("redact raised %s for %s", type(error).__name__, key)
        return REDACT_FAILED
    return redacted if isinstance(redacted, str) else REDACT_FAILED


def describe(value: object) -> str:
    """Return a text for an object of a foreign type, whatever its methods do."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - the object's own code
        return f"<{type(value).__name__}>"


def _big_integer(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # beyond sys.get_int_max_str_digits
        return hex(value)


def _digest(role: str | None, content: bytes) -> bytes:
    return hashlib.blake2b((role or "").encode() + b"\0" + content, digest_size=16).digest()
