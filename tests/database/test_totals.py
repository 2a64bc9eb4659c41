"""Every view's ``total_tokens`` is the call's own total, however little of it was reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.support import CHAT, query, span_of

IN, OUT, TOTAL, CACHED = (f"gen_ai.usage.{name}_tokens" for name in ("input", "output", "total", "cache_read.input"))


@pytest.mark.parametrize(
    ("counts", "total"),
    [
        ({TOTAL: 53}, 53),
        ({"llm.usage.total_tokens": 53}, 53),
        ({"llm.token_count.total": "53"}, 53),
        ({TOTAL: 53, IN: 20, OUT: 0, CACHED: 10}, 53),
        ({TOTAL: 53, IN: 20, OUT: 33}, 53),
        ({TOTAL: 99, IN: 20, OUT: 33}, 53),
        ({TOTAL: 7, IN: 20}, 20),
        ({TOTAL: 0}, None),
        ({IN: 20}, 20),
    ],
)
def test_a_reported_total_counts_once_where_its_parts_do_not_give_it(
    tmp_path: Path, counts: dict[str, object], total: int | None
) -> None:
    """The sum of input and output is believed first, then the reported total, then the one count there is."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    for number in (1, 2):
        exporter.export([span_of({**CHAT, **counts}, trace_id=number)])
    exporter.shutdown()
    assert query(path, "SELECT total_tokens FROM llm_calls") == [(total,)] * 2
    assert query(path, "SELECT total_tokens FROM traces") == [(total,)] * 2
    assert query(path, "SELECT total_tokens FROM usage_by_model") == [(None if total is None else 2 * total,)]


def test_absurd_counts_do_not_make_views_unreadable(tmp_path: Path) -> None:
    """What no call can have used is not counted, so that no sum overflows."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    counts = (2**53, 2**62, 10**12 + 1, 10**12)
    exporter.export([span_of({**CHAT, IN: count}, span_id=number) for number, count in enumerate(counts * 3, 1)])
    exporter.shutdown()
    assert query(path, "SELECT total_tokens FROM traces") == [(3 * 10**12,)]
    assert query(path, "SELECT total_tokens FROM usage_by_model") == [(3 * 10**12,)]
