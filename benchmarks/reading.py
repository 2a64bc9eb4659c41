"""How long the common questions take in a file of a million spans."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from benchmarks.filling import NEEDLE, fill
from benchmarks.measure import scratch
from benchmarks.report import Figure

if TYPE_CHECKING:
    from pathlib import Path


def run(*, quick: bool) -> list[Figure]:
    """Measure the views over a file of a million spans, a tenth of it in quick mode."""
    spans = 100_000 if quick else 1_000_000
    with scratch() as directory:
        path = directory / "reading.db"
        fill(path, spans)
        return measure(path, spans)


def measure(path: Path, spans: int) -> list[Figure]:
    """Return how long each question takes, best of three."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    (trace_id,) = connection.execute("SELECT trace_id FROM spans WHERE id = ?", (spans // 2,)).fetchone()
    (day,) = connection.execute("SELECT day FROM usage_by_model ORDER BY day LIMIT 1 OFFSET 20").fetchone()
    questions = (
        ("usage_by_model, all days", "SELECT * FROM usage_by_model", (), 300.0),
        ("usage_by_model, one day", "SELECT * FROM usage_by_model WHERE day = ?", (day,), 300.0),
        ("last 50 calls by id", "SELECT * FROM llm_calls ORDER BY id DESC LIMIT 50", (), 20.0),
        ("last 50 calls by start_time", "SELECT * FROM llm_calls ORDER BY start_time DESC LIMIT 50", (), 20.0),
        (
            "last 50 calls by start_time_unix_nano",
            "SELECT * FROM llm_calls ORDER BY start_time_unix_nano DESC LIMIT 50",
            (),
            20.0,
        ),
        ("a trace's calls", "SELECT * FROM llm_calls WHERE trace_id = ?", (trace_id,), 5.0),
        ("a trace's spans", "SELECT * FROM spans WHERE trace_id = ?", (trace_id,), 5.0),
        ("a row of traces", "SELECT * FROM traces WHERE trace_id = ?", (trace_id,), 5.0),
        ("text search in messages, all", "SELECT count(*) FROM messages WHERE text LIKE ?", (f"%{NEEDLE}%",), None),
        (
            "text search in llm_calls, first 50",
            "SELECT id FROM llm_calls WHERE input_text LIKE ? LIMIT 50",
            (f"%{NEEDLE}%",),
            None,
        ),
    )
    figures = []
    for name, sql, values, target in questions:
        best = min(_milliseconds(connection, sql, values) for _ in range(3))
        figures.append(Figure("reading", f"{name}, {spans:,} spans", best, "ms", target=target))
    connection.close()
    return figures


def _milliseconds(connection: sqlite3.Connection, sql: str, values: tuple[str, ...]) -> float:
    start = time.perf_counter()
    connection.execute(sql, values).fetchall()
    return (time.perf_counter() - start) * 1e3
