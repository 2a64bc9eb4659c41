"""The server: its address, its end, and what it says when it can't start."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import wait_until
from tests.web.support import serving


def _serve(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "otel_sqlite_exporter", "serve", "--no-open", *options],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def _get(opener: urllib.request.OpenerDirector, address: str) -> str:
    with opener.open(address) as answer:
        return str(answer.read().decode())


def _status(address: str) -> int:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("GET", parts.path)
    with connection.getresponse() as answer:
        status = answer.status
    connection.close()
    return status


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_with_connections_open(demo_path: Path, ending: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end the server, though browsers hold connections and requests are half sent."""
    with serving(demo_path) as (process, address):
        port = urlsplit(address).port
        held = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(5)]
        for connection in held:
            connection.request("GET", "/calls")
            connection.getresponse().read()  # its connection is kept
        half = socket.create_connection(("127.0.0.1", port or 0))
        half.sendall(b"GET /calls HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        process.send_signal(ending)
        assert process.wait(timeout=60) in {0, -ending, 130}
        half.close()
        for connection in held:
            connection.close()


def test_the_printed_address_lets_in_and_nothing_else_does(demo_path: Path) -> None:
    """The printed address shows the pages; the same address without the token does not."""
    with serving(demo_path) as (_, address):
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert "demo.db" in _get(opener, address)
        assert _status(address.partition("?")[0]) == 403


def test_a_port_that_is_taken_is_said(demo_path: Path) -> None:
    """A port that somebody else has is one line, which says what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = _serve("-d", str(demo_path), "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "--port" in done.stderr


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """What is no recorded file is one line."""
    path = tmp_path / "notes.db"
    path.write_text("not a database, but long enough to be looked at" * 50)
    done = _serve("-d", str(path), "--port", "0")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_a_host_that_means_nothing_is_refused(demo_path: Path) -> None:
    """An address that this machine does not have is one line."""
    done = _serve("-d", str(demo_path), "--host", "host.invalid", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_listening_for_the_network_warns(demo_path: Path) -> None:
    """Whoever listens on more than the loopback is told what that means; the token is still needed."""
    with serving(demo_path, "--host", "0.0.0.0") as (process, address):
        assert address.startswith("http://127.0.0.1:")
        assert _status(address.partition("?")[0]) == 403
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def test_polling_for_long_holds_nothing(demo_path: Path) -> None:
    """A page that asks every second whether anything has changed leaves no descriptor behind."""
    with serving(demo_path) as (process, address):
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        root = f"http://{urlsplit(address).netloc}"
        _get(opener, address)

        def descriptors_after(times: int) -> int:
            for _ in range(times):
                _get(opener, f"{root}/mark")
            return len(os.listdir(f"/proc/{process.pid}/fd"))  # noqa: PTH208 - a list of names

        before = descriptors_after(10)
        descriptors_after(40)
        wait_until(lambda: descriptors_after(0) <= before + 3, what="what was opened for a question is closed")
