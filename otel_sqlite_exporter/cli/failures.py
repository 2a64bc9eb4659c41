"""What becomes of every error: one line that says what to do, and an exit status. Never a traceback."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Final

import click

from otel_sqlite_exporter.reading.failures import FilterError, ReadingError

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED: Final = 1
MEANINGLESS: Final = 2
_LISTS: Final = re.compile(r"\b(calls|traces|conversations)\(\) lists")
"""What an error advises in words of Python: methods of the database, which the command has as well."""

INTERRUPTED: Final = 130  # as a shell reports a process that SIGINT ended
UNHEARD: Final = 141  # the same of SIGPIPE: what ends others when their reader has seen enough


class UnheardError(Exception):
    """Nobody reads the output any more. Of a ``BrokenPipeError``, click and rich make exit statuses of their own."""


def guard(action: Callable[[], object]) -> int:
    """Run a command and return its exit status: 0, 1 for a failure, 2 for a command line that means nothing.

    Where nobody reads on, or on Ctrl-C, it is what a shell reports of a program that the signal ended: 141, 130.

    Args:
        action: The command; what it returns is the status if it is a whole number.
    """
    try:
        status = action()
        sys.stdout.flush()
    except click.exceptions.Exit as request:
        return request.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except (BrokenPipeError, UnheardError):
        # Whoever reads has seen enough. What is still buffered must not fail once more when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNHEARD
    except (click.ClickException, ReadingError, OSError) as error:
        message, status = _in_words(error)
        click.echo(f"otel-sqlite: {' '.join(message.split())}", err=True)
    return status if isinstance(status, int) else 0


def _in_words(error: click.ClickException | ReadingError | OSError) -> tuple[str, int]:
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx is not None else "otel-sqlite"
        return f"{error.format_message()} (see '{command} --help')", MEANINGLESS
    if isinstance(error, FilterError):
        return str(error), MEANINGLESS
    if isinstance(error, click.ClickException):
        return error.format_message(), FAILED
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}", FAILED
    return _LISTS.sub(r"'otel-sqlite \1' lists", str(error)).replace("with since=", "with --since "), FAILED
