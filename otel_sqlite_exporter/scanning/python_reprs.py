"""Read Python reprs back: emitters call ``str()`` where they could not make JSON.

Literals are read as what they are, dataclasses and models (``ChatMessage(role=<Role.USER: 'user'>, ...)``) as objects
of their fields, an enum's member as its value, any other object as None. One pass over the text with a stack of its
own: nothing recurses, nothing is tried twice, nothing is evaluated. ``ast`` recurses in C, and where the stacks of
threads are small a prompt could end the process.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from otel_sqlite_exporter.scanning.patterns import ANGLED_NAME, REPR_ESCAPE, REPR_SPACE, REPR_TOKEN

if TYPE_CHECKING:
    import re

MAX_TEXT: Final = 64_000
"""Longest text, in characters, that is tried."""

MAX_DEPTH: Final = 64
"""Deepest nesting that is read."""

NO_REPR: Final = object()
"""What :func:`parse_repr` answers for a text that is no repr."""

_CLOSING: Final = {"[": "]", "(": ")", "{": "}"}
_CONSTANTS: Final[dict[str, object]] = {"None": None, "True": True, "False": False}
_NO_NAMES: Final = frozenset({"not", "lambda", "if", "else", "for", "in", "is", "and", "or", "await", "yield"})
_MISSING: Final = object()

# Looked up now: after setuid or chroot no more modules can be loaded, and most codecs are modules.
_without_escapes = codecs.getdecoder("unicode_escape")


class _NotAReprError(ValueError):
    """The text is something else."""


def parse_repr(text: str) -> Any:  # noqa: ANN401 - whatever the repr shows
    """Return the plain value that a repr of a container shows, or :data:`NO_REPR`.

    Args:
        text: Any text; only what ends like a dict, a list or a tuple, and has a single quote in it, is tried.
    """
    if len(text) > MAX_TEXT or "'" not in text or text[-1:] not in ("}", "]", ")"):
        return NO_REPR
    try:
        return _Reader(text).read()
    except ValueError:
        return NO_REPR


@dataclass(slots=True)
class _Open:
    """A container whose end has not come yet."""

    bracket: str
    is_call: bool = False
    items: list[Any] = field(default_factory=list)
    entries: dict[str, Any] = field(default_factory=dict)
    has_comma: bool = False
    key: Any = _MISSING
    """The key or the field's name whose value comes next."""
    last: Any = _MISSING
    """The value before the next comma, which a colon makes a key."""
    more: list[str] = field(default_factory=list)
    """Strings right after it, as ``pprint`` breaks long ones."""
    is_text: bool = False
    is_name: bool = False


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._stack = [_Open("")]

    def read(self) -> Any:  # noqa: ANN401 - as above
        text, end = self._text, len(self._text)
        while True:
            space = REPR_SPACE.match(text, self._position)
            self._position = space.end() if space is not None else self._position
            if self._position == end:
                break
            character = text[self._position]
            if character in "'\"":
                self._string("")
            elif character == "<":
                self._angled()
            else:
                self._token()
        if len(self._stack) != 1 or self._stack[0].last is _MISSING:
            raise _NotAReprError
        return _taken(self._stack[0])

    def _token(self) -> None:
        match = REPR_TOKEN.match(self._text, self._position)
        if match is None:
            raise _NotAReprError
        self._position = match.end()
        if match[1] is not None:
            self._mark(match[1])
        elif match[2] is not None:
            self._value(_number(match))
        else:
            self._name(match[3])

    def _mark(self, mark: str) -> None:
        top = self._stack[-1]
        if mark in _CLOSING:
            if top.last is not _MISSING:
                # A name before a bracket is what is called.
                if mark != "(" or not top.is_name:
                    raise _NotAReprError
                top.last = _MISSING
                self._open(_Open(mark, is_call=True))
            else:
                self._open(_Open(mark))
        elif mark == ":":
            if top.bracket != "{" or top.items:
                raise _NotAReprError
            self._keep_key(top)
        elif mark == "=":
            if not top.is_call or not top.is_name:
                raise _NotAReprError
            self._keep_key(top)
        elif mark == ",":
            if top.last is _MISSING or not top.bracket:
                raise _NotAReprError
            top.has_comma = True
            _settle(top)
        else:
            self._close(mark)

    def _open(self, container: _Open) -> None:
        if len(self._stack) > MAX_DEPTH:
            raise _NotAReprError
        self._stack.append(container)

    @staticmethod
    def _keep_key(top: _Open) -> None:
        if top.last is _MISSING or top.key is not _MISSING:
            raise _NotAReprError
        top.key = _taken(top)

    def _close(self, mark: str) -> None:
        top = self._stack[-1]
        if _CLOSING.get(top.bracket) != mark or (top.last is _MISSING and top.key is not _MISSING):
            raise _NotAReprError
        if top.last is not _MISSING:
            _settle(top)
        self._stack.pop()
        self._value(_container(top))

    def _value(self, value: Any, *, is_text: bool = False, is_name: bool = False) -> None:  # noqa: ANN401 - as above
        top = self._stack[-1]
        if top.last is not _MISSING:
            if not (is_text and top.is_text):
                raise _NotAReprError
            top.more.append(value)
        else:
            top.last, top.is_text, top.is_name = value, is_text, is_name

    def _name(self, name: str) -> None:
        after = self._text[self._position : self._position + 1]
        if after in ("'", '"') and after:
            if name.lower() == "b":
                start = self._position - len(name)
                self._position = _end_of_string(self._text, self._position)
                self._value(self._text[start : self._position])
                return
            if name.lower() not in {"r", "u"}:
                raise _NotAReprError
            self._string(name)
        elif name in _NO_NAMES:
            raise _NotAReprError
        else:
            self._value(_CONSTANTS.get(name, name), is_name=name not in _CONSTANTS and not name.startswith("-"))

    def _string(self, prefix: str) -> None:
        start = self._position
        self._position = _end_of_string(self._text, start)
        body = self._text[start + 1 : self._position - 1]
        self._value(body if prefix.lower() == "r" else _unescaped(body), is_text=True)

    def _angled(self) -> None:
        """Read ``<Role.USER: 'user'>`` as its value, and any other object as None."""
        text = self._text
        head = ANGLED_NAME.match(text, self._position)
        if head is None:
            raise _NotAReprError
        position = head.end()
        if text[position : position + 2] == ": ":
            position += 2
            if text[position : position + 1] in ("'", '"'):
                end = _end_of_string(text, position)
                shown: Any = _unescaped(text[position + 1 : end - 1])
            else:
                match = REPR_TOKEN.match(text, position)
                if match is None or match[2] is None:
                    raise _NotAReprError
                end, shown = match.end(), _number(match)
            if text[end : end + 1] == ">":
                self._position = end + 1
                self._value(shown)
                return
        depth = 0
        while True:
            closing = text.find(">", position)
            if closing < 0:
                raise _NotAReprError
            depth += text.count("<", position, closing)
            position = closing + 1
            if depth == 0:
                break
            depth -= 1
        self._position = position
        self._value(None)


