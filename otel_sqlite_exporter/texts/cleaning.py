"""Copy values as JSON, UTF-8 and SQLite can hold them: media replaced, texts cut, nothing that raises."""

from __future__ import annotations

import base64
import codecs
import contextlib
import json
import math
from collections.abc import Container, Iterator, Mapping, Sequence
from json import encoder
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.scanning.base64_media import (
    decoded,
    is_base64,
    is_placeholder,
    placeholder,
    replace_media,
    size_and_hash,
)
from otel_sqlite_exporter.scanning.notes import SIGN, missing_bytes, note_of, split_notes
from otel_sqlite_exporter.scanning.patterns import BARE_BASE64_CHARACTERS
from otel_sqlite_exporter.texts.cutting import marked
from otel_sqlite_exporter.texts.known_words import FIELDS, WORDS
from otel_sqlite_exporter.texts.measuring import (
    MAX_DEPTH,
    MAX_INTEGER,
    MAX_NODES,
    MEDIA_MARKS,
    MEDIA_TYPES,
    text_bytes,
    texts_of,
)

if TYPE_CHECKING:
    from otel_sqlite_exporter.config import Redact
    from otel_sqlite_exporter.conventions.call import JSONValue, Part


_UTF_16: Final = codecs.lookup("utf-16-le")  # now: after setuid or chroot no module can be loaded
_SURROGATE_SLICE: Final = 1 << 12
_SHORTEST_MEDIA: Final = 24
_MEDIA_FIELDS: Final = frozenset({"data", "content", "bytes", "b64_json", "base64"})

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


def encode_text(text: str) -> str:
    """Return a text as JSON that UTF-8 can encode, as :func:`encode_json` does in four times as long."""
    return encoder.encode_basestring(text) if text.isascii() else encode_json(text)


def encode_json(value: object) -> str:
    """Return a cleaned value as compact JSON that UTF-8 can encode, with a mark where bytes are missing."""
    return marked(clean_text(_encode_json(value) if _encoder is None else "".join(_encoder(value, 0))))


def encoded(parts: Sequence[Part]) -> str | None:
    """Return the JSON of parts, None where they hold what JSON or UTF-8 can't."""
    try:
        document = _encode_json(parts) if _encoder is None else "".join(_encoder(parts, 0))
        if not document.isascii():
            document.encode()
    except (TypeError, ValueError, RecursionError):
        return None
    return document


