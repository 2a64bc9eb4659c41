"""The command, run in this process, in another one and in a terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from rich.console import Console

from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.cli.app import run

Command = Callable[..., "Done"]
Screen = Callable[..., "Done"]


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Return the command, run in this process with its output in a pipe."""
    monkeypatch.delenv("OTEL_EXPORTER_SQLITE_PATH", raising=False)

    def call(*arguments: object) -> Done:
        screen.console.cache_clear()
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    yield call
    screen.console.cache_clear()


@pytest.fixture
def on_screen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Return the command, run in this process on a screen of some width: quicker than a terminal of its own."""

    def call(width: int, *arguments: object) -> Done:
        console = Console(
            width=width,
            height=60,
            force_terminal=True,
            color_system="standard",
            file=io.StringIO(),
            markup=False,
            emoji=False,
            highlight=False,
            _environ={},
        )
        monkeypatch.setattr(screen, "console", lambda: console)
        monkeypatch.setattr(screen, "is_terminal", lambda: True)
        monkeypatch.setenv("PAGER", "cat")
        status = run([str(argument) for argument in arguments])
        assert isinstance(console.file, io.StringIO)
        return Done(status, console.file.getvalue(), "")

    return call


def in_terminal(width: int, *arguments: object, **environment: str) -> Done:
    """Run the command in a pseudo-terminal of its own."""
    values = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR", "LINES"}}
    values |= {"TERM": "xterm-256color", "PAGER": "cat", **environment}
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(
            sys.executable,
            [sys.executable, "-W", "error", "-m", "otel_sqlite_exporter", *map(str, arguments)],
            values,
        )
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    output = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not piece:
            break
        output += piece
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return Done(os.waitstatus_to_exitcode(status), output.decode("utf-8").replace("\r\n", "\n"), "")
