"""A large batch takes memory for as long as it is written."""

from __future__ import annotations

from pathlib import Path

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.support import CHAT, span_of

MOST_PAGES = 8


def test_the_memory_of_a_large_batch_is_given_back(tmp_path: Path) -> None:
    """The temporary table that a batch goes through is as small as before."""
    exporter = SQLiteSpanExporter(tmp_path / "traces.db", max_text_bytes=1 << 20)
    for number in range(1, 4):
        attributes = {**CHAT, "gen_ai.prompt": f"{number} " * 400_000}
        exporter.export([span_of(attributes, trace_id=number)])
    connection = exporter._recorder.database.connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA temp.page_count").fetchone()
    exporter.shutdown()
    assert pages <= MOST_PAGES
