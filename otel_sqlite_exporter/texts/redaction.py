r"""Show every text to the application's ``redact``, as people would read it.

A text that is JSON hides what it says: ``\u00fc`` is a letter that no redactor looks for, and a text within it may be
JSON again. Such a text is decoded, each of its strings and names is shown by itself, and it is encoded anew.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.scanning.nesting import nests_deeper

if TYPE_CHECKING:
    from otel_sqlite_exporter.config import Redact

REDACT_FAILED: Final = "[dropped: redact failed]"
"""What is stored in place of a text whose redactor raised or returned no text."""

_DEEPEST: Final = 64
_LAYERS: Final = 8


class Redactor:
    """A ``redact`` that counts how often it failed, and never raises.

    Args:
        redact: The application's callable.
    """

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._failures = itertools.count()
        self.failures = 0
        """Texts that were withheld because it raised or returned no text."""

    def __call__(self, key: str, text: str) -> str:
        """Return what is to be stored of a text."""
        return self._shown(key, text, _LAYERS)

    def _shown(self, key: str, text: str, layers: int) -> str:
        if layers and "\\" in text:
            decoded = _decoded(text)
            if decoded is not None:
                shown = self._inside(key, decoded, layers - 1)
                return text if shown == decoded else json.dumps(shown, ensure_ascii=False)
        return self._apply(key, text)

    def _inside(self, key: str, value: object, layers: int) -> object:
        if isinstance(value, str):
            return self._shown(key, value, layers)
        if isinstance(value, dict):
            return {self._shown(key, name, 0): self._inside(key, item, layers) for name, item in value.items()}
        return [self._inside(key, item, layers) for item in value] if isinstance(value, list) else value

    def _apply(self, key: str, text: str) -> str:
        try:
            redacted = self._redact(key, text)
        except BaseException:  # noqa: BLE001 - the user's code, which must stop neither a batch nor its thread
            redacted = None
        if isinstance(redacted, str):
            return redacted
        self.failures = next(self._failures) + 1
        return REDACT_FAILED


def _decoded(text: str) -> object | None:
    """Return what a text with escapes stands for as JSON; None where it is no string, array or object."""
    if text[:1] not in ('"', "[", "{", " ", "\n") or nests_deeper(text, _DEEPEST):
        return None
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (str, list, dict)) else None
