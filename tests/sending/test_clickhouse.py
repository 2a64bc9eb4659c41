"""ClickHouse's engine answers as the file does, through the schema of examples/scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.demo.file import write_demo
from tests.support import query

pytestmark = pytest.mark.servers
SCHEMA = Path(__file__).parents[2] / "examples" / "scale" / "clickhouse.sql"
SUMS = "count(*), sum(input_tokens), sum(output_tokens), round(sum(cost_usd), 6)"


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    """Return a session of ClickHouse's engine with the schema."""
    session = pytest.importorskip("chdb.session").Session(str(tmp_path / "clickhouse"))
    for statement in SCHEMA.read_text("utf-8").split(";\n"):
        if statement.strip():
            session.query(statement)
    yield session
    session.close()


def test_the_sums_are_those_of_the_file(engine: Any, tmp_path: Path) -> None:
    """Spans that come twice count once, and the views of the same names give the same numbers."""
    pytest.importorskip("pyarrow")
    from otel_sqlite_exporter.sending.parquet import export_parquet

    path, lake = tmp_path / "demo.db", tmp_path / "lake"
    write_demo(path, days=3)
    export_parquet(str(path), str(lake), "otel")
    for _ in range(2):
        engine.query(f"INSERT INTO otel_traces SELECT * FROM file('{lake}/*/*.parquet', Parquet)")
    ((calls, *sums),) = query(path, f"SELECT {SUMS} FROM llm_calls")
    found = engine.query(f"SELECT {SUMS} FROM llm_calls", "CSV").bytes().decode().strip().split(",")
    assert [float(number) for number in found] == pytest.approx([calls, *sums], abs=1e-5)
    by_model = "SELECT model, calls, input_tokens FROM usage_by_model ORDER BY day, model"
    expected = [",".join(str(column) for column in row) for row in query(path, by_model)]
    assert engine.query(by_model, "CSV").bytes().decode().replace('"', "").split() == expected
