"""Every sum is the same sum."""

from __future__ import annotations

import pytest

from otel_sqlite_exporter import Database
from tests.support import query

_SUMS = (
    "SELECT count(*), count(CASE WHEN status = 'error' THEN 1 END), sum(input_tokens), sum(output_tokens), "
    "sum(total_tokens), sum(cache_read_tokens), round(sum(cost_usd), 6) FROM llm_calls"
)


@pytest.mark.parametrize(
    "by", ["day", "model", "provider", "agent", "user", "service", "conversation", "day,model", "agent,user"]
)
def test_usage_by_anything_adds_up_to_the_calls(demo: Database, by: str) -> None:
    """The groups of every question about usage add up to the totals of ``llm_calls``."""
    (expected,) = query(demo.path, _SUMS)
    rows = demo.usage(by=by)
    columns = ("calls", "errors", "input_tokens", "output_tokens", "total_tokens", "cache_read_tokens")
    found = [sum(getattr(row, column) or 0 for row in rows) for column in columns]
    assert (*found, round(sum(row.cost_usd or 0 for row in rows), 6)) == expected


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
