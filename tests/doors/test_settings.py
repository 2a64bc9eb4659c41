from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.config import VARIABLES, BatchOptions, ExporterOptions, batch_options, exporter_options
from tests.support import end_spans, log_lines

ROOT = Path(__file__).parent.parent.parent
PREFIX = "OTEL_EXPORTER_SQLITE_"

BAD_VALUES: dict[str, tuple[object, ...]] = {
    "max_text_bytes": (0, 15, -1, 1.5, "64", True, 1 << 80),
    "capture_content": (0, 1, "false", "true"),
    "keep_raw_content": (None, 1, "true"),
    "spans": ("", "GENAI", "llm", 1, [], b"all"),
    "busy_timeout_millis": (-1, float("nan"), float("inf"), "5", False, 1e300),
    "retention_days": (0, -1, float("nan"), float("inf"), "7"),
    "max_database_bytes": (0, -1, (1 << 20) - 1, 2e9, "1GB"),
    "path": ("", " ", "a\0b", b"bytes.db", 7, ":memory:", "file::memory:", "directory/"),
}
BAD_ARGUMENTS = [(name, bad) for name, values in BAD_VALUES.items() for bad in values]

BAD_BATCHING: list[tuple[str, object]] = [
    *(("max_queue_size", bad) for bad in (0, -5, 2.5, "512", True, 1 << 40)),
    *(("max_export_batch_size", bad) for bad in (0, -5, 2.5, "50", 513)),
    *(("schedule_delay_millis", bad) for bad in (0, -5, float("nan"), float("inf"), "500", 1e300)),
]


@pytest.mark.parametrize(("name", "bad"), BAD_ARGUMENTS + BAD_BATCHING)
def test_a_bad_argument_raises_at_construction_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, bad: object
) -> None:
    """A value out of range is a ValueError whose message starts with what the user has to look for."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=name if name != "path" else "path|memory|bytes"):
        SQLiteSpanProcessor(**{name: bad})  # type: ignore[arg-type]
    if (name, bad) in BAD_ARGUMENTS:
        with pytest.raises(ValueError, match=name if name != "path" else "path|memory|bytes"):
            SQLiteSpanExporter(**{name: bad})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_redact_must_be_callable(tmp_path: Path) -> None:
    """A redactor that could not be called would let every text through, or drop every one."""
    with pytest.raises(TypeError, match="redact"):
        SQLiteSpanProcessor(tmp_path / "traces.db", redact="***")  # type: ignore[arg-type]


def test_defaults_are_those_of_the_documentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without arguments and environment: 512 events, 50 a batch, 500 ms, 64 KiB of text, ``llm_traces.db``."""
    monkeypatch.chdir(tmp_path)
    assert batch_options(None, None, None) == BatchOptions(512, 50, 500.0)
    assert exporter_options() == ExporterOptions(
        path=str(tmp_path / "llm_traces.db"),
        max_text_bytes=65536,
        capture_content=True,
        spans="genai",
        redact=None,
        busy_timeout_millis=5000.0,
        retention_days=None,
        max_database_bytes=None,
        keep_raw_content=False,
    )


GOOD_ENVIRONMENT = [
    ("MAX_TEXT_BYTES", " 64 ", "max_text_bytes", 64),
    ("CAPTURE_CONTENT", "false", "capture_content", False),
    ("CAPTURE_CONTENT", "TRUE", "capture_content", True),
    ("SPANS", "all", "spans", "all"),
    ("BUSY_TIMEOUT", "0", "busy_timeout_millis", 0.0),
    ("RETENTION_DAYS", "0.5", "retention_days", 0.5),
    ("MAX_DATABASE_BYTES", "1048576", "max_database_bytes", 1048576),
]


@pytest.mark.parametrize(("name", "text", "option", "expected"), GOOD_ENVIRONMENT)
def test_the_environment_is_read_where_an_argument_is_none(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, option: str, expected: object
) -> None:
    """Every exporter option has an environment variable."""
    monkeypatch.setenv(PREFIX + name, text)
    with log_lines() as lines:
        assert getattr(exporter_options(), option) == expected
    assert lines == []


