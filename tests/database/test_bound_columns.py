"""A column that is seldom filled is stored like any other."""

from __future__ import annotations

from pathlib import Path

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.database.bound_columns import BoundColumns
from tests.support import CHAT, query, span_of


def test_a_column_is_null_until_a_span_fills_it_and_for_those_that_do_not(tmp_path: Path) -> None:
    """Within one batch, and from one to the next."""
    exporter = SQLiteSpanExporter(tmp_path / "traces.db")
    batches: list[list[str | None]] = [[None], [None, "ann", None], [None], ["bob", None]]
    number = 0
    for users in batches:
        spans = []
        for user in users:
            number += 1
            spans.append(span_of({**CHAT, **({} if user is None else {"user.id": user})}, trace_id=number))
        exporter.export(spans)
    exporter.shutdown()
    stored = query(tmp_path / "traces.db", "SELECT user_id, provider, operation FROM spans ORDER BY id")
    assert stored == [(user, "openai", "chat") for users in batches for user in users]


def test_every_column_may_be_filled_in_the_end() -> None:
    """One by one, the last one as well."""
    columns = BoundColumns([False, False, True, True, True])
    counts = []
    for row in ((None, None, None), (None, 1, None), (None, None, ""), (None, None, None), (1, 1, 1)):
        columns.grow([(0, 0, *row)])
        counts.append(columns.count)
    assert counts == [2, 3, 4, 4, 5]
    assert columns.marks == "?, ?, ?, ?, ?"
    assert columns.values_of((0, 1, 2, 3, 4)) == (0, 1, 2, 3, 4)
