"""Everything that happens to text before it is stored: redaction, media placeholders, truncation, valid UTF-8 and JSON.

The order matters. Media are replaced first, so that no base64 reaches a redactor or the limit; then the redactor sees
the whole text; then the content is hashed; then it is cut: inside, with a note of how much is missing there, which
becomes a mark in what is returned.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.call import Message
from otel_sqlite_exporter.conventions.summary import plain_text
from otel_sqlite_exporter.database.rows import message_hash
from otel_sqlite_exporter.scanning.base64_media import may_name_base64
from otel_sqlite_exporter.scanning.notes import SIGN, missing_bytes
from otel_sqlite_exporter.scanning.patterns import BARE_BASE64_CHARACTERS
from otel_sqlite_exporter.texts.cleaning import (
    Cleaner,
    describe,
    encode_json,
    encode_text,
    encoded,
    omitted_parts,
    prepare,
    unused,
)
from otel_sqlite_exporter.texts.cutting import content_bytes, cut, cut_with_mark, json_bytes, marked
from otel_sqlite_exporter.texts.fitting import fit
from otel_sqlite_exporter.texts.known_words import WORDS, is_known_key
from otel_sqlite_exporter.texts.measuring import (
    LONGEST_NAME,
    MAX_INTEGER,
    UTF8_WORST_CASE,
    bytes_of_plain,
    text_bytes,
)
from otel_sqlite_exporter.texts.privacy import is_identifier, metadata_only
from otel_sqlite_exporter.texts.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_sqlite_exporter.config import Redact
    from otel_sqlite_exporter.conventions.call import JSONValue, Part
    from otel_sqlite_exporter.database.rows import MessageRow

_NAMES_KEY: Final = "attributes"
_MAX_KNOWN_CHARACTERS: Final = 2 << 20
_MAX_KNOWN_KEYS: Final = 4096
_LONGEST_KNOWN_TEXT: Final = 4096
_SHORT_WORD: Final = 24
_LONGEST_ESCAPE: Final = 6  # \\u001f
_LONGEST_KNOWN_FIELD: Final = 512
_LEAST_INTEGER: Final = -MAX_INTEGER - 1
_NO_FIELD: Final = (object, None, "")


class _PlainTexts:
    """Stands for the type of a tuple of plain texts among the known fields."""


class TextPolicy:
    """Turn texts, messages and attributes into what may be stored.

    Args:
        max_text_bytes: UTF-8 bytes kept of one message, or of one attribute's texts.
        redact: Called with (key, text) for every text; None stores texts as they are.
        capture_content: False keeps only what :mod:`otel_sqlite_exporter.texts.privacy` lets through.
    """

    def __init__(self, max_text_bytes: int, redact: Redact | None, *, capture_content: bool = True) -> None:
        self._limit = max_text_bytes
        self._redact = None if redact is None else Redactor(redact)
        self._captures = capture_content
        is_plain = redact is None and capture_content
        self._longest_plain = min(max_text_bytes, BARE_BASE64_CHARACTERS - 1) if is_plain else -1
        """Of names, and of messages without a semicolon, in ASCII: up to here nothing is to be done to them."""
        self._longest_plain_text = min(max_text_bytes // _LONGEST_ESCAPE, BARE_BASE64_CHARACTERS - 1)
        self._plain_keys: dict[str, str] = {}
        """Names of attributes that are stored as they are, and their JSON with the colon behind it."""
        self._known_fields: dict[str, tuple[type, object, str]] = {}
        """By name of an attribute: the type of its last value, the value, and the JSON of both."""
        self._known_rows: dict[tuple[str | None, str, bool], MessageRow] = {}
        """By role, text or JSON of the parts, and which of the two it is."""
        self._known_characters = 0

    @property
    def redact_failures(self) -> int:
        """How many texts were withheld because ``redact`` raised or returned no text."""
        return 0 if self._redact is None else self._redact.failures

    def message(self, key: str, message: Message) -> MessageRow:
        """Return the row of a message.

        Args:
            key: What a redactor is told: ``gen_ai.input.messages`` and its siblings.
            message: The message as a convention read it.
        """
        parts = message.parts
        role = message.role
        if role is not None and role not in WORDS:
            role = self.name(key, role)
        if len(parts) == 1:
            part = parts[0]
            content = part.get("content")
            if len(part) == 2 and part.get("type") == "text" and type(content) is str:  # noqa: PLR2004 - type, content
                return self._text_message(key, role, content)
        if role == "user" and all(part.get("type") == "tool_call_response" for part in parts):
            role = "tool"  # some APIs send a tool's answer in the user's name; the GenAI conventions call that a tool's
        # Copying an agent's parts value by value took half the time of storing its turn (python -m benchmarks cpu).
        document = encoded(parts) if self._redact is None else None
        row = self._known_rows.get((role, document, True)) if document is not None else None
        if row is not None:
            return row
        size = bytes_of_plain(parts, document, self._limit) if document is not None else None
        if document is None or size is None:
            return self._cleaned_message(key, role, parts)
        row = (
            message_hash(role, document.encode(), is_parts=True),
            role,
            plain_text(Message(role, parts)),
            document,
            size,
            size,
        )
        self._remember((role, document, True), row)
        return row

    def _cleaned_message(self, key: str, role: str | None, parts: Sequence[Part]) -> MessageRow:
        cleaner = Cleaner(key, self._redact)
        cleaned = cleaner.parts(parts)
        document = encode_json(cleaned)
        digest = message_hash(role, document.encode(), is_parts=True)
        fitted, lost = fit(cleaned, self._limit)
        kept = fitted if isinstance(fitted, list) else []
        if lost:
            if len(kept) < len(cleaned):
                kept.append(omitted_parts(len(parts) - len(kept)))
            document = encode_json(kept)
        kept_bytes = text_bytes(kept)
        text = plain_text(Message(role, [part for part in kept if isinstance(part, dict)]))
        text, _ = cut_with_mark(text, self._limit)
        return digest, role, text, document, kept_bytes + lost + cleaner.missing, kept_bytes

    def _text_message(self, key: str, role: str | None, content: str) -> MessageRow:
        """Return the row of a plain text; the texts that a chat sends again with every turn are remembered."""
        if len(content) > _LONGEST_KNOWN_TEXT or self._redact is not None:
            return self._text_row(key, role, content)
        known = (role, content, False)
        row = self._known_rows.get(known)
        if row is None:
            row = self._text_row(key, role, content)
            self._remember(known, row)
        return row

    def _text_row(self, key: str, role: str | None, content: str) -> MessageRow:
        if (
            0 < len(content) <= self._longest_plain and content.isascii() and ";" not in content and "\0" not in content
        ):  # as in most turns of a chat: what follows would find nothing to do
            data = content.encode()
            size = len(data)
            return message_hash(role, data, is_parts=False), role, content, None, size, size
        content = prepare(content, key, self._redact)
        text = marked(content)
        data = text.encode()
        full_bytes = kept_bytes = len(data)
        digest = message_hash(role, data, is_parts=False)
        # SQLite's JSON functions end at a NUL, so no view can compute the parts of such a text; nor of NULL, which an
        # empty text is stored as.
        parts = None
        if not content or "\0" in content:
            parts = encode_json([{"type": "text", "content": cut(content, self._limit, json_bytes)}])
        if len(data) > self._limit or text is not content:
            full_bytes = content_bytes(content) + missing_bytes(content)
            text, kept_bytes = cut_with_mark(content, self._limit)
        return digest, role, text, parts, full_bytes, kept_bytes

    def _remember(self, key: tuple[str | None, str, bool], row: MessageRow) -> None:
        self._known_characters += len(key[1])
        if self._known_characters > _MAX_KNOWN_CHARACTERS:
            self._known_rows.clear()
            self._known_characters = len(key[1])
        self._known_rows[key] = row

    def text(self, key: str, text: str) -> tuple[str, int]:
        """Return a text ready to store and the number of bytes that were cut from it."""
        prepared = prepare(text, key, self._redact)
        if len(prepared) * UTF8_WORST_CASE <= self._limit and SIGN not in prepared:
            return prepared, 0
        kept, kept_bytes = cut_with_mark(prepared, self._limit)
        return kept, content_bytes(prepared) + missing_bytes(prepared) - kept_bytes

    def name(self, key: str, text: str | None) -> str | None:
        """Return a text of a column that holds a name or an id; None where it may be content and none is captured.

        Args:
            key: What a redactor is told. It does not see the conventions' own words.
            text: What the emitter wrote.
        """
        if text is None or (len(text) <= self._longest_plain and text.isascii()):
            return text
        if not self._captures and not is_identifier(text):
            return None
        if self._redact is None or text not in WORDS:
            text = prepare(text, key, self._redact)
        return cut_with_mark(text, self._limit)[0]

    def fitted(self, names: list[JSONValue]) -> JSONValue:
        """Return a list of names of which no more is left than may be stored of one attribute."""
        return fit(names, self._limit)[0]

    def document(self, attributes: Mapping[str, object], scope_name: str = "") -> tuple[str, int]:
        """Return attributes as a JSON object and the number of bytes that were cut from them.

        Args:
            attributes: As for :meth:`clean`.
            scope_name: As for :meth:`clean`.
        """
        if not self._captures:
            attributes = metadata_only(attributes, scope_name)
        try:
            return self._known_document(attributes)
        except KeyError:
            if self._can_keep(attributes):
                return self._known_document(attributes)
            cleaned, lost = self._clean_each(attributes)
            return encode_json(cleaned), lost

    def _known_document(self, attributes: Mapping[str, object]) -> tuple[str, int]:
        """Return what :meth:`document` does.

        Raises:
            KeyError: It is not known of one of the names that it can be stored as it is.
        """
        lost = 0
        fields: list[str] = []
        names, known = self._plain_keys, self._known_fields
        for key, value in attributes.items():
            kind = type(value)
            if kind is int and _LEAST_INTEGER < value <= MAX_INTEGER:  # type: ignore[operator]
                fields.append(f"{names[key]}{value}")
                continue
            said, last, field = known.get(key, _NO_FIELD)
            if said is not kind or last != value:  # else it is what the span before said, as it is for most
                field, missing = self._field(key, value)
                lost += missing
            fields.append(field)
        return f"{{{','.join(fields)}}}", lost

    def _field(self, key: str, value: object) -> tuple[str, int]:
        """Return the JSON of one attribute with its name, and the number of bytes that were cut from it."""
        head = self._plain_keys[key]
        if not self._is_plain(value):
            kept, lost = self.value(key, value)
            return f"{head}{encode_json(kept)}", lost
        kind = type(value)
        if kind is tuple:  # its items are plain texts; what is equal to them before that is known may be anything
            said, last, field = self._known_fields.get(key, _NO_FIELD)
            if said is _PlainTexts and last == value:
                return field, 0
            kind = _PlainTexts
        field = f"{head}{encode_text(value) if isinstance(value, str) else encode_json(value)}"
        if len(field) <= _LONGEST_KNOWN_FIELD and value != 0.0:  # which is equal to -0.0
            self._known_fields[key] = (kind, value, field)
        return field, 0

    def clean(self, attributes: Mapping[str, object], scope_name: str = "") -> tuple[dict[str, object], int]:
        """Return attributes as JSON can hold them and the number of bytes that were cut from them.

        Args:
            attributes: Of a span, an event, a link, a resource or a scope.
            scope_name: The span's instrumentation scope, which may give a key its meaning.
        """
        if not self._captures:
            attributes = metadata_only(attributes, scope_name)
        if not self._can_keep(attributes):
            return self._clean_each(attributes)
        lost = 0
        result: dict[str, object] = {}
        for key, value in attributes.items():
            if self._is_plain(value):
                result[key] = value
            else:
                result[key], missing = self.value(key, value)
                lost += missing
        return result, lost

    def _is_plain(self, value: object) -> bool:
        """Tell whether a value can be stored as it is: nearly all can, and only the others are worth a cleaner.

        By exact types: a subclass may behave as it likes.
        """
        kind = type(value)
        if kind is str:
            is_short = len(value) <= self._longest_plain_text  # type: ignore[arg-type]
            return is_short and not may_name_base64(value)  # type: ignore[arg-type]
        if kind is int:
            return _LEAST_INTEGER < value <= MAX_INTEGER  # type: ignore[operator]
        if kind is float:
            return math.isfinite(value)  # type: ignore[arg-type]
        if kind is tuple:  # the SDK's own form of a list; the usual one holds a few words
            return len(value) * _SHORT_WORD <= self._longest_plain_text and _are_short(value)  # type: ignore[arg-type]
        return kind is bool or value is None

    def _can_keep(self, attributes: Mapping[str, object]) -> bool:
        """Tell whether the names of attributes can be stored as they are; remember them if so."""
        names = self._plain_keys
        if names.keys() >= attributes.keys():  # one operation in C for all of them, as there are few different ones
            return True
        if self._redact is not None:
            return False
        if not all(type(key) is str and len(key) <= LONGEST_NAME for key in attributes):
            return False
        if len(names) + len(attributes) > _MAX_KNOWN_KEYS:
            names.clear()
            self._known_fields.clear()
        names.update((key, f"{encode_json(key)}:") for key in attributes)
        return True

    def _clean_each(self, attributes: Mapping[str, object]) -> tuple[dict[str, object], int]:
        lost = 0
        result: dict[str, object] = {}
        for name, value in attributes.items():
            key = describe(name)  # a hand-made span may have any
            kept = key
            if self._redact is None or not is_known_key(key):
                kept = marked(cut(prepare(key, _NAMES_KEY, self._redact), LONGEST_NAME, json_bytes))
            kept = unused(kept, result)
            result[kept], missing = self.value(key, value)
            lost += missing
        return result, lost

    def value(self, key: str, value: object) -> tuple[JSONValue, int]:
        """Return any value as JSON can hold it and the number of bytes that were cut from it."""
        cleaner = Cleaner(key, self._redact)
        fitted, lost = fit(cleaner.guarded(value), self._limit)
        return fitted, lost + cleaner.missing


def _are_short(words: Sequence[object]) -> bool:
    for word in words:  # noqa: SIM110 - a generator is a call for each, and most are one word
        if type(word) is not str or len(word) >= _SHORT_WORD:
            return False
    return True
