"""The books of ``python -m benchmarks.chaos`` balance for what was recorded, and for nothing else."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.chaos.books import Life, balance
from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.support import end_spans

CRIMES = {
    "a row is gone": "DELETE FROM spans WHERE id = 3",
    "a row is of somebody else": "UPDATE spans SET name = 'b.0' WHERE id = 3",
    "the ledger says more than there is": "UPDATE recorders SET received = received + 1, written = written + 1",
    "the ledger received less than had ended": "UPDATE recorders SET received = received - 1",
    "the ledger hides a loss": "UPDATE recorders SET dropped_queue_full = 1",
}


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "ended"])
@pytest.mark.parametrize("crime", [None, *CRIMES])
def test_whatever_is_wrong_is_told(tmp_path: Path, crime: str | None, *, is_killed: bool) -> None:
    """Each kind of disagreement between a journal, a ledger and rows is a fault; agreement is none."""
    path, journal = tmp_path / "traces.db", tmp_path / "a"
    processor = SQLiteSpanProcessor(path)
    moments = []
    for number in range(5):
        end_spans(processor, name=f"a.{number}")
        moments.append(time.time_ns())
    processor.shutdown()
    journal.write_text("\n".join(map(str, moments)))
    if not is_killed:
        Path(f"{journal}.stats").write_text(json.dumps({"received": 5, "written": 5, "dropped": 0}))
    if crime is not None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(CRIMES[crime])
            connection.commit()
    books = balance([Life("a", os.getpid(), journal)], [path])
    assert (books.ended, bool(books.faults)) == (5, crime is not None and not (is_killed and "hides" in crime)), books
