"""The options that mean the same in every command: the file, the form of the answer, the filters."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

import click

from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.reading import Database, open_database
from otel_sqlite_exporter.reading.filters import KINDS, STATUSES, Filters
from otel_sqlite_exporter.reading.limits import QUESTION_SECONDS, SEARCH_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

Form: TypeAlias = Literal["table", "json", "csv"]

_F = TypeVar("_F", bound="Callable[..., object]")


class FilePath(click.Path):
    """A file that is named on the command line, other than the recorded one of ``-d``: its name is not empty.

    Args:
        dir_okay: Whether it may be a directory.
    """

    def __init__(self, *, dir_okay: bool = False) -> None:
        super().__init__(dir_okay=dir_okay)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Return the path as it was given."""
        if not os.fspath(value).strip():
            self.fail("the name of a file is empty", param, ctx)
        return super().convert(value, param, ctx)


MOST_GROUPS: Final = 100
"""How many groups a table shows, where nobody says otherwise."""

LIMIT_OF_GROUPS: Final = f"How many groups.  [default: {MOST_GROUPS} in a table, else all]"
"""The help of an option."""

_FILTERS: Final = (
    (("-m", "--model"), "MODEL", "Calls of this model; * stands for anything: 'gpt-*'."),
    (("--provider",), "NAME", "Calls of this provider: openai, anthropic, ..."),
    (("--kind",), "KIND", f"One of {', '.join(KINDS)}."),
    (("--agent",), "NAME", "What this agent did."),
    (("--user",), "ID", "What was done for this user."),
    (("--conversation",), "ID", "What is part of this conversation."),
    (("--trace",), "ID", "What is part of this trace; its first digits are enough."),
    (("--service",), "NAME", "What this application did (service.name)."),
    (("--tool",), "NAME", "What this tool did."),
    (("--status",), "STATUS", f"One of {', '.join(STATUSES)}."),
    (("--since",), "TIME", "From then on: 30m, 2h, 7d, today, yesterday, a date (days by UTC), an ISO time, all."),
    (("--until",), "TIME", "Up to then; a day includes all of it."),
    (("-q", "--text"), "TEXT", "Only where a prompt, an answer or a tool's result has this text."),
)


@dataclass(slots=True)
class Asked:
    """What the command line said before and after the command's name.

    Args:
        path: The file of ``-d``; None where it was not given.
        search_seconds: How long to look into texts; None where it was not given.
    """

    path: str | None = None
    search_seconds: float | None = None

    def open(self, *, seconds: float | None = QUESTION_SECONDS) -> Database:
        """Open the file that was asked for.

        Args:
            seconds: How long one question may take; None for as long as it takes.
        """
        context = click.get_current_context()
        database = open_database(self.path, seconds=seconds, search_seconds=self.search_seconds)
        context.call_on_close(database.close)
        return database


def database_option(command: _F) -> _F:
    """Add ``-d FILE``, which stands before or after the command's name; so does ``--no-pager``, which the group shows.

    What is wrong with the file is said by who opens it, in the same words whether it was named here or by the variable.
    """

    def keep(context: click.Context, parameter: click.Parameter, value: str | None) -> None:  # noqa: ARG001
        asked = context.ensure_object(Asked)
        if value is not None:
            asked.path = value

    return click.option(
        "-d",
        "--database",
        metavar="FILE",
        expose_value=False,
        callback=keep,
        help="The recorded file.  [default: $OTEL_EXPORTER_SQLITE_PATH, else llm_traces.db]",
    )(_no_pager_option(command))


class _CommonOption(click.Option):
    """An option that every command takes, and the help of the group alone has."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return its lines of the help."""
        return super().get_help_record(ctx) if ctx.parent is None else None


def _no_pager_option(command: _F) -> _F:
    def forbid(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001, FBT001 - click's
        if value:
            screen.forbid_pager(context)

    return click.option(
        "--no-pager",
        cls=_CommonOption,
        is_flag=True,
        expose_value=False,
        callback=forbid,
        help="Write long output straight to the terminal, as OTEL_SQLITE_PAGER= does.",
    )(command)


def seconds_option(command: _F) -> _F:
    """Add ``--seconds``, for commands that look into texts."""

    def keep(context: click.Context, parameter: click.Parameter, value: float | None) -> None:  # noqa: ARG001
        context.ensure_object(Asked).search_seconds = value

    return click.option(
        "--seconds",
        type=click.FloatRange(0, min_open=True),
        expose_value=False,
        callback=keep,
        help="How long to look into texts, in CPU time.  "
        f"[default: {SEARCH_SECONDS}; with --since all {QUESTION_SECONDS:g}]",
    )(command)


def form_options(command: _F) -> _F:
    """Add ``--json`` and ``--csv``; the command gets ``form``."""
    command = form_option("csv", "Comma-separated values with a header.")(command)
    return form_option("json", "One JSON array; objects with the names of the view's columns.")(command)


def form_option(name: str, text: str) -> Callable[[_F], _F]:
    """Return a decorator that adds a flag for a form of the answer; the command gets ``form``: the one that was named.

    Args:
        name: What the command gets, and with dashes the flag.
        text: Its help.
    """

    def choose(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001, FBT001
        chosen = context.params.setdefault("form", None)
        if value and chosen is not None:
            raise click.UsageError(f"--{chosen} and --{name} are two forms of the answer: give one", context)
        if value:
            context.params["form"] = name

    return click.option(f"--{name}", is_flag=True, expose_value=False, callback=choose, help=text)


def limit_option(default: int) -> Callable[[_F], _F]:
    """Return a decorator that adds ``-n``; the command gets ``limit``."""
    return click.option(
        "-n", "--limit", default=default, show_default=True, type=click.IntRange(1), metavar="N", help="How many."
    )


def id_argument(name: str, metavar: str, *, default: str | None = None) -> Callable[[_F], _F]:
    """Return a decorator that adds an argument for an id, which may be negative: -1 is the last one.

    Args:
        name: What the command gets.
        metavar: What the help calls it.
        default: What is meant where nothing is given; None where it has to be.
    """

    def check(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
        if value is None:
            raise click.MissingParameter(ctx=context, param=parameter)
        if value.startswith("-") and not value[1:].isdigit():
            raise click.NoSuchOption(value, ctx=context)
        return value

    return click.argument(name, metavar=metavar, callback=check, default=default, required=default is None)


def filter_options(command: _F) -> _F:
    """Add the filters; the command gets them as keyword arguments, which :func:`filters_of` reads."""
    for names, metavar, text in reversed(_FILTERS):
        command = click.option(*names, metavar=metavar, help=text)(command)
    return command


def filters_of(options: dict[str, str | None]) -> Filters:
    """Return the filters that a command was given.

    Raises:
        FilterError: One of them means nothing.
    """
    return Filters.parse(options)


pass_asked = click.make_pass_decorator(Asked, ensure=True)
"""Give a command what it needs to open the file: an :class:`Asked` as its first argument."""
