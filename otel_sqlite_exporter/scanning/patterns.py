"""Every pattern that foreign text meets, and why the time it takes grows no faster than the text.

Python's ``re`` backtracks and holds the GIL meanwhile, so a pattern that tries the same characters twice can stop an
application for minutes. The rules here: a repetition is of single characters that what follows it can't begin with (so
there is nothing to give back), a repeated group begins with a character that ends the one before, and a search begins
where no earlier attempt of the same search has read on. ``tests/scanning/test_linear.py`` checks them on the parsed
patterns. Long texts are read in slices of :data:`SLICE`, between which other threads run.

No other module of this package compiles a pattern, and none hands foreign text to a parser that recurses.
"""

from __future__ import annotations

import re
from typing import Final

SLICE: Final = 1 << 16
"""How many characters one call into ``re`` reads of a long text: less than a millisecond."""

BARE_BASE64_CHARACTERS: Final = 1024
"""So many base64 characters in a row are taken for media, without a ``data:`` prefix as well."""

BLOCK_CHARACTERS: Final = BARE_BASE64_CHARACTERS // 2
"""A row of base64 covers a whole one of a text's blocks of this size."""

SHORTEST_LINE: Final = 60
LONGEST_LINE: Final = 76
"""Characters in the lines that encoders make of base64."""

_CHARACTER: Final = "[A-Za-z0-9+/_-]"
_BREAK: Final = r"(?:\r?\n|(?:\\r)?\\n)"  # as it is, or as JSON writes it
_LONGEST_TYPE: Final = 127  # of each half of a media type: RFC 6838

# Media in texts.

DATA_URI_HEAD: Final = re.compile(
    rf"[dD][aA][tT][aA]:([\w.+-]{{1,{_LONGEST_TYPE}}}/[\w.+-]{{1,{_LONGEST_TYPE}}})?"
    r"(?:;[\w.+-]{1,127}=[\w.+-]{1,127}){0,8};(?i:base64),"
    rf"(?:[ \r\n]{{1,2}}(?={_CHARACTER}{{{SHORTEST_LINE}}}))?(?={_CHARACTER})"
)
"""Searched. A bounded number of characters from each ``data:`` on."""

BASE64_RUN: Final = re.compile(f"{_CHARACTER}*")
"""Matched in slices, from where the one before ended."""

PADDING: Final = re.compile("={0,2}")
"""Matched. Two characters."""

BLOCK: Final = re.compile(rf"[A-Za-z0-9+/_\-\r\n\\]{{{BLOCK_CHARACTERS}}}")
"""Matched once for each block of a text. Reads as many characters as the block has."""

LINE_START: Final = re.compile(rf"(?:(?<=\\[nrt])|(?<![A-Za-z0-9+/_\\-]))(?={_CHARACTER}{{{SHORTEST_LINE}}})")
"""Searched in slices. Looks at 60 characters where a run begins: a run has one beginning, or one after each escape."""

NEXT_LINE: Final = re.compile(rf"{_BREAK}({_CHARACTER}{{1,{LONGEST_LINE}}})(?!{_CHARACTER})")
LAST_LINE: Final = re.compile(rf"{_BREAK}({_CHARACTER}{{1,{LONGEST_LINE}}})(?!{_CHARACTER})(={{0,2}})")
"""Matched. At most a line and its break."""

END: Final = re.compile(r"[\r\n\"'<>)\]}\\`]|\Z")
"""Matched. One character."""

SIGNS_OF_BASE64: Final = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"))
"""Searched within 1024 characters. One character each."""

BREAKS: Final = re.compile(r"\\[nr]|\s")
"""Replaced in slices. One or two characters each."""

PLACEHOLDER: Final = re.compile(r"\[[\w.+/-]{1,256}, (\d{1,20}) bytes, sha256 ([0-9a-f]{64})\]")
"""Matched. A bounded number of characters."""


