"""Where output goes: a terminal with its width and colours, or a pipe; what is longer than the screen is paged."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PIPED_WIDTH: Final = 10_000
_NARROWEST: Final = 40
_PAGER_VARIABLES: Final = ("OTEL_SQLITE_PAGER", "PAGER")
_NO_PAGER: Final = f"{__name__}.no_pager"


def is_terminal() -> bool:
    """Tell whether somebody looks at the output."""
    return sys.stdout.isatty()


@lru_cache(maxsize=1)
def console() -> Console:
    """Return the console: never markup, never emoji codes, no colour of its own, NO_COLOR and a dumb TERM obeyed."""
    from rich.console import Console  # noqa: PLC0415 - a pipe does without

    return Console(
        markup=False,
        emoji=False,
        highlight=False,
        width=None if is_terminal() else PIPED_WIDTH,
        force_terminal=None if is_terminal() else False,
        legacy_windows=False,
    )


def width() -> int:
    """Return how many cells a line has."""
    return max(console().width, _NARROWEST)


def forbid_pager(context: click.Context) -> None:
    """Have a command line write straight to the terminal."""
    context.meta[_NO_PAGER] = True


def pager() -> str:
    """Return what shows that which is longer than the screen, "" for nothing; decided as git does.

    Either variable may be empty or ``cat`` for nothing.
    """
    context = click.get_current_context(silent=True)
    if context is not None and _NO_PAGER in context.meta:
        return ""
    chosen = next((os.environ[name].strip() for name in _PAGER_VARIABLES if name in os.environ), "less")
    return "" if chosen == "cat" else chosen


def show(*renderables: RenderableType) -> None:
    """Write to the terminal, through a pager where it is longer than the screen."""
    screen = console()
    through = pager()
    if not is_terminal() or screen.is_dumb_terminal or not through:
        for renderable in renderables:
            screen.print(renderable, soft_wrap=not is_terminal())
        return
    with screen.capture() as captured:
        for renderable in renderables:
            screen.print(renderable)
    text = captured.get()
    if text.count("\n") < screen.height:
        screen.file.write(text)
        screen.file.flush()
    else:
        os.environ["PAGER"] = through  # where click looks
        os.environ.setdefault("LESS", "-RFX")
        click.echo_via_pager(text, color=not screen.no_color)
