"""What nothing refers to is deleted with what is old, and whoever still needs it adds it again."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.support import CHAT, check_file, end_spans, query, stored, value, wait_until


def test_rows_of_lives_that_are_over_go_with_their_spans(tmp_path: Path) -> None:
    """A file within a cap is not filled by resources of processes whose spans were deleted."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, max_database_bytes=1 << 20, max_queue_size=4096)
    for number in range(1500):
        life = Resource({"service.instance.id": f"{number:032x}", "process.command_line": "python -m app " * 40})
        provider = TracerProvider(resource=life, shutdown_on_exit=False)
        provider.add_span_processor(processor)
        provider.get_tracer("t").start_span("chat", attributes=CHAT).end()
    processor.shutdown(60_000)
    spans = stored(path)
    assert path.stat().st_size <= 1 << 20
    assert spans > 100
    assert value(path, "SELECT count(*) FROM resources") == spans


def test_messages_that_no_span_has_go_even_where_no_span_goes(tmp_path: Path) -> None:
    """An earlier process left them behind; the first pass of retention finds them."""
    path = tmp_path / "traces.db"
    first = SQLiteSpanProcessor(path)
    end_spans(first, 3)
    first.shutdown()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO messages (hash, text, full_bytes, kept_bytes) VALUES (x'00', 'orphan', 6, 6)")
    second = SQLiteSpanProcessor(path, retention_days=1000)
    end_spans(second, 1)
    assert second.force_flush()
    wait_until(lambda: value(path, "SELECT count(*) FROM messages WHERE text = 'orphan'") == 0, what="it is gone")
    second.shutdown()
    check_file(path)


@pytest.mark.parametrize("table", ["recorders", "resources", "scopes"])
def test_a_row_that_was_deleted_beside_others_is_missed(tmp_path: Path, table: str) -> None:
    """Rows of other processes that are still there do not hide that this one's is gone."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 2)
    assert processor.force_flush()
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        (first,) = connection.execute(f"SELECT min(id) FROM {table}").fetchone()
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")][1:]
        values = ", ".join("'other'" if name in ("uuid", "attributes") else name for name in columns)
        connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table}")
        connection.execute(f"DELETE FROM {table} WHERE id = ?", [first])
    end_spans(processor, 3)
    processor.shutdown()
    assert stored(path) == 5
    column = f"{table.removesuffix('s')}_id"
    lost = f"SELECT count(*) FROM spans WHERE id > 2 AND {column} NOT IN (SELECT id FROM {table})"
    assert value(path, lost) == 0


def test_a_recorder_whose_rows_were_deleted_adds_them_again(tmp_path: Path) -> None:
    """``DELETE FROM recorders``, resources or scopes by somebody else costs no span and leaves nothing dangling."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 2)
    assert processor.force_flush()
    for table in ("recorders", "resources", "scopes"):
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection, connection:
            connection.execute(f"DELETE FROM {table}")
        end_spans(processor, 2)
        assert processor.force_flush()
    processor.shutdown()
    assert stored(path) == 8
    assert processor.stats().written == 8
    assert query(path, "SELECT count(*), sum(clean_exit) FROM recorders") == [(1, 1)]
    assert value(path, "SELECT count(*) FROM scopes") == 1
