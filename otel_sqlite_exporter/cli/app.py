"""The group of commands, each loaded when it is run, and the one way into it."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from otel_sqlite_exporter._version import __version__
from otel_sqlite_exporter.cli import failures
from otel_sqlite_exporter.cli.options import Asked, database_option, form_option

COMMANDS: Final = (
    "calls",
    "show",
    "traces",
    "trace",
    "conversations",
    "chat",
    "usage",
    "tools",
    "errors",
    "latency",
    "search",
    "diff",
    "export",
    "send",
    "merge",
    "status",
    "doctor",
    "prune",
    "serve",
    "demo",
)
"""The commands in the order of the help; ``cli.commands`` has a module for each, with a ``command``."""


class _Commands(click.Group):
    """Commands that are imported when they are named: a start has to be quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise failures.UnheardError from None
        except SystemExit as end:
            if isinstance(end.__context__, BrokenPipeError):
                raise failures.UnheardError from None
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            if Path(name).is_file():
                raise click.UsageError(f"{name} is a file, no command: otel-sqlite -d {name}", ctx)
            near = get_close_matches(name, COMMANDS, n=1)
            raise click.UsageError(f"no such command: {name}{f'; did you mean {near[0]}?' if near else ''}", ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"otel_sqlite_exporter.cli.commands.{cmd_name}").command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@database_option
@click.version_option(__version__, message="%(prog)s %(version)s")
@form_option("json", "The overview as one JSON object.")
@click.pass_context
def main(context: click.Context, form: str | None) -> None:
    """Read what otel-sqlite-exporter has recorded: calls, transcripts, traces, costs.

    Without a command: today's and this week's usage, the last calls, and what failed.

    What is longer than the screen is shown by a pager: $OTEL_SQLITE_PAGER, else $PAGER, else less. None is used where
    that is empty or cat, with --no-pager, and where the output is no terminal.

    Example: otel-sqlite demo && otel-sqlite -d demo.db
    """
    if context.invoked_subcommand is None:
        from otel_sqlite_exporter.cli.overview import overview  # noqa: PLC0415 - commands do without

        overview(context.ensure_object(Asked).open(), form)


def run(arguments: list[str]) -> int:
    """Run one command line.

    Args:
        arguments: Without the program's name.

    Returns:
        The exit status.
    """
    return failures.guard(lambda: main.main(arguments, prog_name="otel-sqlite", standalone_mode=False))
