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
    """One by one, the last one as well, and differ between the spans of a batch."""
    columns = BoundColumns([False, False, True, True, True])
    marks = []
    for row in ((None, None, None), (None, 1, None), (None, None, ""), (None, None, None), (1, 1, 1)):
        columns.grow([(0, 0, *row), (0, 0, *row)])
        marks.append(columns.shared_marks)
    assert marks == [
        "?, ?, NULL, NULL, NULL",
        "?, ?, NULL, ?, NULL",
        "?, ?, NULL, ?, ?",
        "?, ?, NULL, ?, ?",
        "?, ?, ?, ?, ?",
    ]
    numbers = (0, 1, 2, 3, 4)
    for index in range(5):
        assert columns.own_count == index
        assert columns.shared_values_of(numbers) == numbers[index:]
        assert columns.own_values_of(numbers) == numbers[:index]
        columns.grow([(0,) * 5, tuple(int(index == place) for place in range(5))])
    assert (columns.shared_marks, columns.own_marks) == ("NULL, NULL, NULL, NULL, NULL", "?, ?, ?, ?, ?")


def test_what_a_batch_shares_and_the_next_one_does_not_is_each_span_s_own(tmp_path: Path) -> None:
    """A value is bound for each span from the batch on in which two of them differ, NULL among the values."""
    exporter = SQLiteSpanExporter(tmp_path / "traces.db")
    batches = ["aaa", "bb", "abba", "a", "cab", "cc"]
    number = 0
    for users in batches:
        spans = []
        for user in users:
            number += 1
            model = f"model of {user}"
            named = {"user.id": user} if user != "b" else {}
            spans.append(span_of({**CHAT, "gen_ai.request.model": model, **named}, trace_id=number))
        exporter.export(spans)
    exporter.shutdown()
    stored = query(tmp_path / "traces.db", "SELECT user_id, request_model, provider FROM spans ORDER BY id")
    assert stored == [(user if user != "b" else None, f"model of {user}", "openai") for user in "".join(batches)]
