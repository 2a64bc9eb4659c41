"""Real SDKs under real instrumentations, against the stand-in, through the processor, into a file."""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from setups import SETUPS

pytestmark = pytest.mark.live

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"

PAIRS = [(setup, sdk) for setup in SETUPS for sdk in SETUPS[setup].instrumentors]

KNOWN: dict[tuple[str, str], dict[str, str]] = {}
"""What an instrumentation is known not to report rightly: "scenario.fact" -> the reason."""

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


def _record(setup: str, sdk: str, database: Path) -> list[dict[str, Any]]:
    """Run the SDK in a process of its own; return the truth about its calls."""
    environment = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_", "OPENAI_"))
        },
        "PYTHONPATH": os.pathsep.join((str(EXAMPLES), *filter(None, (os.environ.get("PYTHONPATH"),)))),
        "OPENINFERENCE_HIDE_INPUTS": "false",
    }
    done = subprocess.run(
        [sys.executable, HERE / "record.py", setup, sdk, database],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    truth: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return truth


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
    """Compare the truth with the rows, each call with the row in whose time it was made."""
    misses: dict[str, str] = {}
    left = list(rows)
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


@pytest.mark.parametrize(("setup", "sdk"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_every_call_is_one_row_with_every_fact(setup: str, sdk: str, tmp_path: Path) -> None:
    """Every call that the SDK made is one row of ``llm_calls`` with all the facts; nothing is dropped on the way."""
    if missing := _missing(setup, sdk):
        pytest.skip(f"{missing} is not installed")
    database = tmp_path / "traces.db"

    truth = _record(setup, sdk, database)

    misses = _misses(truth, _rows(database, "SELECT * FROM llm_calls ORDER BY start_time_unix_nano"))
    known = KNOWN.get((setup, sdk), {})
    assert {fact: said for fact, said in misses.items() if fact not in known} == {}
    assert set(known) <= set(misses), "delete from KNOWN what is right now"
    (ledger,) = _rows(database, "SELECT received, written, dropped, clean_exit FROM recorders")
    assert (ledger["dropped"], ledger["clean_exit"]) == (0, 1)
    assert ledger["received"] == ledger["written"] > 0
