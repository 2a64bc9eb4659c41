"""Read Python reprs back: emitters call ``str()`` where they could not make JSON.

Literals are read as what they are, dataclasses and models (``ChatMessage(role=<Role.USER: 'user'>, ...)``) as
objects of their fields. Nothing is ever evaluated.
"""

from __future__ import annotations

import ast
import re
from typing import Any, Final

MAX_TEXT: Final = 64_000
"""Longest text that is tried."""

MAX_MARKS: Final = 8_000
"""Most quotes, commas, brackets and signs in it: Python's own parser takes its time for each token."""

NO_REPR: Final = object()
"""What :func:`parse_repr` answers for a text that is no repr."""

# Python's compiler warns about an escape it does not know, on stderr; a repr never contains one.
_FOREIGN_ESCAPE = re.compile(r"""\\[^\n\\'"abfnrtv0-7xuUN]""")
_MARKS: Final = "'\",([{+-*/"
_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
# An enum's member shows its value, any other object nothing worth reading. Quoted text is stepped over.
_ANGLED = re.compile(rf"({_QUOTED})|<[\w.]+: ({_QUOTED}|-?\d+)>|<[\w.]+(?: [^<>]*(?:<[^<>]*>[^<>]*)*)?>")


def parse_repr(text: str) -> Any:  # noqa: ANN401 - whatever the repr shows
    """Return the plain value that a repr of a container shows, or :data:`NO_REPR`.

    Args:
        text: Any text; only what begins and ends like a dict, a list or a tuple is tried.
    """
    if len(text) > MAX_TEXT or "'" not in text or text[-1:] not in ("}", "]", ")"):
        return NO_REPR
    if sum(map(text.count, _MARKS)) > MAX_MARKS or _FOREIGN_ESCAPE.search(text):
        return NO_REPR
    if "<" in text:
        text = _ANGLED.sub(_shown, text)
    try:
        return _value(ast.parse(text, mode="eval").body)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return NO_REPR


def _shown(match: re.Match[str]) -> str:
    return match.group(1) or match.group(2) or "None"


def _value(node: ast.expr) -> Any:  # noqa: ANN401 - whatever the repr shows
    reader = _READERS.get(type(node))
    if reader is None:
        raise ValueError(f"no repr shows {type(node).__name__}")
    return reader(node)


def _constant(node: Any) -> Any:  # noqa: ANN401 - called for its own node type only
    if isinstance(node.value, (str, int, float, bool, type(None))):
        return node.value
    return str(node.value)


def _items(node: Any) -> list[Any]:  # noqa: ANN401 - as above
    return [_value(item) for item in node.elts]


def _dict(node: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    return {str(_value(key)): _value(value) for key, value in zip(node.keys, node.values, strict=True)}


def _call(node: Any) -> Any:  # noqa: ANN401 - as above
    fields = {keyword.arg: _value(keyword.value) for keyword in node.keywords if keyword.arg is not None}
    if fields or not node.args:
        return fields
    return _value(node.args[0]) if len(node.args) == 1 else [_value(item) for item in node.args]


def _negative(node: Any) -> Any:  # noqa: ANN401 - as above
    operand = _value(node.operand)
    if not isinstance(node.op, ast.USub) or not isinstance(operand, (int, float)):
        raise ValueError("no repr shows an operation")  # noqa: TRY004 - about the text, as all of them
    return -operand


def _name(node: Any) -> str:  # noqa: ANN401 - as above
    return str(node.id)


_READERS: Final = {
    ast.Constant: _constant,
    ast.List: _items,
    ast.Tuple: _items,
    ast.Set: _items,
    ast.Dict: _dict,
    ast.Call: _call,
    ast.UnaryOp: _negative,
    ast.Name: _name,
}
