"""The same spans stored by Arize Phoenix and MLflow: ``python -m benchmarks.peers [--spans 300] [--venvs DIR]``.

Both are installed, each in a virtual environment that is thrown away unless ``--venvs`` says where to keep it. Each
makes the spans in a new process and stores them in an SQLite file of its own. What counts is the processor time of
every process that takes part, from the first span until all of them are stored.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.measure import scratch
from benchmarks.report import Figure, environment, table
from benchmarks.workloads import short_chat

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_SECONDS: Final = 120.0
_STORE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.05

# Each script is told where the attributes are and where to store them. It stores one span to be ready, then all others,
# and prints the processor time and the time on the clock that these took.
_CLOCK: Final = """
import json, sys, time
rows = json.load(open(sys.argv[1]))
def start():
    global wall, cpu
    wall, cpu = time.perf_counter(), time.process_time()
def stop():
    print(time.process_time() - cpu, time.perf_counter() - wall)
"""
_OURS: Final = f"""{_CLOCK}
from opentelemetry.sdk.trace import TracerProvider
from otel_sqlite_exporter import SQLiteSpanProcessor
provider = TracerProvider()
processor = SQLiteSpanProcessor(sys.argv[2], max_queue_size=len(rows) + 1)
provider.add_span_processor(processor)
tracer = provider.get_tracer("opentelemetry.instrumentation.openai_v2")
tracer.start_span("chat", attributes=rows.pop()).end()
processor.force_flush()
start()
for row in rows:
    tracer.start_span("chat gpt-4o", attributes=row).end()
processor.force_flush()
stop()
"""
_PHOENIX: Final = f"""{_CLOCK}
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
processor = BatchSpanProcessor(
    OTLPSpanExporter(sys.argv[2]), max_queue_size=len(rows) + 1, max_export_batch_size=50, schedule_delay_millis=500
)
provider.add_span_processor(processor)
tracer = provider.get_tracer("opentelemetry.instrumentation.openai_v2")
tracer.start_span("chat", attributes=rows.pop()).end()
processor.force_flush()
start()
for row in rows:
    tracer.start_span("chat gpt-4o", attributes=row).end()
processor.force_flush()
stop()
"""
_MLFLOW: Final = f"""{_CLOCK}
import mlflow
mlflow.set_tracking_uri("sqlite:///" + sys.argv[2])
mlflow.set_experiment("benchmark")
def record(row):
    with mlflow.start_span("chat gpt-4o", span_type="CHAT_MODEL") as span:
        span.set_inputs(row.pop("gen_ai.input.messages"))
        span.set_outputs(row.pop("gen_ai.output.messages"))
        span.set_attributes(row)
record(rows.pop())
mlflow.flush_trace_async_logging()
start()
for row in rows:
    record(row)
mlflow.flush_trace_async_logging()
stop()
"""


@dataclass(frozen=True, slots=True)
class _Cost:
    cpu_micros: float
    spans_per_second: float


def main() -> int:
    """Install the peers, measure each, print one table, and return 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--spans", type=int, default=300)
    parser.add_argument("--venvs", type=Path, metavar="DIR", help="where to install, and where to find it next time")
    arguments = parser.parse_args()
    with scratch() as directory:
        venvs = arguments.venvs or directory
        attributes = directory / "attributes.json"
        attributes.write_text(json.dumps([short_chat(index) for index in range(arguments.spans + 1)]), encoding="utf-8")
        ours = _run(Path(sys.executable), _OURS, attributes, str(directory / "ours.db"), arguments.spans)
        peers = {
            "MLflow": _mlflow(_python_with("mlflow", venvs), attributes, directory, arguments.spans),
            "Arize Phoenix": _phoenix(_python_with("arize-phoenix", venvs), attributes, directory, arguments.spans),
        }
    figures = []
    for name, peer in peers.items():
        figures.append(Figure("peers", "CPU per span", ours.cpu_micros, "us", peer.cpu_micros, name))
        figures.append(
            Figure("peers", "spans stored per second", ours.spans_per_second, "spans/s", peer.spans_per_second, name)
        )
    print(", ".join(f"{key} {value}" for key, value in environment().items()) + "\n")
    print(table(figures))
    return 0


def _python_with(package: str, venvs: Path) -> Path:
    """Return the interpreter of a virtual environment that has a package, installing it where need be."""
    directory = venvs / package
    python = directory / "bin" / "python"
    if not python.exists():
        venv.create(directory, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=True)
    return python


def _run(python: Path, script: str, attributes: Path, target: str, spans: int) -> _Cost:
    output = subprocess.run(
        [python, "-c", script, attributes, target],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    ).stdout
    cpu, wall = (float(word) for word in output.split()[-2:])
    return _Cost(cpu / spans * 1e6, spans / wall)


def _mlflow(python: Path, attributes: Path, directory: Path, spans: int) -> _Cost:
    path = directory / "mlflow.db"
    cost = _run(python, _MLFLOW, attributes, str(path), spans)
    _await_rows(path, spans + 1, time.monotonic())
    return cost


def _phoenix(python: Path, attributes: Path, directory: Path, spans: int) -> _Cost:
    """Count what the server spends as well, and wait until it has stored what it accepted."""
    port, grpc_port = _free_port(), _free_port()
    with _phoenix_server(python, directory, port, grpc_port) as server:
        before = _processor_seconds(server.pid)
        started = time.monotonic()
        client = _run(python, _PHOENIX, attributes, f"http://127.0.0.1:{port}/v1/traces", spans)
        client_done = time.monotonic()
        _await_rows(directory / "phoenix.db", spans + 1, started)
        waited = time.monotonic() - client_done
        used = _processor_seconds(server.pid) - before
    return _Cost(client.cpu_micros + used / spans * 1e6, 1 / (1 / client.spans_per_second + waited / spans))


@contextlib.contextmanager
def _phoenix_server(python: Path, directory: Path, port: int, grpc_port: int) -> Iterator[subprocess.Popen[bytes]]:
    settings = {
        "PHOENIX_WORKING_DIR": str(directory),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc_port),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    server = subprocess.Popen(
        [python.with_name("phoenix"), "serve"],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the Phoenix server did not start")
            time.sleep(_POLL_SECONDS)
        yield server
    finally:
        server.terminate()
        server.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await_rows(path: Path, number: int, started: float) -> None:
    """Wait until a file's table ``spans`` has so many rows."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        while connection.execute("SELECT count(*) FROM spans").fetchone()[0] < number:
            if time.monotonic() - started > _STORE_SECONDS:
                raise RuntimeError(f"{path.name}: not all spans were stored")
            time.sleep(_POLL_SECONDS)
    finally:
        connection.close()


def _processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used so far (Linux)."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
