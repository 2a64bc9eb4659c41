"""Parquet holds what the file holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

import pyarrow.parquet as pq

from otel_sqlite_exporter.demo.file import write_demo
from otel_sqlite_exporter.sending.parquet import export_parquet
from tests.sending.conftest import record_spans
from tests.support import query

SUMS = "SELECT count(*), sum(input_tokens), sum(output_tokens), sum(total_tokens), sum(cost_usd) FROM "


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a demonstration file of three days."""
    path = tmp_path_factory.mktemp("parquet") / "demo.db"
    write_demo(path, days=3)
    return path


def rows_of(directory: Path) -> list[dict[str, Any]]:
    """Return all rows below a directory."""
    return [row for path in sorted(directory.rglob("*.parquet")) for row in pq.ParquetFile(path).read().to_pylist()]


def test_calls_are_the_calls_of_the_view(demo: Path, tmp_path: Path) -> None:
    """The layout has one row per call, by day, with the numbers of llm_calls and the messages in reading order."""
    written, files = export_parquet(str(demo), str(tmp_path / "lake"), "calls")
    rows = sorted(rows_of(tmp_path / "lake"), key=lambda row: row["id"])
    columns = ["id", "trace_id", "model", "total_tokens", "cost_usd", "duration_ms", "service_name", "error_type"]
    expected = query(demo, f"SELECT {', '.join(columns)} FROM llm_calls ORDER BY id")
    assert [tuple(row[column] for column in columns) for row in rows] == expected
    assert (written, files) == (len(expected), len(list((tmp_path / "lake").glob("day=*"))))
    for path in (tmp_path / "lake").rglob("*.parquet"):
        days = {str(row["start_time"])[:10] for row in pq.ParquetFile(path).read().to_pylist()}
        assert {path.parent.name} == {f"day={day}" for day in days}
        assert path.stat().st_mode & 0o077 == 0
    messages = query(demo, "SELECT direction, role, text, parts FROM call_messages WHERE span_id = ?", rows[0]["id"])
    assert [(m["direction"], m["role"], m["text"]) for m in rows[0]["messages"]] == [row[:3] for row in messages]


def test_a_repeated_export_writes_the_same_files(tmp_path: Path) -> None:
    """Names are by file and block of ids: what comes later, and what changed, overwrites what was written before."""
    path, lake = tmp_path / "traces.db", tmp_path / "lake"
    record_spans(path, 25)
    assert export_parquet(str(path), str(lake), "calls", block=10) == (25, 3)
    names = sorted(file.name for file in lake.rglob("*"))
    record_spans(path, 3, first=26)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE spans SET user_id = 'u' WHERE id = 1")
    assert export_parquet(str(path), str(lake), "calls", block=10) == (28, 3)
    assert sorted(file.name for file in lake.rglob("*")) == names
    assert sorted(row["id"] for row in rows_of(lake)) == list(range(1, 29))
    assert [row["user_id"] for row in rows_of(lake) if row["id"] == 1] == ["u"]


def test_an_export_that_fails_leaves_no_half_file(tmp_path: Path) -> None:
    """Files get their names once they are whole."""
    path, lake = tmp_path / "traces.db", tmp_path / "lake"
    record_spans(path, 5)

    def fail(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_parquet(str(path), str(lake), "calls", advance=fail)
    assert not list(lake.rglob("*.parquet*"))


def test_otel_has_every_span_in_the_collectors_columns(demo: Path, tmp_path: Path) -> None:
    """All spans are there, with hexadecimal ids, nanoseconds and maps of texts."""
    export_parquet(str(demo), str(tmp_path / "lake"), "otel")
    rows = rows_of(tmp_path / "lake")
    ids = {(row["TraceId"], row["SpanId"]) for row in rows}
    assert ids == set(query(demo, "SELECT replace(trace_id, '-', ''), span_id FROM spans"))
    tokens = sum(int(dict(row["SpanAttributes"]).get("gen_ai.usage.input_tokens", 0)) for row in rows)
    assert query(demo, "SELECT sum(input_tokens) FROM llm_calls") == [(tokens,)]
    assert {row["SpanKind"] for row in rows} <= {"Internal", "Client", "Server", "Producer", "Consumer"}


@pytest.mark.readers
def test_engines_find_the_same_sums(demo: Path, tmp_path: Path) -> None:
    """DuckDB and polars add up the Parquet files to what SQLite adds up the view to."""
    duckdb = pytest.importorskip("duckdb")
    polars = pytest.importorskip("polars")
    export_parquet(str(demo), str(tmp_path / "lake"), "calls")
    (expected,) = query(demo, SUMS + "llm_calls")
    files = str(tmp_path / "lake" / "*" / "*.parquet")
    (found,) = duckdb.sql(SUMS + f"read_parquet('{files}', hive_partitioning = true)").fetchall()
    assert found == pytest.approx(expected)
    frame = polars.scan_parquet(files, hive_partitioning=True)
    sums = [polars.col(name).sum() for name in ("input_tokens", "output_tokens", "total_tokens", "cost_usd")]
    assert frame.select(polars.len(), *sums).collect().row(0) == pytest.approx(expected)