BAD_ENVIRONMENT = [
    *(("MAX_TEXT_BYTES", bad, "max_text_bytes", 65536) for bad in ("abc", "-5", "1.5", "15", "9" * 5000)),
    *(("SPANS", bad, "spans", "genai") for bad in ("everything", "ALL")),
    *(("BUSY_TIMEOUT", bad, "busy_timeout_millis", 5000.0) for bad in ("abc", "-5", "nan", "inf")),
    *(("RETENTION_DAYS", bad, "retention_days", None) for bad in ("abc", "-5", "0")),
    *(("MAX_DATABASE_BYTES", bad, "max_database_bytes", None) for bad in ("1GB", "-5", "5")),
    *(("CAPTURE_CONTENT", bad, "capture_content", False) for bad in ("yes", "1")),
]


@pytest.mark.parametrize(("name", "text", "option", "expected"), BAD_ENVIRONMENT)
def test_a_bad_environment_value_is_warned_about_and_the_default_used(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, option: str, expected: object
) -> None:
    """A typing error never stops the application, and the log names it; a boolean is true only as ``true``."""
    monkeypatch.setenv(PREFIX + name, text)
    with log_lines() as lines:
        assert getattr(exporter_options(), option) == expected
    assert len(lines) == 1
    assert PREFIX + name in lines[0]


@pytest.mark.parametrize("name", ["PATH", "MAX_TEXT_BYTES", "CAPTURE_CONTENT", "SPANS", "RETENTION_DAYS"])
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_environment_value_is_unset(monkeypatch: pytest.MonkeyPatch, name: str, empty: str) -> None:
    """OpenTelemetry's rule: empty means not given, without a warning."""
    expected = exporter_options()
    monkeypatch.setenv(PREFIX + name, empty)
    with log_lines() as lines:
        assert exporter_options() == expected
    assert lines == []


@pytest.mark.parametrize(
    ("queue", "batch", "delay", "expected"),
    [
        ("10", "", "", BatchOptions(10, 10, 500.0)),
        ("100", "20", "50", BatchOptions(100, 20, 50.0)),
        ("10", "20", "", BatchOptions(10, 10, 500.0)),
        ("abc", "-5", "0", BatchOptions(512, 50, 500.0)),
        ("1000000000000", "", "", BatchOptions(512, 50, 500.0)),
    ],
)
def test_queue_and_batch_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, queue: str, batch: str, delay: str, expected: BatchOptions
) -> None:
    """A batch that is larger than the queue is cut to it; what does not parse has its default."""
    monkeypatch.setenv(PREFIX + "MAX_QUEUE_SIZE", queue)
    monkeypatch.setenv(PREFIX + "MAX_EXPORT_BATCH_SIZE", batch)
    monkeypatch.setenv(PREFIX + "SCHEDULE_DELAY", delay)
    assert batch_options(None, None, None) == expected


def test_the_environment_can_not_make_a_good_argument_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that asks for batches of 100 still starts where the environment makes the queue smaller."""
    monkeypatch.setenv(PREFIX + "MAX_QUEUE_SIZE", "10")
    assert batch_options(None, 100, None) == BatchOptions(10, 10, 500.0)


def test_an_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the code says counts, and a bad environment value that is not needed is not even looked at."""
    monkeypatch.setenv(PREFIX + "MAX_TEXT_BYTES", "abc")
    monkeypatch.setenv(PREFIX + "PATH", str(tmp_path))
    with log_lines() as lines:
        options = exporter_options(path=tmp_path / "mine.db", max_text_bytes=99)
    assert (options.path, options.max_text_bytes, lines) == (str(tmp_path / "mine.db"), 99, [])


def test_a_path_is_resolved_once_at_construction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path belongs to the working directory of the construction, whatever ``chdir`` comes later."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    processor = SQLiteSpanProcessor("traces.db")
    os.chdir(elsewhere)
    end_spans(processor, 1)
    processor.shutdown()
    assert (tmp_path / "traces.db").exists()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("factory", [SQLiteSpanProcessor, SQLiteSpanExporter])
