"""What can go wrong with a question, each in one line that says what to do."""

from __future__ import annotations


class ReadingError(Exception):
    """A question that can't be answered; its text is one line for the person who asked."""


class FileRefusedError(ReadingError):
    """The file is missing, unreadable, not ours, or of a newer schema."""


class FilterError(ReadingError, ValueError):
    """A filter or an argument of a question that means nothing."""


class NotFoundError(ReadingError, LookupError):
    """What was asked for by its id is not in the file, or the id means several things."""


class TimeBudgetError(ReadingError, TimeoutError):
    """The question took longer than the time that it was given."""
