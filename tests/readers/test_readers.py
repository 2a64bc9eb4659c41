"""Whoever reads files, reads these: an old SQLite, DuckDB, pandas and polars, on a file with every capture."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.everything import TABLES, VIEWS, write

pytestmark = pytest.mark.readers


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with every capture."""
    path = tmp_path_factory.mktemp("everything") / "traces.db"
    write(path)
    return path


def rows(path: Path, name: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and the rows of a table or view, as Python's own SQLite reads them."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        cursor = connection.execute(f"SELECT * FROM {name}")
        return [column[0] for column in cursor.description], cursor.fetchall()


def alike(ours: object, theirs: object) -> bool:
    """Tell whether a reader has a value as it is, or as text where it has everything as text."""
    if ours is None:
        return theirs is None or (isinstance(theirs, float) and math.isnan(theirs))
    if isinstance(ours, (int, float)) and theirs is not None:
        return math.isclose(float(str(theirs)), ours)
    return ours == theirs


def assert_alike(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]) -> None:
    """Check that a reader has every row."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert all(map(alike, one, other)), (one, other)


def test_the_library_is_the_one_that_was_asked_for() -> None:
    """Where a run is for an old library, it runs with that one."""
    wanted = os.environ.get("EXPECTED_SQLITE_VERSION", sqlite3.sqlite_version)
    assert sqlite3.sqlite_version == wanted


@pytest.mark.parametrize("name", [*TABLES, *VIEWS])
def test_sqlite_reads_every_table_and_view(everything: Path, name: str) -> None:
    """Python's SQLite reads each, whatever its version; what every capture fills is not empty."""
    columns, found = rows(everything, name)
    assert columns
    assert bool(found) is (name != "outboxes")


def duckdb_extension() -> Path:
    """Return the file of DuckDB's SQLite extension, from PyPI."""
    package = importlib.util.find_spec("duckdb_extension_sqlite_scanner")
    assert package is not None
    assert package.origin is not None
    return next(Path(package.origin).parent.glob("extensions/*/sqlite_scanner.duckdb_extension"))


@pytest.fixture(scope="module")
def duckdb(everything: Path) -> Any:
    """Return a connection of DuckDB to the file, made without the network."""
    duckdb = pytest.importorskip("duckdb", reason="tox -e readers has it")
    connection = duckdb.connect()
    connection.execute(f"LOAD '{duckdb_extension()}'")
    connection.execute(f"ATTACH '{everything}' AS traces (TYPE sqlite, READ_ONLY)")
    return connection


@pytest.mark.parametrize("name", TABLES)
def test_duckdb_reads_every_table(everything: Path, duckdb: Any, name: str) -> None:
    """DuckDB has each table with the types of its columns; a generated column is not among them."""
    columns, ours = rows(everything, name)
    theirs = duckdb.sql(f"SELECT * FROM traces.{name}")
    kept = [position for position, column in enumerate(columns) if column in theirs.columns]
    assert set(columns) - set(theirs.columns) <= {"dropped"}
    assert_alike([tuple(row[position] for position in kept) for row in ours], theirs.fetchall())


@pytest.mark.parametrize("name", VIEWS)
def test_duckdb_reads_every_view(everything: Path, duckdb: Any, name: str) -> None:
    """SQLite answers in DuckDB's place: the views by sqlite_query, every column as text."""
    columns, ours = rows(everything, name)
    theirs = duckdb.sql(f"SELECT * FROM sqlite_query('traces', 'SELECT * FROM {name}')")
    assert theirs.columns == columns
    assert_alike(ours, theirs.fetchall())


def test_duckdb_sums_what_it_reads(everything: Path, duckdb: Any) -> None:
    """A question in DuckDB's own words gives the sums of the file."""
    ((theirs,),) = duckdb.sql(
        "SELECT sum(input_tokens) FROM traces.spans WHERE kind IN ('llm', 'embedding') AND duplicate_of IS NULL"
    ).fetchall()
    _, ours = rows(everything, "usage_by_model")
    columns, _ = rows(everything, "usage_by_model")
    assert theirs == sum(row[columns.index("input_tokens")] or 0 for row in ours)


@pytest.mark.parametrize("name", [*TABLES, *VIEWS])
def test_pandas_reads_every_table_and_view(everything: Path, name: str) -> None:
    """Pandas has each, by read_sql_query over a connection."""
    pandas = pytest.importorskip("pandas", reason="tox -e readers has it")
    columns, ours = rows(everything, name)
    with contextlib.closing(sqlite3.connect(f"{everything.as_uri()}?mode=ro", uri=True)) as connection:
        frame = pandas.read_sql_query(f"SELECT * FROM {name}", connection)
    assert list(frame.columns) == columns
    assert len(frame) == len(ours)
    for column in {"duration_ms", "cost_usd"} & set(columns):
        assert frame[column].dtype.kind in "fi", column


@pytest.mark.parametrize("name", [*TABLES, *VIEWS])
def test_polars_reads_every_table_and_view(everything: Path, name: str) -> None:
    """Polars has each, by read_database over a connection."""
    polars = pytest.importorskip("polars", reason="tox -e readers has it")
    columns, ours = rows(everything, name)
    with contextlib.closing(sqlite3.connect(f"{everything.as_uri()}?mode=ro", uri=True)) as connection:
        frame = polars.read_database(f"SELECT * FROM {name}", connection, infer_schema_length=None)
    assert frame.columns == columns
    assert_alike(ours, frame.rows())


@pytest.mark.parametrize("module", ["duckdb", "pandas"])
def test_what_the_documents_show_runs(everything: Path, module: str) -> None:
    """The blocks of docs/sql.md run as they stand, but for the download of the extension."""
    pytest.importorskip(module, reason="tox -e readers has it")
    page = (Path(__file__).parent.parent.parent / "docs" / "sql.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if f"import {module}" in block)
    if module == "duckdb":
        code = code.replace("INSTALL sqlite; LOAD sqlite", f"LOAD '{duckdb_extension()}'")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=everything.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "gpt" in done.stdout
