"""How deep JSON nests, before a decoder that recurses sees it.

``json`` recurses in C for each level, and a thread's stack may be as small as 32 KiB: what is too deep for it ends the
process, not the decoding.
"""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.scanning.patterns import JSON_MARK

_STEPS: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


def nests_deeper(text: str, limit: int) -> bool:
    """Tell whether a text that may be JSON opens more than ``limit`` brackets within each other, outside of strings."""
    if text.count("[") + text.count("{") <= limit:
        return False
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