def _settle(top: _Open) -> None:
    """Put the value that is complete where it belongs."""
    value = _taken(top)
    if top.key is not _MISSING:
        top.entries[str(top.key)] = value
        top.key = _MISSING
    elif top.entries and top.bracket == "{":
        raise _NotAReprError
    else:
        top.items.append(value)


def _taken(top: _Open) -> Any:  # noqa: ANN401 - as above
    """Take the value that is complete."""
    value, top.last = top.last, _MISSING
    if top.more:
        value = "".join([value, *top.more])
        top.more = []
    top.is_text = top.is_name = False
    return value


def _container(top: _Open) -> Any:  # noqa: ANN401 - as above
    if top.is_call:
        if top.entries or not top.items:
            return top.entries
        return top.items[0] if len(top.items) == 1 else top.items
    if top.bracket == "{":
        return top.items or top.entries
    if top.bracket == "(" and len(top.items) == 1 and not top.has_comma:
        return top.items[0]
    return top.items


def _unescaped(body: str) -> str:
    if "\n" in body or "\\" in REPR_ESCAPE.sub("", body):  # a repr writes a line break as an escape, and no other ones
        raise _NotAReprError
    return _without_escapes(body.encode("latin-1", "backslashreplace"))[0] if "\\" in body else body


def _number(match: re.Match[str]) -> Any:  # noqa: ANN401 - as above
    word = match[2]
    if word.endswith("j"):
        return word
    return float(word) if "." in word or "e" in word.lower() else int(word)


def _end_of_string(text: str, start: int) -> int:
    """Return where a quoted text that begins at ``start`` is over.

    Each escaped quote is looked at once, and the backslashes before it once.
    """
    quote = text[start]
    position = start + 1
    while True:
        end = text.find(quote, position)
        if end < 0:
            raise _NotAReprError
        first = end
        while first > position and text[first - 1] == "\\":
            first -= 1
        if (end - first) % 2 == 0:
            return end + 1
        position = end + 1
