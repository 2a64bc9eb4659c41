"""Servers that people look at their traces in show what was sent: calls, trees, prompts and tokens, by their APIs.

Each server is named by a variable with the path of its command: ``tox -e backends`` installs both.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import query, wait_until

pytestmark = pytest.mark.servers

RUNS = 20
STARTING_SECONDS = 600.0  # migrations of a database take minutes on a slow disk
STORING_SECONDS = 300.0
TREE = "SELECT replace(trace_id, '-', ''), span_id, coalesce(parent_span_id, '') FROM spans"
SUMS = "SELECT count(*), sum(input_tokens), sum(output_tokens) FROM llm_calls"
PROMPTS = "SELECT input_text FROM llm_calls ORDER BY 1"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file that an agent's service recorded."""
    path = tmp_path_factory.mktemp("backends") / "shop.db"
    subprocess.run([sys.executable, "-m", "tests.sending.a_service", str(path), "shop", str(RUNS)], check=True)
    return path


def _send(path: Path, url: str, *words: str, **environment: str) -> None:
    command = [sys.executable, "-m", "otel_sqlite_exporter", "send", "-d", str(path), "--to", url, *words]
    subprocess.run(command, check=True, env={**os.environ, "OTEL_EXPORTER_OTLP_TIMEOUT": "60", **environment})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ask(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


@contextmanager
def _running(command: Sequence[str], url: str, log: Path, **environment: str) -> Iterator[None]:
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment}) as process,
    ):
        try:
            wait_until(
                lambda: process.poll() is not None or _answers(url), what="the server starts", seconds=STARTING_SECONDS
            )
            assert process.poll() is None, log.read_text()[-2000:]
            yield
        finally:
            process.terminate()


def test_phoenix_shows_what_was_sent(recorded: Path, tmp_path: Path) -> None:
    """Phoenix has every span below its parent, and each call once, with its prompt and its tokens."""
    program = os.environ.get("PHOENIX") or pytest.skip("PHOENIX names no phoenix")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PHOENIX_WORKING_DIR": str(tmp_path),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(_free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with _running([program, "serve"], f"{url}/healthz", tmp_path / "log", **environment):
        _send(recorded, url, "--as", "openinference", "--name", "phoenix")
        spans: list[Any] = []

        def stored() -> bool:
            spans[:] = _ask(f"{url}/v1/projects/default/spans?limit=1000")["data"]
            return len(spans) == RUNS * 6

        wait_until(stored, what="all spans are there", seconds=STORING_SECONDS)
    tree = [(span["context"]["trace_id"], span["context"]["span_id"], span["parent_id"] or "") for span in spans]
    assert sorted(tree) == sorted(query(recorded, TREE))
    calls = [span["attributes"] for span in spans if span["span_kind"] == "LLM"]
    counts = [sum(int(call.get(f"llm.token_count.{count}", 0)) for call in calls) for count in ("prompt", "completion")]
    assert (len(calls), *counts) == query(recorded, SUMS)[0]
    asked = [(call["llm.input_messages.0.message.content"],) for call in calls]
    assert sorted(asked) == query(recorded, PROMPTS)


def test_mlflow_shows_what_was_sent(recorded: Path, tmp_path: Path) -> None:
    """MLflow has every trace with its tree, and adds up each call once."""
    program = os.environ.get("MLFLOW") or pytest.skip("MLFLOW names no mlflow")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    store = ("--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--default-artifact-root", str(tmp_path))
    command = [program, "server", *store, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with _running(command, f"{url}/health", tmp_path / "log"):
        _send(recorded, url, "--name", "mlflow", OTEL_EXPORTER_OTLP_HEADERS="x-mlflow-experiment-id=0")
        experiment = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
        found = _ask(f"{url}/api/3.0/mlflow/traces/search", {"locations": [experiment], "max_results": 100})["traces"]
        traces = [_ask(f"{url}/api/3.0/mlflow/traces/get?trace_id={trace['trace_id']}")["trace"] for trace in found]
    usage = [json.loads(trace["trace_metadata"]["mlflow.trace.tokenUsage"]) for trace in found]
    sums = [sum(counts[f"{name}_tokens"] for counts in usage) for name in ("input", "output")]
    spans = [span for trace in traces for span in trace["spans"]]
    tree = [tuple(_hex(span.get(key)) for key in ("trace_id", "span_id", "parent_span_id")) for span in spans]
    assert sorted(tree) == sorted(query(recorded, TREE))
    calls = [span for span in spans if _attribute(span, "mlflow.spanType") == {"string_value": "CHAT_MODEL"}]
    assert (len(calls), *sums) == query(recorded, SUMS)[0]
    shown = json.dumps(calls)
    assert all(f'"{question}"' in shown for (question,) in query(recorded, PROMPTS))


def _hex(identifier: str | None) -> str:
    return base64.b64decode(identifier or "").hex()


def _attribute(span: Any, key: str) -> Any:
    return next((item["value"] for item in span["attributes"] if item["key"] == key), None)
