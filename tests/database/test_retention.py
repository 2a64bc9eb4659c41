"""Old traces go, whole; their space comes back; recording goes on."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.config import exporter_options
from otel_sqlite_exporter.database.batch import Batch
from otel_sqlite_exporter.database.ledger import Counts
from otel_sqlite_exporter.database.retention import Retention
from otel_sqlite_exporter.database.writer import DatabaseWriter
from tests.support import RESOURCE

DAY = 86_400 * 10**9
MEBIBYTE = 1 << 20


def record(
    processor: SQLiteSpanProcessor, name: str, *, age_days: float = 0.0, text: str = "hello", spans: int = 1
) -> None:
    """Record one trace of ``spans`` calls that ended ``age_days`` ago."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    end = time.time_ns() - int(age_days * DAY)
    root = tracer.start_span(name, start_time=end - 10**9, attributes={"gen_ai.operation.name": "invoke_agent"})
    from opentelemetry.trace import set_span_in_context

    for number in range(spans):
        tracer.start_span(
            f"chat {number}",
            context=set_span_in_context(root),
            start_time=end - 10**8,
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.input.messages": f'[{{"role":"user","parts":[{{"type":"text","content":"{text} {number}"}}]}}]',
            },
        ).end(end_time=end)
    root.end(end_time=end)
    assert processor.force_flush()


def wait_until(path: Path, sql: str, expected: object, seconds: float = 60.0) -> object:
    """Return what a query answers, once it is what is expected or time is up."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            (answer,) = connection.execute(sql).fetchone()
        if answer == expected or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


def test_traces_beyond_retention_days_go_with_their_messages(tmp_path: Path) -> None:
    """A trace that ended before the retention period is deleted with the messages that only it refers to."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, retention_days=2)
    record(processor, "old", age_days=3, text="only here", spans=3)
    record(processor, "new", text="kept")
    assert wait_until(path, "SELECT group_concat(name) FROM traces", "new") == "new"
    assert wait_until(path, "SELECT group_concat(text) FROM messages", "kept 0") == "kept 0"
    processor.shutdown()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM span_messages").fetchone() == (1,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_message_that_a_kept_trace_shares_stays(tmp_path: Path) -> None:
    """Only messages without any reference left are deleted."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, retention_days=2)
    record(processor, "old", age_days=3, text="shared")
    record(processor, "new", text="shared")
    assert wait_until(path, "SELECT count(*) FROM traces", 1) == 1
    processor.shutdown()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT input_text FROM llm_calls").fetchall() == [("shared 0",)]


def test_a_trace_that_goes_on_is_kept_whole(tmp_path: Path) -> None:
    """A trace whose last span is recent keeps its old spans too."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, retention_days=2)
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    long_ago = time.time_ns() - 5 * DAY
    with tracer.start_as_current_span("agent", attributes={"gen_ai.operation.name": "invoke_agent"}):
        tracer.start_span("chat", start_time=long_ago, attributes={"gen_ai.operation.name": "chat"}).end(long_ago + 1)
    record(processor, "old", age_days=3)
    assert wait_until(path, "SELECT count(*) FROM traces", 1) == 1
    processor.shutdown()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT spans, name FROM traces").fetchall() == [(2, "agent")]


def test_the_file_stays_within_max_database_bytes(tmp_path: Path) -> None:
    """Beyond the cap the oldest traces go, the newest stay, and the file really shrinks."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, max_database_bytes=MEBIBYTE)
    for number in range(40):
        record(processor, f"trace {number}", text=f"{number} " + "word " * 1000, spans=20)
    assert wait_until(path, "SELECT page_count * page_size <= 1048576 FROM pragma_page_count, pragma_page_size", 1) == 1
    processor.shutdown()
    assert path.stat().st_size <= MEBIBYTE
    assert processor.stats().written == 40 * 21
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM traces ORDER BY start_time_unix_nano")]
        assert names == [f"trace {number}" for number in range(40)][-len(names) :]
        assert names
        orphans = "SELECT count(*) FROM messages WHERE id NOT IN (SELECT message_id FROM span_messages)"
        assert connection.execute(orphans).fetchone() == (0,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def fill(processor: SQLiteSpanProcessor, calls: int, kilobytes: int) -> None:
    """Record calls faster than old ones can go, each with texts of its own."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    for number in range(calls):
        text = f"{number} " * (1024 * kilobytes // len(f"{number} "))
        tracer.start_span("chat", attributes={"gen_ai.operation.name": "chat", "gen_ai.prompt": text}).end()
        if number % 400 == 399:
            assert processor.force_flush()


def sizes(path: Path) -> int:
    """Return the bytes of the file and its write-ahead log."""
    log = path.with_name(path.name + "-wal")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)


