"""Processes that record, and what has to be in their file afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support import check_file, outputs_of, query

ROOT = Path(__file__).parent.parent.parent
CALLS_PER_REQUEST = 3


def environment(path: Path) -> dict[str, str]:
    """Return the environment of a process that records into a file."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return kept | {"OTEL_EXPORTER_SQLITE_PATH": str(path), "PYTHONPATH": str(ROOT)}


def start(path: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python that records into a file, in the file's directory."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=path.parent,
        env=environment(path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(path: Path, *arguments: str, seconds: float = 120) -> str:
    """Run a Python that records into a file to its end, and return what it said."""
    process = start(path, *arguments)
    return ended(process, seconds)


def ended(process: subprocess.Popen[str], seconds: float = 60, *, codes: Iterable[int] = (0,)) -> str:
    """Wait for the end of a process, which has to be one of these, and return what it said."""
    out, _ = outputs_of(process, seconds)
    assert process.returncode in codes, f"{process.returncode}:\n{out}"
    return out


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def ask(port: int, name: str, *, seconds: float = 0) -> None:
    """Make one request; wait for a server that is still to come."""
    for attempt in range(600):
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{port}/?name={name}&seconds={seconds}", timeout=60
            ) as answer:
                assert answer.read().decode() == name
                return
        except OSError:
            if attempt == 599:
                raise
            time.sleep(0.1)


def ask_many(port: int, count: int) -> list[str]:
    """Make requests, four at a time, and return their names."""
    names = [f"request-{number}" for number in range(count)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: ask(port, name), names))
    return names


def check_requests(path: Path, names: Iterable[str]) -> None:
    """Check that every call of these requests has one row, as :func:`check_calls`."""
    check_calls(path, [f"{name}.{number}" for name in names for number in range(CALLS_PER_REQUEST)])


def check_calls(path: Path, names: Iterable[str], *, is_killed: bool = False) -> None:
    """Check that every call has one row, and that by the ledger nothing is missing.

    Args:
        path: The file.
        names: The calls.
        is_killed: Whether the processes could not say that they had nothing to write any more.
    """
    assert Counter(str(name) for (name,) in query(path, "SELECT name FROM spans")) == Counter(names)
    end = "" if is_killed else " OR NOT (clean_exit OR idle)"
    assert query(path, f"SELECT * FROM recorders WHERE dropped OR received <> written + skipped{end}") == []
    check_file(path)
