"""Real SDKs under real instrumentations, against the stand-in, through the processor, into a file."""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tests.live.setups import SETUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

Recording: TypeAlias = tuple[list[dict[str, Any]], Path]
"""The truth about each call, and the file."""

pytestmark = pytest.mark.live

ROOT = Path(__file__).parent.parent.parent

WEATHER = "21 °C and sunny in Paris"

PAIRS = [(setup, sdk) for setup in SETUPS for sdk in SETUPS[setup].instrumentors]

_SUMMED = "adds the provisional count of the first event to the final one"
_UNREAD = "reports the output only of streams that are read through the SDK's helper"
_LAST = "reports the text of the last chunk only"
_REQUESTED = "gives the requested model as the response's"

KNOWN: dict[tuple[str, str], dict[str, str]] = {
    ("otel", "openai"): {"embeddings.input_text": "does not report what is embedded"},
    ("otel_events", "openai"): {"embeddings.input_text": "does not report what is embedded"},
    ("openllmetry", "anthropic"): {
        "stream.output_tokens": _SUMMED,
        "stream_manager.output_tokens": _SUMMED,
        "async_stream.output_tokens": _SUMMED,
        "streamed_tools.output_tokens": _SUMMED,
    },
    ("openllmetry", "google_genai"): {"stream.output_text": _LAST, "async_stream.output_text": _LAST},
    ("openllmetry", "langchain"): {"stream.response_model": _REQUESTED, "async_stream.response_model": _REQUESTED},
    ("sdk", "anthropic"): {
        "stream.output_text": _UNREAD,
        "async_stream.output_text": _UNREAD,
        "streamed_tools.tool_calls": _UNREAD,
    },
}
"""What an instrumentation itself does not report rightly: "scenario.fact" -> the reason."""

MODULES = {
    "google_genai": "google.genai",
    "mistralai": "mistralai.client",
    "langchain": "langchain_openai",
}


def _missing(setup: str, sdk: str) -> str | None:
    """Name a module that the pair needs and that is not installed."""
    needed = [MODULES.get(sdk, sdk), *(name.partition(":")[0] for name in SETUPS[setup].instrumentors[sdk])]
    for name in needed:
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return name
    return None


def _record(setup: str, sdk: str, database: Path) -> Recording:
    """Run the SDK in a process of its own; return the truth about its calls, and the file."""
    environment = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_", "OPENAI_"))
        },
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "examples"))),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.live.record", setup, sdk, database],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), database


def _rows(database: Path, sql: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(sql).fetchall()


def _said(row: sqlite3.Row, fact: str) -> object:
    """Read one fact off a row."""
    if fact == "failed":
        return row["status"] == "error"
    if fact == "finished":
        return bool(row["finish_reason"])
    if fact == "tool_calls":
        calls = json.loads(row["tool_calls"] or "[]")
        return [[call["name"], _decoded(call["arguments"])] for call in calls]
    return row[fact]


def _decoded(arguments: object) -> object:
    return json.loads(arguments) if isinstance(arguments, str) else arguments


def _folded(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


def _misses(truth: list[dict[str, Any]], rows: list[sqlite3.Row]) -> dict[str, str]:
    """Compare the truth with the rows, each call with the row in whose time it was made.

    Of several parallel rows the one that ends first is taken: the others can wait for later calls.
    """
    misses: dict[str, str] = {}
    left = sorted(rows, key=lambda row: int(row["end_time_unix_nano"]))
    for call in truth:
        moment = call["received_unix_nano"]
        row = next((r for r in left if r["start_time_unix_nano"] <= moment <= r["end_time_unix_nano"]), None)
        if row is None:
            misses[f"{call['scenario']}.row"] = "the call is not recorded"
            continue
        left.remove(row)
        for fact, expected in call["facts"].items():
            said = _said(row, fact)
            if _folded(said) != _folded(expected):
                misses[f"{call['scenario']}.{fact}"] = f"{said!r} instead of {expected!r}"
    misses |= {f"row {row['id']}": f"{row['name']}: nobody made this call" for row in left}
    return misses


@pytest.fixture(scope="module")
def recordings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Recording]]]:
    """The recordings that the selected tests want, made two at a time: most of their time is spent on imports."""
    wanted = {item.callspec.id: item.callspec.params for item in request.session.items if hasattr(item, "callspec")}
    with ThreadPoolExecutor(2) as pool:
        yield {
            name: pool.submit(_record, pair["setup"], pair["sdk"], tmp_path_factory.mktemp(name) / "traces.db")
            for name, pair in wanted.items()
            if "setup" in pair and not _missing(pair["setup"], pair["sdk"])
        }


@pytest.mark.parametrize(("setup", "sdk"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_every_call_is_one_row_with_every_fact(setup: str, sdk: str, recordings: dict[str, Future[Recording]]) -> None:
    """Every call that the SDK made is one row of ``llm_calls`` with all the facts; nothing is dropped on the way."""
    if missing := _missing(setup, sdk):
        pytest.skip(f"{missing} is not installed")

    truth, database = recordings[f"{setup}-{sdk}"].result()

    misses = _misses(truth, _rows(database, "SELECT * FROM llm_calls"))
    known = KNOWN.get((setup, sdk), {})
    unknown = [f"{fact}: {said}" for fact, said in misses.items() if fact not in known]
    assert not unknown, "\n".join(unknown)
    assert set(known) <= set(misses), "delete from KNOWN what is right now"
    (ledger,) = _rows(database, "SELECT received, written, dropped, clean_exit FROM recorders")
    assert (ledger["dropped"], ledger["clean_exit"]) == (0, 1)
    assert ledger["received"] == ledger["written"] > 0


AGENTS = [(setup, sdk) for setup, sdk in PAIRS if sdk in {"langchain", "pydantic_ai"}]


@pytest.mark.parametrize(("setup", "sdk"), AGENTS, ids=["-".join(pair) for pair in AGENTS])
def test_the_steps_of_an_agent_are_rows_of_its_trace(
    setup: str, sdk: str, recordings: dict[str, Future[Recording]]
) -> None:
    """An agent's run and its tool call are rows beside the model calls, the tool's with what went in and out."""
    if missing := _missing(setup, sdk):
        pytest.skip(f"{missing} is not installed")

    _, database = recordings[f"{setup}-{sdk}"].result()

    (tool,) = _rows(database, "SELECT * FROM spans WHERE kind = 'tool' AND tool_name = 'get_weather'")
    said = _rows(
        database,
        "SELECT direction, coalesce(m.text, '') || coalesce(m.parts, '') AS said FROM span_messages sm"
        f" JOIN messages m ON m.id = sm.message_id WHERE sm.span_id = {tool['id']}",
    )
    given = [row["said"] for row in said if row["direction"] == "input"]
    returned = [row["said"] for row in said if row["direction"] == "output"]
    assert any("Paris" in text for text in given)
    assert any(WEATHER in text for text in returned)
    of_trace = _rows(database, f"SELECT kind FROM spans WHERE trace_id = '{tool['trace_id']}'")
    kinds = [row["kind"] for row in of_trace]
    assert kinds.count("llm") >= 2
    assert {"agent", "chain"} & set(kinds)