def test_a_clean_shutdown_leaves_the_file_within_the_cap(tmp_path: Path) -> None:
    """What no pass had time for goes when the processor is shut down; the newest calls stay, and no log is left."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, max_database_bytes=2 * MEBIBYTE)
    fill(processor, 600, kilobytes=12)
    assert sizes(path) > 2 * MEBIBYTE
    processor.shutdown()
    assert sizes(path) <= 2 * MEBIBYTE
    assert list(tmp_path.iterdir()) == [path]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        kept = [text.split()[0] for (text,) in connection.execute("SELECT input_text FROM llm_calls ORDER BY id")]
        assert kept == [str(number) for number in range(600)][-len(kept) :]
        assert kept
        assert connection.execute("SELECT clean_exit, written FROM recorders").fetchone() == (1, 600)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_clean_shutdown_empties_the_log_beside_an_open_reader(tmp_path: Path) -> None:
    """The log counts as well: another connection keeps it, but nothing in it."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, max_database_bytes=2 * MEBIBYTE)
    record(processor, "first")
    with contextlib.closing(sqlite3.connect(path)) as reader:
        reader.execute("SELECT count(*) FROM spans").fetchone()
        fill(processor, 100, kilobytes=12)
        assert sizes(path) > path.stat().st_size
        processor.shutdown()
        assert sizes(path) == path.stat().st_size <= 2 * MEBIBYTE


def test_a_shutdown_without_time_leaves_the_rest_to_the_next_process(tmp_path: Path) -> None:
    """The cap never makes a shutdown longer than its timeout, and never costs a span."""
    path = tmp_path / "traces.db"
    first = DatabaseWriter(str(path))
    retention = Retention(exporter_options(path=path, max_database_bytes=MEBIBYTE))
    first.prune_to_end(retention, time.monotonic() + 60)  # nothing was written, so there is nothing to open
    assert list(tmp_path.iterdir()) == []
    processor = SQLiteSpanProcessor(path)
    fill(processor, 200, kilobytes=12)
    processor.shutdown()
    size = path.stat().st_size
    first.write(Batch(), lambda _written, _failed: Counts())
    first.prune_to_end(retention, time.monotonic())
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM spans").fetchone() == (200,)
    assert path.stat().st_size >= size > MEBIBYTE
    first.prune_to_end(retention, time.monotonic() + 60)
    first.close()
    assert sizes(path) <= MEBIBYTE