class Cleaner:
    """Copy one value as JSON can hold it, every text redacted.

    A value deeper than 64 levels or wider than 20,000 nodes is cut there: it would otherwise exhaust the stack or
    the writer's time.
    """

    def __init__(self, key: str, redact: Redact | None) -> None:
        self._key = key
        self._redact = redact
        self._nodes = MAX_NODES
        self.missing = 0
        """Bytes of texts that were left out before they came here (``scanning.long_strings``), or are left out here."""

    def parts(self, parts: Sequence[Part]) -> list[JSONValue]:
        """Return the copies of a message's parts; how many are left out stands in one more, and their texts count."""
        cleaned: list[JSONValue] = []
        for part in parts:
            if self._nodes <= 1:
                break
            copy = self.guarded(part)
            cleaned.append(copy if isinstance(copy, dict) else omitted_parts(1))
        left_out = parts[len(cleaned) :]
        if left_out:
            self.missing += text_bytes(left_out) + sum(map(missing_bytes, texts_of(left_out)))
            cleaned.append(omitted_parts(len(left_out)))
        return cleaned

    def guarded(self, value: object) -> JSONValue:
        """Return the copy of a value whose own methods may raise."""
        try:
            return self.value(value)
        except Exception:  # noqa: BLE001 - a foreign object's code
            return f"<{type(value).__name__}>"

    def value(self, value: object, depth: int = 0) -> JSONValue:  # noqa: C901, PLR0911 - one line for each kind of value
        """Return the copy of a value."""
        self._nodes -= 1
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int(value) if -MAX_INTEGER - 1 <= value <= MAX_INTEGER else _big_integer(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else str(float(value))
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._bytes(bytes(value))
        if depth >= MAX_DEPTH or self._nodes <= 0:
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
        kind = value.get("type")
        if kind == "blob" and _is_media(value.get("content")):
            return self._blob(value)
        is_medium = isinstance(kind, str) and kind in MEDIA_TYPES  # JSON Schema has lists there: ["string", "null"]
        holds_media = is_medium or not MEDIA_MARKS.isdisjoint(value)
        for key, item in value.items():
            if self._nodes <= 0:
                break
            name = self._name(key)
            if name in result:  # what a redactor makes of several
                name = unused(name, result)
            if name == "type" and type(item) is str and (item in WORDS or (self._redact is None and item.isascii())):
                # A part's type is vocabulary, not content: redacting it would make the part unreadable.
                result[name] = item
            elif (
                holds_media
                and name in _MEDIA_FIELDS
                and isinstance(item, str)
                and len(item) >= _SHORTEST_MEDIA
                and is_base64(item, is_certain=is_medium)
            ):
                result[name] = placeholder(None, decoded(item))
            else:
                result[name] = self.value(item, depth + 1)
        return result

    def _name(self, key: object) -> str:
        name = key if isinstance(key, str) else describe(key)
        if name in FIELDS:
            return name
        if len(name) >= BARE_BASE64_CHARACTERS or ";base64," in name:
            name = replace_media(name)
        return clean_text(name if self._redact is None else self._redact(self._key, name))

    def _blob(self, part: Mapping[object, object]) -> dict[str, JSONValue]:
        """Return a GenAI ``blob`` part whose content is replaced by its size and SHA-256."""
        content = part["content"]
        size, digest = size_and_hash(content if isinstance(content, (str, bytes)) else "")
        kept = {name: self._text(str(part[name])) for name in ("modality", "mime_type") if part.get(name) is not None}
        return {"type": "blob", **kept, "byte_count": size, "sha256": digest}

    def _bytes(self, data: bytes) -> JSONValue:
        if len(data) >= BARE_BASE64_CHARACTERS:
            return placeholder(None, data)
        if self._redact is not None:
            with contextlib.suppress(UnicodeDecodeError):  # no text, which base64 would hide from it
                text = data.decode()
                shown = self._text(text)
                if shown != text:
                    return shown
        return base64.b64encode(data).decode()

    def _text(self, text: str) -> str:
        self.missing += missing_bytes(text)
        return prepare(text, self._key, self._redact)


def _is_media(content: object) -> bool:
    """Tell whether the content of a ``blob`` is one: some emitters put a document's plain text there."""
    if not isinstance(content, str):
        return isinstance(content, bytes)
    return is_base64(content) or is_placeholder(content)


def omitted_parts(count: int) -> dict[str, JSONValue]:
    """Return the part that says how many parts are left out."""
    return {"type": "omitted", "count": count}


def unused(name: str, taken: Container[str]) -> str:
    """Return a name for a second value of a name that is taken."""
    number = 2
    candidate = name
    while candidate in taken:
        candidate = f"{name} ({number})"
        number *= 2  # the fewest tries, however many there are
    return candidate


def prepare(text: str, key: str, redact: Redact | None) -> str:
    """Return a text without media, redacted, valid as UTF-8, uncut; where it was cut before, each piece by itself."""
    if SIGN in text:
        pieces = split_notes(text)
        if len(pieces) > 1:
            pieces[::2] = [prepare(piece, key, redact) for piece in pieces[::2]]
            pieces[1::2] = [note_of(int(missing)) for missing in pieces[1::2]]
            return "".join(pieces)
    text = replace_media(text)
    return clean_text(text if redact is None else redact(key, text))


def clean_text(text: str) -> str:
    """Return a text that UTF-8 can encode: surrogate pairs joined, lone surrogates replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join([_joined(text[start:end]) for start, end in _slices(text)])
    return text


def _joined(text: str) -> str:
    data, _ = _UTF_16.encode(text, "surrogatepass")
    return _UTF_16.decode(data, "replace")[0]


def _slices(text: str) -> Iterator[tuple[int, int]]:
    """Give the bounds of pieces of a text, none of which ends within a surrogate pair.

    The codec's error handler is slow and holds the GIL: between two pieces other threads can run.
    """
    start = 0
    while start < len(text):
        end = start + _SURROGATE_SLICE
        end += "\ud800" <= text[end - 1 : end] <= "\udbff"
        yield start, end
        start = end


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
