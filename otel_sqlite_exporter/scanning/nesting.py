"""How deep JSON nests, before a decoder that recurses sees it.

``json`` recurses in C for each level, and a thread's stack may be as small as 32 KiB: what is too deep for it ends the
process, not the decoding.
"""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.scanning.patterns import JSON_MARK

_BETWEEN: Final = str.maketrans("", "", " \t\r\n,:0123456789.+-eEtrufalsn")
"""What JSON has between its strings and brackets."""

_STEPS: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


def nests_deeper(text: str, limit: int) -> bool:
    """Tell whether a text that may be JSON opens more than ``limit`` brackets within each other, outside of strings."""
    return _has_more_brackets(text, limit) and not _is_shallow(text, limit) and _opens_more(text, limit)


def _has_more_brackets(text: str, limit: int) -> bool:
    """Tell whether a text has more than ``limit`` opening brackets: finding the few takes less than counting."""
    left = limit
    for bracket in "[{":
        position = text.find(bracket)
        while position >= 0:
            if not left:
                return True
            left -= 1
            position = text.find(bracket, position + 1)
    return False


def _is_shallow(text: str, limit: int) -> bool:
    """Tell, in a few operations in C, that JSON nests no deeper; False where that takes a look at each bracket.

    Its brackets alone are left, and empty pairs are taken out until nothing remains. Each time takes out one level or
    two. As far as a decoder comes in a text, that far strings and escapes stand where JSON has them.
    """
    if "\\" in text:
        text = text.replace("\\\\", "").replace('\\"', "")
    left = "".join(text.split('"')[::2]).translate(_BETWEEN)
    for _ in range(limit // 2):
        if not left:
            return True
        left = left.replace("[]", "").replace("{}", "")
    return not left


def _opens_more(text: str, limit: int) -> bool:
    depth = 0
    is_inside_string = False
    for match in JSON_MARK.finditer(text):
        mark = match[0]
        if mark == '"':
            is_inside_string = not is_inside_string
        elif not is_inside_string:
            depth += _STEPS.get(mark, 0)
            if depth > limit:
                return True
    return False
