from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.database import connection, schema
from tests.support import check_file, end_spans, query, recording, stored, value


def add_a_column(database: sqlite3.Connection) -> None:
    """Migrate as a later version might."""
    database.execute("ALTER TABLE spans ADD COLUMN mood TEXT")


def fail_halfway(database: sqlite3.Connection) -> None:
    """Migrate one step, then fail."""
    database.execute("ALTER TABLE spans ADD COLUMN half TEXT")
    raise sqlite3.OperationalError("no such table: elsewhere")


def upgrade(monkeypatch: pytest.MonkeyPatch, step: object) -> None:
    """Let the code know one schema version more."""
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 2)
    monkeypatch.setattr(connection, "SCHEMA_VERSION", 2)
    monkeypatch.setitem(schema.MIGRATIONS, 1, step)


def test_every_version_has_its_step() -> None:
    """There is a way from each version that was ever released to the newest."""
    assert sorted(schema.MIGRATIONS) == list(range(schema.SCHEMA_VERSION))


def test_an_older_file_is_migrated_when_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older version wrote stays, and recording goes on in the new schema."""
    path = tmp_path / "traces.db"
    with recording(path):
        pass
    upgrade(monkeypatch, add_a_column)
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 2)
    processor.shutdown()
    assert value(path, "PRAGMA user_version") == 2
    assert query(path, "SELECT mood FROM spans") == [(None,)] * 3


def test_a_new_file_takes_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file made by the newer code has the newer schema."""
    upgrade(monkeypatch, add_a_column)
    with recording(tmp_path / "traces.db"):
        pass
    assert value(tmp_path / "traces.db", "SELECT count(*) FROM pragma_table_info('spans') WHERE name = 'mood'") == 1


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its steps are one transaction: the file stays as the older version left it, and works when the step does."""
    path = tmp_path / "traces.db"
    with recording(path):
        pass
    upgrade(monkeypatch, fail_halfway)
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 2)
    processor.shutdown(500)
    assert value(path, "PRAGMA user_version") == 1
    assert value(path, "SELECT count(*) FROM pragma_table_info('spans') WHERE name = 'half'") == 0
    assert stored(path) == 1
    check_file(path)
    upgrade(monkeypatch, add_a_column)
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 2)
    processor.shutdown()
    assert stored(path) == 3


def test_a_migration_may_be_raced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several that open an older file at once, one migrates it and all write to it."""
    path = tmp_path / "traces.db"
    with recording(path):
        pass
    upgrade(monkeypatch, add_a_column)
    processors = [SQLiteSpanProcessor(path, schedule_delay_millis=1) for _ in range(6)]
    barrier = threading.Barrier(6)

    def record(processor: SQLiteSpanProcessor) -> None:
        barrier.wait()
        end_spans(processor, 5)
        processor.shutdown(timeout_millis=30_000)

    threads = [threading.Thread(target=record, args=(processor,)) for processor in processors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [processor.stats().written for processor in processors] == [5] * 6
    assert stored(path) == 31
    check_file(path)


def test_a_new_file_may_be_raced(tmp_path: Path) -> None:
    """Of several that create a file at once, all write to it, and every row is there once."""
    path = tmp_path / "traces.db"
    processors = [SQLiteSpanProcessor(path, schedule_delay_millis=1) for _ in range(8)]
    barrier = threading.Barrier(8)

    def record(processor: SQLiteSpanProcessor) -> None:
        barrier.wait()
        end_spans(processor, 5)
        processor.shutdown(timeout_millis=30_000)

    threads = [threading.Thread(target=record, args=(processor,)) for processor in processors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(path) == 40
    check_file(path)


def test_the_columns_in_the_code_are_those_of_the_schema(tmp_path: Path) -> None:
    """Rows are inserted by column lists that are kept in the code."""
    path = tmp_path / "traces.db"
    with recording(path), contextlib.closing(sqlite3.connect(path)) as database:
        assert tuple(row[1] for row in database.execute("PRAGMA table_info(spans)")) == schema.SPAN_COLUMNS
        counts = {row[1] for row in database.execute("PRAGMA table_info(recorders)")}
        assert counts >= set(schema.LEDGER_COLUMNS)


def test_a_file_that_is_just_being_made_is_not_taken_for_somebody_else_s(tmp_path: Path) -> None:
    """Looking at a file while another connection creates its schema sees either nothing or all of it."""
    for number in range(20):
        path = tmp_path / f"{number}.db"
        barrier = threading.Barrier(6)
        refused: list[str] = []

        def look(path: Path = path, barrier: threading.Barrier = barrier, refused: list[str] = refused) -> None:
            barrier.wait()
            try:
                connection.check_existing(str(path))
                while True:
                    with contextlib.suppress(sqlite3.OperationalError):  # it is locked for a moment
                        connection.open_for_writing(str(path))[1].close()
                        break
            except (ValueError, connection.DatabaseRefusedError) as error:
                refused.append(str(error))

        threads = [threading.Thread(target=look) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused == []
