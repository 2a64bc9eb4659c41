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


def show(*renderables: RenderableType) -> None:
    """Write to the terminal, through a pager where it is longer than the screen."""
    screen = console()
    if not is_terminal() or screen.is_dumb_terminal or os.environ.get("PAGER") == "cat":
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
        os.environ.setdefault("LESS", "-RFX")
        click.echo_via_pager(text, color=not screen.no_color)
