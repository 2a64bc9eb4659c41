"""Many files become one, and nothing is in it twice."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.sending.failures import SendingError
from otel_sqlite_exporter.sending.merge import Merged, merge_files
from tests.sending.test_replay import record
from tests.support import CHAT, check_file, query, span_of, value

REBUILT = "SELECT sum(calls), sum(input_tokens), sum(output_tokens), round(sum(cost_usd), 9) FROM span_usage"
SUMS = "SELECT sum(calls), sum(input_tokens), sum(output_tokens), round(sum(cost_usd), 9) FROM usage"


def merge(out: Path, *inputs: Path) -> list[Merged]:
    """Merge files and return what came of each."""
    results: list[Merged] = []
    merge_files(
        str(out),
        [str(path) for path in inputs],
        merged=lambda _, result: results.append(result),
        advance=lambda _: None,
    )
    return results


def write(path: Path, first: int, count: int, trace: int = 1) -> Path:
    """Record numbered calls of one trace, each with a question that other files have too."""
    exporter = SQLiteSpanExporter(path)
    question = '[{"role":"user","parts":[{"type":"text","content":"How much?"}]}]'
    facts = {
        **CHAT,
        "gen_ai.request.model": "house-model",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.input.messages": question,
    }
    exporter.export(
        [span_of({**facts, "number": number}, trace_id=trace, span_id=number) for number in range(first, first + count)]
    )
    exporter.shutdown()
    return path


def test_merging_again_adds_nothing(tmp_path: Path) -> None:
    """Two files are one, with both ledgers, each message once and right sums; a second merge changes no row."""
    one, two, out = write(tmp_path / "1.db", 1, 5), write(tmp_path / "2.db", 101, 4, trace=2), tmp_path / "out.db"
    assert [result.new for result in merge(out, one, two)[:2]] == [5, 4]
    check_file(out)
    assert value(out, "SELECT count(*) FROM llm_calls") == 9
    assert value(out, "SELECT count(*) FROM messages") == 1
    assert value(out, "SELECT count(DISTINCT uuid) FROM recorders") == 2
    assert query(
        out, "SELECT written, count(*) FROM recorders JOIN spans ON recorder_id = recorders.id GROUP BY 1"
    ) == [
        (4, 4),
        (5, 5),
    ]
    assert query(out, SUMS) == query(out, REBUILT) == [(9, 90, 18, 0.0)]
    before = [query(out, f"SELECT * FROM {table}") for table in ("spans", "messages", "span_messages", "usage")]
    assert [result.new for result in merge(out, one, two)] == [0, 0]
    assert [query(out, f"SELECT * FROM {table}") for table in ("spans", "messages", "span_messages", "usage")] == before


def test_links_between_reports_survive(tmp_path: Path) -> None:
    """What a file knows of its duplicates, traces and messages is the same in the merged one."""
    record(tmp_path / "a.db")
    write(tmp_path / "b.db", 1, 3)
    out = tmp_path / "out.db"
    merge(out, tmp_path / "b.db", tmp_path / "a.db")
    for view in ("llm_calls", "tool_calls", "traces", "conversations"):
        names = [str(row[1]) for row in query(out, f"PRAGMA table_info({view})") if row[1] not in {"id", "call_id"}]
        columns = ", ".join(names)
        rows = query(out, f"SELECT {columns} FROM {view}")
        for path in (tmp_path / "a.db", tmp_path / "b.db"):
            assert set(query(path, f"SELECT {columns} FROM {view}")) <= set(rows)
    assert value(out, "SELECT count(*) FROM spans WHERE duplicate_of IS NOT NULL") == 1


def test_what_was_amended_since_a_copy_fills_the_gaps(tmp_path: Path) -> None:
    """Of a row in two states what one does not know is filled from the other, whichever comes first."""
    path = write(tmp_path / "1.db", 1, 2)
    shutil.copy(path, tmp_path / "copy.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE spans SET user_id = 'u', cost_usd = 0.5 WHERE span_id LIKE '%1'")
    for order in ((path, tmp_path / "copy.db"), (tmp_path / "copy.db", path)):
        out = tmp_path / f"out-{order[0].name}.db"
        merge(out, *order)
        assert query(out, "SELECT user_id, cost_usd FROM spans ORDER BY span_id") == [("u", 0.5), (None, None)]
        assert query(out, SUMS) == query(out, REBUILT)


def test_the_longer_of_two_texts_stays(tmp_path: Path) -> None:
    """A message that one file has whole and another one cut is whole in the merged file."""
    paths: list[Path] = []
    for name, limit in (("cut", 64), ("whole", 65_536)):
        exporter = SQLiteSpanExporter(tmp_path / f"{name}.db", max_text_bytes=limit)
        text = '[{"role":"user","parts":[{"type":"text","content":"' + "x" * 500 + '"}]}]'
        exporter.export([span_of({**CHAT, "gen_ai.input.messages": text}, span_id=len(paths) + 1)])
        exporter.shutdown()
        paths.append(tmp_path / f"{name}.db")
    merge(tmp_path / "out.db", *paths)
    assert query(tmp_path / "out.db", "SELECT kept_bytes, length(text) FROM messages") == [(500, 500)]


def test_a_call_that_two_files_report_counts_once(tmp_path: Path) -> None:
    """A gateway and its client report one response in one trace, each into its own file: merged, it is one call."""
    facts: dict[str, object] = {"gen_ai.response.id": "resp_1", "gen_ai.response.model": "gpt-5.4-2026"}
    client = SQLiteSpanExporter(tmp_path / "client.db")
    outer = span_of({**CHAT, "gen_ai.request.model": "gpt-5.4", **facts, "user.id": "u"}, trace_id=9, span_id=1)
    client.export([outer])
    client.shutdown()
    gateway = SQLiteSpanExporter(tmp_path / "gateway.db")
    inner = span_of({**CHAT, "gen_ai.request.model": "gpt-5.4", **facts}, trace_id=9, span_id=2)
    inner._instrumentation_scope = InstrumentationScope("gateway")
    inner._parent = SpanContext(9, 1, is_remote=True, trace_flags=TraceFlags(1))
    inner._start_time = (inner.start_time or 0) + 1000
    gateway.export([inner])
    gateway.shutdown()
    out = tmp_path / "out.db"
    assert merge(out, tmp_path / "client.db", tmp_path / "gateway.db")[-1].duplicates == 1
    assert query(out, "SELECT span_id, user_id FROM llm_calls") == [(f"{2:016x}", "u")]
    assert query(out, SUMS) == query(out, REBUILT)
    check_file(out)


def test_an_interrupted_merge_is_gone_on_with(tmp_path: Path) -> None:
    """A merge that fails in the midst keeps what it has, with right sums; the same line then does the rest."""
    one, two, out = write(tmp_path / "1.db", 1, 5), write(tmp_path / "2.db", 101, 4, trace=2), tmp_path / "out.db"

    class StopError(Exception):
        pass

    def stop(_: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        merge_files(str(out), [str(one), str(two)], merged=lambda *_: None, advance=stop)
    assert query(out, SUMS) == query(out, REBUILT) == [(5, 50, 10, 0.0)]
    assert [result.new for result in merge(out, one, two)[:2]] == [0, 4]
    check_file(out)


def test_a_file_is_not_merged_into_itself(tmp_path: Path) -> None:
    """The file that is written can't be one of those that are read."""
    path = write(tmp_path / "1.db", 1, 1)
    with pytest.raises(SendingError, match="into itself"):
        merge(path, path)
