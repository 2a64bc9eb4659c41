"""Every example runs as its reader would run it, and its file holds what it says it holds."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
KEYS = ("OTEL_", "OPENAI_", "ANTHROPIC_")


def _need(*modules: str) -> None:
    for module in modules:
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            pytest.skip(f"{module} is not installed: pip install '.[examples]'")


def _run(directory: Path, *command: str | Path, **environment: str) -> str:
    """Run a command in a directory of its own, without the keys that would send it to a real API."""
    done = subprocess.run(
        command,
        cwd=directory,
        env={**{name: value for name, value in os.environ.items() if not name.startswith(KEYS)}, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run_example(name: str, directory: Path, **environment: str) -> str:
    return _run(directory, sys.executable, EXAMPLES / name, PYTHONIOENCODING="utf-8", **environment)


def _query(directory: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(directory / "llm_traces.db")) as connection:
        return connection.execute(sql).fetchall()


def test_the_quickstart_records_and_prints_every_call_each_time_it_is_run(tmp_path: Path) -> None:
    """Two runs of the quickstart leave twelve calls in the file; the second prints its own six, and the totals."""
    _need("openai", "openinference.instrumentation.openai", "rich")

    narrow = _run_example("quickstart.py", tmp_path)
    printed = _run_example("quickstart.py", tmp_path, COLUMNS="120")

    calls = _query(
        tmp_path,
        "SELECT kind, request_model, input_tokens IS NOT NULL, output_tokens IS NOT NULL, status = 'error',"
        " input_text, output_text, tool_calls IS NOT NULL FROM llm_calls ORDER BY start_time_unix_nano",
    )
    haiku = "One file holds it all,\nrows asleep in quiet pages.\nA query wakes them."
    text = "SQLite is a small, fast, full-featured database."
    model, weather = "gpt-5.4-mini", "What is the weather in Paris?"
    once = [
        ("llm", model, 1, 1, 0, "What is the capital of France?", "The capital of France is Paris.", 0),
        ("llm", model, 1, 1, 0, "Write a haiku about SQLite.", haiku, 0),
        ("llm", model, 1, 1, 0, weather, None, 1),
        ("llm", model, 1, 1, 0, weather, "The tool says: 21 °C and sunny in Paris.", 0),
        ("embedding", "text-embedding-3-small", 1, 0, 0, text, None, 0),
        ("llm", model, 0, 0, 1, "Why is the sky blue?", None, 0),
    ]
    assert calls == once * 2
    assert printed.count("What is the capital") == 1
    assert "get_weather(city='Paris')" in printed
    assert str(tmp_path / "llm_traces.db") in printed
    assert "otel-sqlite -d llm_traces.db" in printed
    assert "otel-sqlite serve -d llm_traces.db" in printed
    table = narrow[narrow.index("Recorded calls") : narrow.index(str(tmp_path))]
    assert max(map(len, table.splitlines())) <= 80


def test_a_call_that_two_instrumentations_report_is_counted_once(tmp_path: Path) -> None:
    """The Anthropic example makes four calls, and the file counts four, though the SDK reports them a second time."""
    _need("anthropic", "opentelemetry.instrumentation.anthropic", "rich")

    _run_example("anthropic_traced.py", tmp_path)

    calls = _query(tmp_path, "SELECT provider, request_model, input_text FROM llm_calls ORDER BY start_time_unix_nano")
    questions = ["Why is the sky blue?", "Write a haiku about SQLite.", *["What is the weather in Paris?"] * 2]
    assert calls == [("anthropic", "claude-haiku-4-5", question) for question in questions]


def test_the_run_of_an_agent_is_one_trace(tmp_path: Path) -> None:
    """The agent, its two model calls and the tool between them are one trace, and only the model calls are counted."""
    _need("pydantic_ai", "openai", "rich")

    printed = _run_example("agent.py", tmp_path)

    kinds = _query(tmp_path, "SELECT kind FROM spans ORDER BY start_time_unix_nano")
    assert [kind for (kind,) in kinds] == ["agent", "llm", "tool", "llm"]
    ((calls, tokens),) = _query(tmp_path, "SELECT llm_calls, total_tokens FROM traces")
    assert calls == 2
    assert _query(tmp_path, "SELECT sum(total_tokens) FROM llm_calls") == [(tokens,)]
    assert _query(tmp_path, "SELECT tool_name FROM spans WHERE kind = 'tool'") == [("get_weather",)]
    assert "The last trace" in printed


def test_a_span_made_by_hand_is_a_call(tmp_path: Path) -> None:
    """A span with GenAI attributes is recorded without any SDK, under the provider's own name."""
    _run_example("manual_span.py", tmp_path)

    assert _query(
        tmp_path,
        "SELECT provider, model, input_text, output_text, input_tokens, output_tokens FROM llm_calls",
    ) == [("my-model-server", "reverser-1", "Hello, local model", "Hello, local model"[::-1], 3, 3)]
