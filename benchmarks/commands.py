"""What the command line costs in a file of a million spans, beside a recorder of fifty spans a second."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import TracerProvider

from benchmarks.filling import NEEDLE, million
from benchmarks.report import Figure
from otel_sqlite_exporter import SQLiteSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ROUNDS: Final = 3
_SPANS_PER_SECOND: Final = 50
_CPU_MILLISECONDS: Final = 500.0
_FOLLOW_MILLISECONDS: Final = 1000.0

COMMANDS: Final = (
    "--version",
    "",
    "calls",
    "calls -n 100 --json",
    "calls --model gemini-*",
    "calls --status error",
    "calls --sort cost",
    "calls --tool nothing",
    f"calls -q {NEEDLE}",
    "show -1",
    "show -1 --changes",
    "show -1 --json",
    "traces",
    "traces -n 100 --json",
    "traces --sort cost",
    "traces --sort duration",
    "trace -1",
    "trace -1 --html /dev/null",
    "conversations",
    "conversations -n 100 --json",
    "chat -1",
    "usage",
    "usage --by day,model",
    "usage --by provider",
    "usage --by agent",
    "usage --by user",
    "usage --by service",
    "usage --by conversation -n 100",
    "usage --by trace",
    "tools",
    "errors",
    "errors --each -n 100 --json",
    "latency",
    "latency --by agent",
    "latency --by trace",
    f"search {NEEDLE}",
    "search nothing-like-this",
    "diff -1 -2",
    "status",
)


def run(*, quick: bool) -> list[Figure]:
    """Measure the commands over a file of a million spans, a tenth of it in quick mode."""
    with million(quick=quick) as (path, spans):
        return measure(path, spans)


def measure(path: Path, spans: int) -> list[Figure]:
    """Return what each command costs in processor time, how soon a call is followed, and what the recorder lost.

    Args:
        path: A file with agents; fifty spans a second are recorded into it meanwhile.
        spans: How many spans it has, for the names.
    """
    figures = []
    with _recorder(path) as processor:
        for command in COMMANDS:
            best = min(_cpu_milliseconds(path, command) for _ in range(_ROUNDS))
            name = f"otel-sqlite {command}".strip()
            figures.append(Figure("commands", f"{name}, {spans:,} spans, CPU", best, "ms", target=_CPU_MILLISECONDS))
        followed = max(_followed_milliseconds(path) for _ in range(_ROUNDS))
        figures.append(
            Figure("commands", "a call's end to calls --follow", followed, "ms", target=_FOLLOW_MILLISECONDS)
        )
    stats = processor.stats()
    lost = float(sum(stats.dropped.values()))
    figures.append(
        Figure("commands", f"lost of {stats.received:,} spans recorded meanwhile", lost, "spans", target=0.0)
    )
    return figures


@contextlib.contextmanager
def _recorder(path: Path) -> Iterator[SQLiteSpanProcessor]:
    processor = SQLiteSpanProcessor(path)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("commands")
    stop = threading.Event()

    def record() -> None:
        while not stop.wait(1 / _SPANS_PER_SECOND):
            tracer.start_span("chat m", attributes={"gen_ai.operation.name": "chat", "user.id": "live"}).end()

    thread = threading.Thread(target=record)
    thread.start()
    try:
        yield processor
    finally:
        stop.set()
        thread.join()
        processor.shutdown()


def _cpu_milliseconds(path: Path, command: str) -> float:
    """Return the processor time, of the process and the kernel for it, that one command takes."""
    arguments = [sys.executable, "-m", "otel_sqlite_exporter", "-d", str(path), *command.split()]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command}: exit status {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1e3


def _environment() -> dict[str, str]:
    """Return the environment of a command that is installed: pip compiles what it installs, and so does a first run."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _followed_milliseconds(path: Path) -> float:
    """Return how long after its end a call is on the screen of ``calls --follow``."""
    arguments = [
        sys.executable,
        "-m",
        "otel_sqlite_exporter",
        "calls",
        "--follow",
        "-n",
        "1",
        "-d",
        str(path),
        "--json",
    ]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        slowest = 0.0
        for _ in range(_SPANS_PER_SECOND * 2):
            line = process.stdout.readline()
            ended = int(line.partition('"end_time_unix_nano": ')[2].rstrip("}\n "))
            slowest = max(slowest, (time.time_ns() - ended) / 1e6)
        process.terminate()
        process.stdout.close()
    return slowest
