"""The way of examples/scale with real binaries: three services, a sender for each, a Collector, ClickHouse's engine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sending.clickhouse import Engine, serving
from tests.support import query, wait_until

pytestmark = pytest.mark.servers

RUNS = 40
SERVICES = ("shop", "help", "desk")
CALL = (
    "trace_id, span_id, provider, model, input_tokens, output_tokens, total_tokens, cache_read_tokens, cost_usd, "
    "status, error_type, user_id, agent_name, conversation_id, service_name, name"
)
USAGE = "day, provider, model, calls, errors, input_tokens, output_tokens, cost_usd"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return ClickHouse's engine with the schema."""
    session = pytest.importorskip("chdb.session").Session(str(tmp_path / "clickhouse"))
    yield Engine(session, tmp_path)
    session.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def collector(clickhouse: str, log: Path) -> Iterator[str]:
    """Run a Collector from OTLP to ClickHouse meanwhile; give the address of its receiver."""
    package = Path(pytest.importorskip("rotel").__file__ or "").parent
    port = _free_port()
    command = [
        *(str(package / "rotel-agent"), "start", "--exporter", "clickhouse"),
        *("--clickhouse-exporter-endpoint", clickhouse, "--clickhouse-exporter-database", "default"),
        *("--clickhouse-exporter-compression", "none", "--clickhouse-exporter-async-insert", "false"),
        *("--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{_free_port()}"),
    ]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            wait_until(lambda: _listens(port) or process.poll() is not None, what="the Collector listens")
            assert process.poll() is None, log.read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _python(*words: str) -> list[str]:
    return [sys.executable, "-m", *words]


def _all(commands: list[list[str]]) -> None:
    environment = {**os.environ, "NO_COLOR": "1"}
    running = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) for words in commands]
    for process in running:
        _, said = process.communicate()
        assert process.returncode == 0, said


def _of_files(files: list[Path], sql: str) -> list[tuple[object, ...]]:
    return [row for path in files for row in query(path, sql)]


def _of_engine(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return [tuple(None if value == r"\N" else value for value in row) for row in engine.query(sql)]


def _alike(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Return rows in which a number is the same however it is written."""
    return sorted((tuple(_value(value) for value in row) for row in rows), key=repr)


def _value(value: object) -> object:
    try:
        return round(float(str(value)), 7)
    except ValueError:
        return value


def test_three_services_are_one_question(engine: Engine, tmp_path: Path) -> None:
    """Recorded in three processes, sent twice, asked once: every call and every sum is that of the files."""
    files = [tmp_path / f"{name}.db" for name in SERVICES]
    _all(
        [
            _python("tests.sending.a_service", str(path), name, str(RUNS))
            for path, name in zip(files, SERVICES, strict=True)
        ]
    )
    spans = sum(int(str(count)) for (count,) in _of_files(files, "SELECT count(*) FROM spans"))
    with serving(engine) as clickhouse, collector(clickhouse, tmp_path / "collector.log") as url:
        for again in ((), ("--again",)):
            _all([_python("otel_sqlite_exporter", "send", "-d", str(path), "--to", url, *again) for path in files])
            wait_until(
                lambda: int(engine.query("SELECT count() FROM otel_traces FINAL")[0][0]) == spans,
                what="all spans are there",
                seconds=60,
            )
    assert spans == len(SERVICES) * RUNS * 6
    calls = _alike(_of_files(files, f"SELECT {CALL} FROM llm_calls"))
    assert len(calls) == len(SERVICES) * RUNS * 2
    assert _alike(_of_engine(engine, f"SELECT {CALL} FROM llm_calls")) == calls
    sums = "sum(calls), sum(errors), sum(input_tokens), sum(output_tokens), sum(cost_usd)"
    merged = tmp_path / "all.db"
    _all([_python("otel_sqlite_exporter", "merge", str(merged), *map(str, files))])
    for asked in (f"SELECT {sums} FROM usage_by_model", f"SELECT {USAGE} FROM usage_by_model"):
        assert _alike(_of_engine(engine, asked)) == _alike(query(merged, asked))
    tools = "SELECT tool_name, status, agent_name, count(*) FROM tool_calls GROUP BY 1, 2, 3"
    assert _alike(_of_engine(engine, tools)) == _alike(query(merged, tools))
    traces = "SELECT trace_id, name, spans, llm_calls, input_tokens, output_tokens, errors FROM traces"
    assert _alike(_of_engine(engine, traces)) == _alike(query(merged, traces))
