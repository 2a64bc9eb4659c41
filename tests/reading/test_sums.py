"""Every sum is the same sum."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import StatusCode

from otel_sqlite_exporter import Database, SQLiteSpanProcessor, open_database
from otel_sqlite_exporter.reading import Filters, units
from otel_sqlite_exporter.reading.moments import parse_moment
from otel_sqlite_exporter.reading.totals import TOKENS, total_of
from tests.support import RESOURCE, query

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


def test_calls_that_reported_nothing_are_counted(tmp_path: Path) -> None:
    """A sum tells how many calls it lacks, failed ones left out, from summed days and from calls alike."""
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SQLiteSpanProcessor(tmp_path / "traces.db"))
    tracer = provider.get_tracer("app")
    known = {"gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 4, "gen_ai.usage.cost": 0.5}
    for attributes, has_failed in ((known, False), ({}, False), ({}, False), ({}, True)):
        with tracer.start_as_current_span("chat") as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **attributes})
            if has_failed:
                span.set_status(StatusCode.ERROR)
    provider.shutdown()
    with open_database(tmp_path / "traces.db") as database:
        for by in ("model", "day", "user"):
            (usage,) = database.usage(by=by)
            assert (usage.calls, usage.errors, usage.total_tokens) == (4, 1, 7)
            assert (usage.calls_without_tokens, usage.calls_without_cost) == (2, 2 if usage.cost_usd else 3)
            assert total_of([usage, usage]).calls_without_tokens == 4
        for shown in (repr, lambda rows: rows._repr_html_()):
            assert "calls_without_tokens" in shown(database.usage())
            assert "calls_without_tokens" not in shown(database.usage(status="error"))


def test_days_are_days_of_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the local zone: a day begins and ends by UTC, a time without an offset is local."""
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    try:
        now = datetime(2026, 11, 27, 5, tzinfo=timezone.utc)
        texts = ("today", "yesterday", "2026-11-27", date(2026, 11, 27), "2026-11-27T00:00", "2026-11-27T00:00Z")
        found = [units.iso_time(parse_moment(text, "since", now=now).unix_nano) for text in texts]
        ends = parse_moment("today", "until", is_end=True, now=now)
    finally:
        monkeypatch.undo()
        time.tzset()
    days = [f"2026-11-{day}.000Z" for day in ("27T00:00:00", "26T00:00:00", "27T00:00:00", "27T00:00:00")]
    assert found == [*days, "2026-11-27T08:00:00.000Z", "2026-11-27T00:00:00.000Z"]
    assert units.iso_time(ends.unix_nano) == "2026-11-28T00:00:00.000Z"


@pytest.mark.parametrize(
    ("error_type", "message", "words"),
    [
        ("openai.RateLimitError", "RateLimitError: Error code: 429", "openai.RateLimitError: Error code: 429"),
        ("ValueError", "ValueError: no", "ValueError: no"),
        ("a.b.C", "a.b.C: no", "a.b.C: no"),
        ("ValueError", "no ValueError: here", "ValueError: no ValueError: here"),
        (None, "no", "no"),
        ("ValueError", None, "ValueError"),
        (None, None, "failed"),
    ],
)
def test_a_failure_says_its_type_once(error_type: str | None, message: str | None, words: str) -> None:
    """A message that begins with the type does not repeat it."""
    assert units.failure(error_type, message) == words
