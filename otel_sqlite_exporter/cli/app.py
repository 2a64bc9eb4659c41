"""The group of commands, each loaded when it is run, and the one way into it."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from otel_sqlite_exporter._version import __version__
from otel_sqlite_exporter.cli import failures
from otel_sqlite_exporter.cli.options import database_option

COMMANDS: Final = ("calls", "doctor", "serve")
"""The commands in the order of the help; ``cli.commands`` has a module for each, with a ``command``."""


class _Commands(click.Group):
    """Commands that are imported when they are named: a start has to be quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"otel_sqlite_exporter.cli.commands.{cmd_name}").command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@database_option
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Read what otel-sqlite-exporter has recorded: calls, transcripts, traces, costs.

    FILE is the recorded file: else OTEL_EXPORTER_SQLITE_PATH, else llm_traces.db in this directory.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run(arguments: list[str]) -> int:
    """Run one command line.

    Args:
        arguments: Without the program's name.

    Returns:
        The exit status.
    """
    return failures.guard(lambda: main.main(arguments, prog_name="otel-sqlite", standalone_mode=False))