def lines_of(width: int) -> re.Pattern[str]:
    """Return what matches one more line of a width. Matched once for each line; reads that line."""
    return re.compile(rf"{_BREAK}{_CHARACTER}{{{width}}}(?!{_CHARACTER})")


def note_between(beginning: str, end: str) -> re.Pattern[str]:
    """Return what finds a note of a number. Searched: reads at most 20 characters beyond each ``beginning``."""
    return re.compile(f"{beginning}([0-9]{{1,20}}){end}")


# JSON that is not decoded yet.

JSON_MARK: Final = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
"""Searched, each time from where the one before ended. One or two characters each."""

SURROGATE_PAIR: Final = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]")
"""Matched. Twelve characters."""

SIGNS_OF_INSTRUCTIONS: Final = re.compile(r'"(?:system"|system_?[iI]nstruction|instructions")')
"""Searched. At most 20 characters from each quote."""

# Reprs of Python values.

REPR_TOKEN: Final = re.compile(
    r"([\[\](){},:=])"
    r"|(-?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?j?)(?![\w.])"
    r"|(-?[^\W\d]\w*(?:\.[^\W\d]\w*)*)"
)
"""Matched, each from where the one before ended. A name's parts end at a point, a number's at a letter."""

REPR_SPACE: Final = re.compile(r"[ \t\r\n]*")
"""Matched, each from where a token ended."""

REPR_ESCAPE: Final = re.compile(
    r"""\\(?:[\\'"abfnrtv\n]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[\w -]{1,128}\})"""
)
"""Replaced. At most 132 characters from each backslash."""

ANGLED_NAME: Final = re.compile(r"<[^\W\d][\w.]{0,255}")
"""Matched. A bounded number of characters."""

# Names and ids.

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_.:/@+#~=|$*<>()\[\],-]{1,256}")
"""Matched. At most 256 characters.

No spaces, so that it is no sentence; ASCII only, because many languages write sentences without spaces; no quotes and
braces, because of JSON; no "?" and "%", because of what a URL may quote.
"""

WORD: Final = re.compile(r"[a-z_]{1,32}")
"""Matched. At most 32 characters."""

SPAN_ID: Final = re.compile(r"[0-9a-f]{16}")
TRACE_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""Matched. 16 and 36 characters."""

NO_LETTERS: Final = re.compile(r"[^a-z0-9]")
"""Split at. One character each; of names of scopes."""

TURN: Final = re.compile(r"^(system|developer|user|assistant|tool): ", re.MULTILINE)
"""Searched. At most eleven characters from the beginning of each line."""

DATED: Final = re.compile(r"[-@:](?:\d|v\d|latest|preview)")
"""Matched. At most eight characters."""

VENDOR_PREFIX: Final = re.compile(
    r"^(?:[a-z0-9_-]{1,64}/|(?:us|eu|apac|global)\.|(?:anthropic|meta|amazon|cohere|mistral|ai21)\.){1,8}"
)
"""Matched. Eight parts of at most 64 characters, each ended by a character that is in none."""

ID_SHAPE: Final = re.compile(r"^[A-Za-z]{1,64}[-_]{1,64}")
"""Matched. At most 128 characters."""

SPOKEN_TO_A_MODEL: Final = re.compile(
    r"[\"'](?:role[\"']: {0,1}[\"'](?:system|user|assistant|human|model|developer)"
    r"|type[\"']: {0,1}[\"'](?:human|ai))[\"']"
)
"""Searched. At most 20 characters from each quote on."""

SERVICE_TIER: Final = re.compile(r'"service_tier": ?"(\w{1,32})"')
"""Searched. At most 49 characters from each beginning of the name."""

CACHED_COUNT: Final = re.compile(r'ache[a-zA-Z_]{1,32}": ?[1-9]')
"""Searched. At most 40 characters from each beginning of the name: ``cached_tokens``, ``promptCacheHitTokens``."""