def test_a_relative_path_in_a_directory_that_is_gone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factory: type[SQLiteSpanProcessor | SQLiteSpanExporter]
) -> None:
    """Without a working directory a relative path leads nowhere; an absolute one still does."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ValueError, match=r"path .*working directory.*'traces\.db'"):
        factory("traces.db")
    factory(tmp_path / "traces.db").shutdown()


def test_what_is_no_meter_provider_is_refused(tmp_path: Path) -> None:
    """A wrong ``meter_provider`` is a TypeError that names the argument, not an AttributeError from inside."""
    with pytest.raises(TypeError, match="meter_provider"):
        SQLiteSpanProcessor(tmp_path / "traces.db", meter_provider=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    ["ünïcödé 数据.db", "with space?and#marks%20.db", 'quote\'s "file".db', "a:memory:b.db", "-dash.db", "x" * 240],
)
def test_any_file_name_is_a_path(tmp_path: Path, name: str) -> None:
    """Names that mean something in a URI, a shell or SQL are just names."""
    for _ in range(2):  # the second time the existing file is looked at
        processor = SQLiteSpanProcessor(tmp_path / name)
        end_spans(processor, 1)
        processor.shutdown()
        assert processor.stats().written == 1
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_file_name_that_is_not_utf_8_is_a_path(tmp_path: Path) -> None:
    """File names are bytes; Python spells those that are no UTF-8 with surrogates."""
    name = os.fsdecode(b"\xff\xfe.db")
    for _ in range(2):
        processor = SQLiteSpanProcessor(tmp_path / name)
        end_spans(processor, 1)
        processor.shutdown()
        assert processor.stats().written == 1


@pytest.mark.parametrize("bad", ["x\ud83d.db", "~no-such-user-here/x.db", "x" * 300, "a/" * 3000 + "x.db"])
def test_a_path_that_can_never_be_opened_is_refused_at_once(tmp_path: Path, bad: str) -> None:
    """What no file system could hold is known at construction."""
    with pytest.raises(ValueError, match="path"):
        SQLiteSpanProcessor(bad if bad.startswith("~") else tmp_path / bad)


def test_a_home_directory_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` means what it means in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert exporter_options(path="~/data/x.db").path == str(tmp_path / "data" / "x.db")


def test_a_file_uri_names_a_path(tmp_path: Path) -> None:
    """``file:`` URIs are read as the path they name; what they could ask for besides is refused."""
    assert exporter_options(path=f"file:{tmp_path}/a%20b.db").path == str(tmp_path / "a b.db")
    assert exporter_options(path=f"file://{tmp_path}/x.db").path == str(tmp_path / "x.db")
    for uri in (f"file:{tmp_path}/x.db?mode=ro", "file:x?mode=memory", "file://host/x.db", "file:"):
        with pytest.raises(ValueError, match="file:"):
            exporter_options(path=uri)


def test_a_symbolic_link_leads_to_its_target(tmp_path: Path) -> None:
    """The log lies beside the real file, and the link stays a link."""
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "real" / "traces.db")
    processor = SQLiteSpanProcessor(link)
    end_spans(processor, 1)
    assert processor.force_flush()
    assert (tmp_path / "real" / "traces.db-wal").exists()
    processor.shutdown()
    assert link.is_symlink()


@pytest.mark.parametrize("bad", ["", "directory", "other.db", "text.db", "a/b", ":memory:"])
def test_a_bad_path_in_the_environment_is_warned_about_and_the_default_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    """A variable that names no usable file never raises: it is named in a warning, and llm_traces.db is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "directory").mkdir()
    (tmp_path / "a").write_text("a file", encoding="utf-8")
    (tmp_path / "text.db").write_text("no database" * 100, encoding="utf-8")
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    monkeypatch.setenv(PREFIX + "PATH", bad)
    with log_lines() as lines:
        for door in (SQLiteSpanProcessor(), SQLiteSpanExporter()):
            assert repr(door).startswith(f"<{type(door).__name__} {tmp_path / 'llm_traces.db'}: 0 written")
    assert [f"{PREFIX}PATH" in line for line in lines] == ([True, True] if bad else [])


def test_an_unknown_variable_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting is named in one warning, together with those that exist."""
    monkeypatch.setenv(PREFIX + "MAX_TEXT_BYTE", "100")
    with log_lines() as lines:
        SQLiteSpanProcessor(tmp_path / "a.db")
        SQLiteSpanExporter(tmp_path / "a.db")
    (line,) = lines
    assert line.startswith(f"{PREFIX}MAX_TEXT_BYTE: no such setting")
    assert f"{PREFIX}MAX_TEXT_BYTES" in line


def test_every_variable_that_is_read_is_known() -> None:
    """The list of known variables is the one that the code reads."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "otel_sqlite_exporter").rglob("*.py"))
    read = set(re.findall(r'_setting\(\s*"([A-Z_]+)"', source)) | {"PROCESSOR"}
    assert read == VARIABLES
