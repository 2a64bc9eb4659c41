"""``otel-sqlite send``: the file as an outbox."""

from __future__ import annotations

import contextlib
import signal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

from otel_sqlite_exporter.cli.options import Asked, database_option, pass_asked
from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.reading.moments import parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from otel_sqlite_exporter.sending.delivery import Receiver
    from otel_sqlite_exporter.sending.sender import SendOptions, Sums
    from otel_sqlite_exporter.sending.stopping import Stop

_NEEDED: Final = (
    "google.protobuf",
    "opentelemetry.exporter.otlp.proto.common",
    "opentelemetry.proto",
    "requests",
    "urllib3",
)
_STYLES: Final = ("genai", "original", "openinference")
_STOPPED: Final = 130


@click.command("send")
@click.option("--to", "url", metavar="URL", help="An OTLP receiver over HTTP.  [default: $OTEL_EXPORTER_OTLP_ENDPOINT]")
@click.option("--exporter", metavar="NAME", help="An installed exporter instead, as in $OTEL_TRACES_EXPORTER.")
@click.option(
    "--name", metavar="NAME", help="Of the outbox, which knows what was sent.  [default: the receiver's host and port]"
)
@click.option(
    "--as", "style", type=click.Choice(_STYLES), default="genai", show_default=True, help="In whose words spans go out."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is recorded meanwhile.")
@click.option(
    "--settle",
    metavar="SECONDS",
    type=click.FloatRange(0),
    help="Let a span wait for what comes late, unless its trace is done.",
)
@click.option("--since", metavar="TIME", help="Only what started then or later: 2h, 7d, a date, an ISO time.")
@click.option("--again", is_flag=True, help="Send again what was sent before: with --since, from then on.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@database_option
@pass_asked
def command(
    asked: Asked,
    /,
    *,
    url: str | None,
    exporter: str | None,
    name: str | None,
    style: str,
    follow: bool,
    settle: float | None,
    since: str | None,
    again: bool,
    dry_run: bool,
) -> None:
    """Send spans on to a Collector or any other OTLP receiver.

    Everything goes out at least once, in the order in which it was recorded; a cursor in the file moves after each
    answer. What is amended later goes out again. Headers, TLS, timeout and compression are set by OpenTelemetry's own
    variables: OTEL_EXPORTER_OTLP_HEADERS, _CERTIFICATE, _TIMEOUT, _COMPRESSION.

    Example: otel-sqlite send --to http://localhost:4318 --follow
    """
    if url is not None and exporter is not None:
        raise click.UsageError("--to and --exporter are two places; give one")
    moment = parse_moment(since, "--since") if since is not None else None
    _check_installed()
    from otel_sqlite_exporter.sending.sender import SendOptions  # noqa: PLC0415 - not without the extra

    with asked.open() as database:  # says what is wrong with the file
        path = database.path
    receiver, destination, default_name = _receiver(url, exporter)
    options = SendOptions(
        name=name or default_name,
        destination=destination,
        style=style,
        is_following=follow,
        settle_seconds=settle,
        since=moment.unix_nano if moment is not None else None,
        is_again=again,
    )
    with contextlib.closing(receiver):
        if dry_run:
            _rehearse(path, receiver, options)
        else:
            _send(path, receiver, options)


def _check_installed() -> None:
    for module in _NEEDED:
        try:
            is_there = find_spec(module) is not None
        except ModuleNotFoundError:
            is_there = False
        if not is_there:
            raise click.ClickException("sending needs more: pip install 'otel-sqlite-exporter[send]'")


def _receiver(url: str | None, exporter: str | None) -> tuple[Receiver, str, str]:
    """Return who takes the spans, where that is, and what the outbox is called that nobody gave a name."""
    if exporter is not None:
        from otel_sqlite_exporter.sending.exporters import WEAKER_PROMISE, ExporterReceiver  # noqa: PLC0415

        click.echo(f"otel-sqlite: {WEAKER_PROMISE}", err=True)
        return ExporterReceiver(exporter), f"exporter {exporter}", exporter
    from otel_sqlite_exporter.sending.otlp import OtlpReceiver  # noqa: PLC0415
    from otel_sqlite_exporter.sending.settings import read_destination  # noqa: PLC0415

    destination = read_destination(url)
    return OtlpReceiver(destination), destination.shown_url, destination.place


def _rehearse(path: str, receiver: Receiver, options: SendOptions) -> None:
    from otel_sqlite_exporter.sending.sender import rehearse  # noqa: PLC0415

    sums = rehearse(path, receiver, options)
    requests = "request" if sums.requests == 1 else "requests"
    size = f", {sums.size / 1e6:,.1f} MB" if sums.size else ""
    click.echo(
        f"{units.counted(sums.sent, 'span')} in {sums.requests:,} {requests}{size} would go to {options.destination}"
        f"{_amended(sums)}{_held_back(sums)}"
    )


def _send(path: str, receiver: Receiver, options: SendOptions) -> None:
    from otel_sqlite_exporter.sending.failures import StoppedError  # noqa: PLC0415
    from otel_sqlite_exporter.sending.sender import Sender, count_waiting  # noqa: PLC0415
    from otel_sqlite_exporter.sending.stopping import Stop  # noqa: PLC0415

    stop = Stop()
    is_stopped = False
    with _progress(None if options.is_following else lambda: count_waiting(path, options)) as advance:
        sender = Sender(path, receiver, options, stop, tell=_tell, advance=advance)
        with _stopped_by_signals(stop):
            try:
                sender.run()
            except StoppedError:
                is_stopped = True
    _say_sums(sender.sums, options, is_stopped=is_stopped)
    if is_stopped and not options.is_following:
        raise click.exceptions.Exit(_STOPPED)


def _tell(line: str) -> None:
    click.echo(f"otel-sqlite: {line}", err=True)


def _say_sums(sums: Sums, options: SendOptions, *, is_stopped: bool) -> None:
    parts = [f"{units.counted(sums.sent, 'span')} sent to {options.destination} as {options.name!r}{_amended(sums)}"]
    parts += [
        f"{number:,} {what}"
        for number, what in (
            (sums.rejected, "rejected"),
            (sums.set_aside, "set aside"),
            (sums.lost, "deleted before they were sent"),
        )
        if number
    ]
    _tell(", ".join(parts) + _held_back(sums) + ("; stopped" if is_stopped else ""))


def _amended(sums: Sums) -> str:
    return f" ({sums.amendments:,} of them again, because they changed)" if sums.amendments else ""


def _held_back(sums: Sums) -> str:
    return f"; {sums.held_back:,} or more have yet to settle" if sums.held_back else ""


@contextlib.contextmanager
def _stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end what is done after the answer that is due; the second one ends it now."""

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        if stop.is_asked:
            raise KeyboardInterrupt
        stop.is_asked = True

    signals = [signal.SIGINT, signal.SIGTERM]
    before = [signal.signal(number, ask) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def _progress(total: Callable[[], int] | None) -> Iterator[Callable[[int], None]]:
    """Show a bar where somebody looks; give what is told how many spans were dealt with."""
    from rich.console import Console  # noqa: PLC0415 - only here
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True)
    if total is None or not console.is_terminal:
        yield lambda _: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("spans", total=total())
        yield lambda number: progress.advance(task, number)
