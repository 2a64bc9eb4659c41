"""Tell whether JSON may hold an integer that SQLite can't, without a look at every character."""

from __future__ import annotations

from otel_sqlite_exporter.scanning.patterns import BIG_INTEGER, BIG_INTEGER_DIGITS, DIGIT


def may_hold_big_integer(text: str) -> bool:
    """Tell whether 19 digits stand in a row: such a row covers one of every 19 characters."""
    last = BIG_INTEGER_DIGITS - 1
    for digit in DIGIT.finditer(text[last::BIG_INTEGER_DIGITS]):
        place = digit.start() * BIG_INTEGER_DIGITS
        if BIG_INTEGER.search(text, place, place + last + BIG_INTEGER_DIGITS):
            return True
    return False
