"""Every sum is the same sum."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from otel_sqlite_exporter import Database, open_database
from otel_sqlite_exporter.reading import Filters
from otel_sqlite_exporter.reading.totals import TOKENS
from tests.support import query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SUMS = (
    "SELECT count(*), count(CASE WHEN status = 'error' THEN 1 END), sum(input_tokens), sum(output_tokens), "
    "sum(total_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(reasoning_tokens), "
    "round(sum(cost_usd), 6) FROM llm_calls"
)


@pytest.fixture(scope="session")
def spent_path(demo_path: Path) -> Path:
    """Return the path of a demonstration file in which prompts are written into caches too."""
    path = demo_path.with_name("spent.db")
    shutil.copy(demo_path, path)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE spans SET cache_write_tokens = id WHERE id % 3 = 0 AND input_tokens IS NOT NULL")
    return path


@pytest.fixture
def spent(spent_path: Path) -> Iterator[Database]:
    """Return that file, open for reading."""
    with open_database(spent_path) as database:
        yield database


@pytest.mark.parametrize(
    "by", ["day", "model", "provider", "agent", "user", "service", "conversation", "trace", "day,model", "agent,user"]
)
@pytest.mark.parametrize("since", [None, "3d"], ids=["always", "three days"])
def test_usage_by_anything_adds_up_to_the_calls(spent: Database, by: str, since: str | None) -> None:
    """The groups of every question about usage add up to the totals of ``llm_calls``, of a period as well."""
    filters = Filters.parse({"since": since})
    start = filters.since.unix_nano if filters.since else 0
    (expected,) = query(spent.path, f"{_SUMS} WHERE start_time_unix_nano >= {start}")
    rows = spent.usage(filters, by=by)
    columns = ("calls", "errors", *(f"{name}_tokens" for name in TOKENS))
    found = [sum(getattr(row, column) or 0 for row in rows) for column in columns]
    assert (*found, round(sum(row.cost_usd or 0 for row in rows), 6)) == expected


@pytest.mark.parametrize("by", ["day", "model", "day,model", "day,agent"])
def test_usage_between_two_moments_is_that_of_the_calls_between_them(spent: Database, by: str) -> None:
    """Whole days are summed already, what is left at both ends is not: no call is counted twice or left out."""
    (start, end) = query(spent.path, "SELECT min(start_time), max(start_time) FROM llm_calls")[0]
    periods = [(str(start), str(end)), ("3d", "1d"), ("30h", "29h"), ("2d", "30h")]
    for since, until in periods:
        rows = spent.usage(by=by, since=since, until=until)
        assert sum(row.calls for row in rows) == spent.count_calls(since=since, until=until)
        assert len({tuple(getattr(row, field) for field in rows.columns[: by.count(",") + 1]) for row in rows}) == len(
            rows
        )


def test_usage_of_a_period_is_the_usage_of_its_calls(demo: Database) -> None:
    """A period counts the calls that started in it, whether they are counted from the calls or by the view."""
    rows = demo.usage(by="model", since="2d")
    assert sum(row.calls for row in rows) == demo.count_calls(since="2d")
    assert 0 < demo.count_calls(since="2d") < demo.count_calls()


def test_a_trace_has_the_sums_of_its_row(demo: Database) -> None:
    """The roots of a tree add up to the calls, tokens and costs of the view ``traces``."""
    for trace in demo.traces(limit=40):
        tree = demo.trace(trace.trace_id)
        assert sum(root.calls for root in tree.roots) == trace.llm_calls
        assert sum(root.tokens or 0 for root in tree.roots) == (trace.total_tokens or 0)
        assert sum(root.cost_usd or 0 for root in tree.roots) == pytest.approx(trace.cost_usd or 0)
        assert len(list(tree.steps())) == trace.spans


@pytest.mark.parametrize("by", ["day", "user", "service", "conversation", "trace", "day,model"])
def test_latency_by_anything_is_of_the_same_calls(demo: Database, by: str) -> None:
    """Percentiles can be grouped by whatever usage can; all groups together are the calls that did not fail."""
    rows = demo.latency(by=by)
    (answered,) = query(
        demo.path, "SELECT count(*), count(time_to_first_token_ms) FROM llm_calls WHERE status <> 'error'"
    )
    assert (sum(row.calls for row in rows), sum(row.first_token_calls for row in rows)) == answered