@pytest.mark.parametrize("limit", [{"retention_days": 2.0}, {"max_database_bytes": 2 * MEBIBYTE}])
def test_the_exporter_keeps_the_limits_too(tmp_path: Path, limit: dict[str, Any]) -> None:
    """Behind another processor old traces go with every export, and the rest of them at the shutdown."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path, **limit)
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    long_ago = time.time_ns() - 5 * DAY
    for number in range(250):
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.prompt": f"{number} " * 3000}
        tracer.start_span(f"chat {number}", start_time=long_ago + number, attributes=attributes).end(long_ago + number)
    exporter._recorder.retention.begin_pass()  # as a second later
    tracer.start_span("chat now", attributes={"gen_ai.operation.name": "chat"}).end()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM spans").fetchone() < (251,)
    provider.shutdown()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        kept = [name for (name,) in connection.execute("SELECT name FROM spans ORDER BY id")]
    assert kept[-1] == "chat now"
    assert kept == ["chat now"] if "retention_days" in limit else len(kept) > 1
    assert sizes(path) <= 2 * MEBIBYTE


@pytest.mark.parametrize("days", [128_000.0, 4e18])
@pytest.mark.parametrize("kind", [SQLiteSpanProcessor, SQLiteSpanExporter])
def test_a_period_longer_than_time_itself_keeps_everything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: type, days: float
) -> None:
    """``retention_days`` that reach beyond any timestamp delete nothing, and raise nothing into a shutdown."""
    path = tmp_path / "traces.db"
    recorder = kind(path, retention_days=days)
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(recorder if kind is SQLiteSpanProcessor else SimpleSpanProcessor(recorder))
    for start in (1, time.time_ns()):
        attributes = {"gen_ai.operation.name": "chat"}
        provider.get_tracer("tests").start_span("chat", attributes=attributes, start_time=start).end(start + 1)
    recorder.shutdown()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM spans").fetchone() == (2,)
    assert caplog.messages == []


@pytest.mark.parametrize("kind", [SQLiteSpanProcessor, SQLiteSpanExporter])
def test_no_error_of_a_deletion_reaches_whoever_shuts_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: type
) -> None:
    """Whatever goes wrong while old traces are deleted is a line in the log; the file is closed all the same."""
    path = tmp_path / "traces.db"
    recorder = kind(path, retention_days=2)
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(recorder if kind is SQLiteSpanProcessor else SimpleSpanProcessor(recorder))
    provider.get_tracer("tests").start_span("chat", attributes={"gen_ai.operation.name": "chat"}).end()

    def fail(*_: object) -> None:
        raise ArithmeticError("a bug")

    monkeypatch.setattr(Retention, "prune", fail)
    recorder.shutdown()
    assert [line for line in caplog.messages if "a bug" in line]
    assert list(tmp_path.iterdir()) == [path]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT written, clean_exit FROM recorders").fetchone() == (1, 1)


def test_a_file_that_was_moved_away_keeps_what_it_has(tmp_path: Path) -> None:
    """Whoever renames the file has an archive, from which nothing is deleted any more."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    record(processor, "old", age_days=3)
    processor.shutdown()
    database = DatabaseWriter(str(path))
    database.write(Batch(), lambda _written, _failed: Counts())
    path.rename(tmp_path / "archive.db")
    retention = Retention(exporter_options(path=path, retention_days=2))
    database.prune(retention)
    assert retention.seconds_to_next_pass > 0
    database.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "archive.db")) as connection:
        assert connection.execute("SELECT name FROM traces").fetchall() == [("old",)]


def test_a_cap_that_cannot_be_kept_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When nothing is left to delete and the file is still too large, one line says so, and recording goes on."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, max_database_bytes=MEBIBYTE)
    record(processor, "first")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE somebody_elses (data BLOB)")
        connection.execute("INSERT INTO somebody_elses VALUES (zeroblob(3000000))")
        connection.commit()
    with caplog.at_level(logging.WARNING, logger="otel_sqlite_exporter"):
        for number in range(3):
            record(processor, f"trace {number}")
            assert wait_until(path, "SELECT group_concat(name) FROM traces", f"trace {number}") == f"trace {number}"
        processor.shutdown()
    assert [line for line in caplog.messages if "max_database_bytes" in line] == [caplog.messages[0]]
    assert processor.stats().written == 8


@pytest.mark.parametrize("kind", [SQLiteSpanProcessor, SQLiteSpanExporter])
def test_the_newest_trace_stays_however_large_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: type
) -> None:
    """A trace that is larger than the cap takes the place of all others, and a line in the log says that it does."""
    path = tmp_path / "traces.db"
    recorder = kind(path, max_database_bytes=MEBIBYTE)
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(recorder if kind is SQLiteSpanProcessor else SimpleSpanProcessor(recorder))
    tracer = provider.get_tracer("tests")
    tracer.start_span("before", attributes={"gen_ai.operation.name": "chat"}).end()
    with tracer.start_as_current_span("agent", attributes={"gen_ai.operation.name": "invoke_agent"}):
        for number in range(200):
            attributes = {"gen_ai.operation.name": "chat", "gen_ai.prompt": f"{number} " * 3000}
            tracer.start_span("chat", attributes=attributes).end()
    recorder.shutdown()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name, spans FROM traces").fetchall() == [("agent", 201)]
    assert len([line for line in caplog.messages if "nothing left to delete" in line]) == 1
