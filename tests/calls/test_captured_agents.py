"""Agents whose framework and SDK both report, captured from real runs: the SDK's spans lie in traces of their own."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.conformance.corpus import Scenario, load
from tests.conformance.through_file import record

if TYPE_CHECKING:
    from pathlib import Path

AGENTS = {
    "openai__plus_openai__agent_one_tool": (2, 208, 42),
    "sdk_tracing_on__agent": (2, 910, 73),
}
"""Captures of LangChain's agents, and what they used: calls, input and output tokens."""


@pytest.fixture(scope="module")
def scenarios() -> dict[str, Scenario]:
    """Return the captures: OpenInference's LangChain with its OpenAI, and with Anthropic's own tracing."""
    return {
        scenario.name: scenario
        for scenario in load()
        if scenario.instrumentation == "openinference-instrumentation-langchain@0.1.80" and scenario.name in AGENTS
    }


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Return what a query finds."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("name", AGENTS)
def test_an_agents_run_is_one_trace(scenarios: dict[str, Scenario], name: str, tmp_path: Path) -> None:
    """The agent's trace has all its calls, tokens and cost, and its conversation counts one trace."""
    scenario = scenarios[name]
    assert len({span["trace_id"] for span in scenario.spans}) == 1 + AGENTS[name][0]
    path = tmp_path / "traces.db"
    record(scenario, SQLiteSpanProcessor(path))
    assert query(path, "SELECT llm_calls, input_tokens, output_tokens, spans FROM traces") == [
        (*AGENTS[name], len(scenario.spans))
    ]
    ((cost,),) = query(path, "SELECT cost_usd FROM traces")
    ((of_calls,),) = query(path, "SELECT sum(cost_usd) FROM llm_calls")
    assert cost == (None if of_calls is None else pytest.approx(of_calls))
    assert query(path, "SELECT traces, llm_calls FROM conversations") == [(1, AGENTS[name][0])]
    assert query(path, "SELECT count(DISTINCT trace_id), count(conversation_id) FROM llm_calls") == [
        (1, AGENTS[name][0])
    ]
