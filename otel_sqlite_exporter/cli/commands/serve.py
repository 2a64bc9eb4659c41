"""``otel-sqlite serve``: the pages in the browser."""

from __future__ import annotations

import click

from otel_sqlite_exporter.cli.options import Asked, database_option, pass_asked
from otel_sqlite_exporter.reading import ReadingError


@click.command("serve")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="0 for any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address lets others of the network in.")
@click.option("--no-open", is_flag=True, help="Only print the address.")
@database_option
@pass_asked
def command(asked: Asked, /, port: int, host: str, *, no_open: bool) -> None:
    """Show the file as pages in the browser, until Ctrl-C.

    The address that is printed has a token that lets one browser in. The pages follow the file while it is written.

    Example: otel-sqlite serve -d traces.db
    """
    try:
        from otel_sqlite_exporter.web.serving import serve  # noqa: PLC0415 - where the extra is installed
    except ModuleNotFoundError as error:
        raise ReadingError(f"serve needs {error.name}: pip install 'otel-sqlite-exporter[web]'") from None
    serve(asked.path, host=host, port=port, open_browser=not no_open, say=lambda line: click.echo(line, err=True))
