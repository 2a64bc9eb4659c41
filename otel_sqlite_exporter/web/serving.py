"""Start the server, open the browser, and end within two seconds when asked to."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn

from otel_sqlite_exporter.reading import ReadingError, open_database
from otel_sqlite_exporter.reading.database import path_of
from otel_sqlite_exporter.web.access import TOKEN, Keys
from otel_sqlite_exporter.web.app import create_app
from otel_sqlite_exporter.web.links import link

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8765
_SHUTDOWN_SECONDS: Final = 1
_LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]", "::1")


def serve(
    path: str | os.PathLike[str] | None = None,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    open_browser: bool = True,
    say: Callable[[str], None] | None = None,
) -> None:
    """Show the pages until the process is told to end (Ctrl-C, SIGTERM).

    Args:
        path: The file; else ``OTEL_EXPORTER_SQLITE_PATH``, else ``llm_traces.db``.
        host: Where to listen; another address than the loopback's lets others of the network knock.
        port: Where to listen; 0 for any free port.
        open_browser: Whether to open the browser.
        say: Takes each line for the person at the terminal; standard error by default.

    Raises:
        ReadingError: The file can't be read, or the port is taken.
    """
    say = say or _say
    resolved = _checked(path)
    if not Path(resolved).exists():
        say(f"There is no file yet at {resolved}: the pages wait for the first call.")
    listener = _listen(host, port)
    server, address = _server(resolved, host, listener, say)
    if not _is_loopback(host):
        say(
            f"Warning: listening on {host}: others of the network can reach these pages. What was recorded goes over "
            "it unencrypted; an SSH tunnel to the loopback is safer."
        )
    say(f"Pages of {resolved}: {address}")
    say("Ctrl-C ends.")
    if open_browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        # uvicorn ends in good order, and then raises the signal once more.
        return


def open_in_browser(path: str | os.PathLike[str], *, page: str = "/", port: int = 0) -> str:
    """Show the pages from a running program: a thread serves them until the program ends.

    Args:
        path: The file.
        page: Which page to open.
        port: Where to listen; any free port by default.

    Returns:
        The address, with the token that lets one browser in.

    Raises:
        ReadingError: The file can't be read, or the port is taken.
    """
    resolved = _checked(path)
    listener = _listen(DEFAULT_HOST, port)
    server, address = _server(resolved, DEFAULT_HOST, listener, _say, page)
    # In a thread, uvicorn leaves the program's signals alone.
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="otel-sqlite-pages", daemon=True).start()
    webbrowser.open(address)
    return address


def _checked(path: str | os.PathLike[str] | None) -> str:
    """Return the absolute path of a file that is ours, or not there yet."""
    resolved = os.path.abspath(path_of(path))  # noqa: PTH100 - links are kept as they are
    if Path(resolved).exists():
        open_database(resolved).close()
    return resolved


def _server(
    path: str, host: str, listener: socket.socket, say: Callable[[str], None], page: str = "/"
) -> tuple[uvicorn.Server, str]:
    port = listener.getsockname()[1]
    shown_host = "127.0.0.1" if host in {"", "0.0.0.0", "::"} else f"[{host}]" if ":" in host else host  # noqa: S104 - compared only
    root = f"http://{shown_host}:{port}"
    keys = Keys(
        f"otel-sqlite-{port}",
        announce=lambda token: say(f"A browser was let in. For another one: {root}{link('/', {TOKEN: token})}"),
    )
    # Of an address that stands for all, any name may be the right one: there the token is what protects.
    hosts = (*_LOOPBACK_NAMES, host) if shown_host.strip("[]") == host else ("*",)
    config = uvicorn.Config(
        create_app(path, keys=keys, hosts=hosts),
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    return uvicorn.Server(config), root + link(page, {TOKEN: keys.token})


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ReadingError(f"can't listen on {host}: {error.strerror or error}") from None
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Before the address is said: a browser that is quicker than the server waits instead of failing.
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise ReadingError(f"port {port} of {host} can't be had ({reason}); give another one with --port") from None
    return listener


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - for the person at the terminal
