"""What the tables and views say, and that every reader can have it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import runpy
import socket
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.database import connection as opening
from otel_sqlite_exporter.database.rows import message_hash
from tests.everything import TABLES, VIEWS
from tests.support import CHAT, check_file, query, recording, value

DOCS = Path(__file__).parent.parent.parent / "docs"
SECOND = 10**9
TRACE = 0x0123456789ABCDEF0123456789ABCDEF


def made_span(
    number: int,
    attributes: Mapping[str, object],
    *,
    parent: int | None = None,
    seconds: tuple[float, float] = (0, 1),
    error: str | None = None,
    trace: int = TRACE,
    events: Sequence[Event] = (),
    links: Sequence[Link] = (),
    resource: Resource | None = None,
    remote: bool = False,
) -> ReadableSpan:
    """Return a span of a trace, with times in seconds from its start."""
    start = 1_700_000_000 * SECOND
    return ReadableSpan(
        name=str(attributes.get("name", "step")),
        context=SpanContext(trace, number, is_remote=False, trace_flags=TraceFlags(1)),
        parent=SpanContext(trace, parent, is_remote=remote, trace_flags=TraceFlags(1)) if parent else None,
        resource=resource or Resource({}),
        attributes={key: item for key, item in attributes.items() if key != "name"},  # type: ignore[misc]
        events=events,
        links=links,
        status=Status(StatusCode.ERROR, error) if error else Status(),
        start_time=start + int(seconds[0] * SECOND),
        end_time=start + int(seconds[1] * SECOND),
        instrumentation_scope=InstrumentationScope("tests"),
    )


def export(path: Path, *spans: ReadableSpan, **options: object) -> None:
    """Store spans with an exporter of their own."""
    exporter = SQLiteSpanExporter(path, **options)  # type: ignore[arg-type]
    exporter.export(spans)
    exporter.shutdown()


def messages(role: str, *parts: Mapping[str, object]) -> str:
    """Return one message as JSON."""
    return json.dumps([{"role": role, "parts": list(parts)}])


def text(content: str) -> dict[str, object]:
    """Return a text part."""
    return {"type": "text", "content": content}


def test_a_file_has_an_identity_of_its_own(tmp_path: Path) -> None:
    """Each file has one id, which a second opening keeps and a successor does not share."""
    for name in ("one.db", "one.db", "two.db"):
        export(tmp_path / name, made_span(1, dict(CHAT)))
    ((one, created),) = query(tmp_path / "one.db", "SELECT file_id, created_unix_nano FROM file")
    assert uuid.UUID(str(one))
    assert isinstance(created, int)
    assert value(tmp_path / "two.db", "SELECT file_id FROM file") != one


def test_the_ledger_tells_who_recorded_what_and_with_which_settings(tmp_path: Path) -> None:
    """A file says by itself why a prompt is missing or cut."""
    path = tmp_path / "traces.db"
    export(path, made_span(1, dict(CHAT)), capture_content=False, max_text_bytes=100, redact=lambda _, text: text)
    export(path, made_span(2, dict(CHAT)), keep_raw_content=True, spans="all")
    rows = query(path, "SELECT uuid, pid, host_name, settings FROM recorders ORDER BY id")
    first, second = (json.loads(str(row[3])) for row in rows)
    assert len({row[0] for row in rows}) == 2
    assert {row[1:3] for row in rows} == {(os.getpid(), socket.gethostname())}
    assert first | {"capture_content": False, "max_text_bytes": 100, "redact": True} == first
    assert second | {"capture_content": True, "keep_raw_content": True, "redact": False, "spans": "all"} == second
    assert first["sqlite"] == sqlite3.sqlite_version
    assert first["python"]
    assert first["opentelemetry_sdk"]


def test_a_span_keeps_what_it_said_of_its_status_flags_and_parent(tmp_path: Path) -> None:
    """The judged status stands beside the one that was emitted; a parent in another process is told."""
    path = tmp_path / "traces.db"
    export(
        path,
        made_span(1, {**CHAT, "error.type": "Timeout"}),
        made_span(2, dict(CHAT), parent=1),
        made_span(3, dict(CHAT), parent=1, remote=True, error="no"),
    )
    assert query(path, "SELECT status, otel_status, trace_flags, parent_is_remote FROM spans ORDER BY span_id") == [
        ("error", "unset", 1, None),
        ("unset", "unset", 1, 0),
        ("error", "error", 1, 1),
    ]


def test_links_keep_state_and_flags(tmp_path: Path) -> None:
    """A replay needs all of a link's context."""
    state = TraceState([("vendor", "x")])
    context = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    export(tmp_path / "traces.db", made_span(1, dict(CHAT), links=[Link(context, {"why": "batch"})]))
    (link,) = json.loads(str(value(tmp_path / "traces.db", "SELECT links FROM spans")))
    assert link == {
        "trace_id": "00000000-0000-0000-0000-000000000007",
        "span_id": "0000000000000008",
        "trace_state": "vendor=x",
        "trace_flags": 1,
        "attributes": {"why": "batch"},
    }


def test_raw_content_includes_the_events_that_hold_it(tmp_path: Path) -> None:
    """With keep_raw_content a replay gives back what was emitted; without it, content is in messages only."""
    event = Event("gen_ai.user.message", {"content": "Hello there"}, 1)
    for name, keep in (("raw.db", True), ("plain.db", False)):
        export(tmp_path / name, made_span(1, dict(CHAT), events=[event]), keep_raw_content=keep)
    assert "Hello there" in str(value(tmp_path / "raw.db", "SELECT events FROM spans"))
    assert value(tmp_path / "plain.db", "SELECT events FROM spans") == "[]"
    for name in ("raw.db", "plain.db"):
        assert value(tmp_path / name, "SELECT input_text FROM llm_calls") == "Hello there"


def test_a_text_that_spells_a_tool_call_swallows_none(tmp_path: Path) -> None:
    """The hash keeps a text and the JSON of parts apart, so that a prompt can't make a later tool call vanish."""
    path = tmp_path / "traces.db"
    call: dict[str, object] = {"type": "tool_call", "id": "1", "name": "f", "arguments": {}}
    spelled = json.dumps([call], separators=(",", ":"))
    export(
        path,
        made_span(1, {**CHAT, "gen_ai.output.messages": messages("assistant", text(spelled))}),
        made_span(2, {**CHAT, "gen_ai.output.messages": messages("assistant", call)}),
    )
    assert query(path, "SELECT output_text, tool_calls IS NOT NULL FROM llm_calls ORDER BY id") == [
        (spelled, 0),
        (None, 1),
    ]
    assert message_hash("a", b"b", is_parts=False) != message_hash(None, b"ab", is_parts=False)
    assert message_hash("user", b"Hello", is_parts=False).hex() == "42c6b1f845e71a6a71cba36878b23934"


@pytest.mark.parametrize("limits", [(64, 4096), (4096, 64)])
def test_of_two_versions_of_a_message_the_longer_one_is_kept(tmp_path: Path, limits: tuple[int, int]) -> None:
    """Raising the limit helps texts that were seen before, and lowering it takes nothing away."""
    path = tmp_path / "traces.db"
    question = "why? " * 100
    for number, limit in enumerate(limits, 1):
        asked = {**CHAT, "gen_ai.input.messages": messages("user", text(question))}
        processor = SQLiteSpanProcessor(path, max_text_bytes=limit)
        processor.on_end(made_span(number, asked))
        processor.shutdown()
    assert query(path, "SELECT input_text FROM llm_calls") == [(question,), (question,)]
    assert query(path, "SELECT kept_bytes FROM messages") == [(500,)]


def test_resources_differ_by_schema_url(tmp_path: Path) -> None:
    """Two resources of the same attributes under two schemas are two rows, each found again."""
    path = tmp_path / "traces.db"
    urls = ("https://opentelemetry.io/schemas/1.30.0", "https://opentelemetry.io/schemas/1.37.0")
    for number, url in enumerate((*urls, *urls), 1):
        export(path, made_span(number, dict(CHAT), resource=Resource({"service.name": "shop"}, url)))
    assert query(path, "SELECT schema_url FROM resources ORDER BY id") == [(url,) for url in urls]
    assert query(path, "SELECT resource_id FROM spans ORDER BY span_id") == [(1,), (2,), (1,), (2,)]


def test_what_changes_later_is_noted_for_those_who_follow(tmp_path: Path) -> None:
    """Every update of a span is a row of span_changes, trimmed only where no outbox needs it."""
    path = tmp_path / "traces.db"
    export(path, made_span(1, dict(CHAT)))
    assert query(path, "SELECT * FROM span_changes") == []
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE spans SET user_id = 'u'")
        assert connection.execute("SELECT seq, span_id FROM span_changes").fetchall() == [(1, 1)]
        connection.execute("INSERT INTO outboxes (name, destination, created_unix_nano) VALUES ('slow', 'x', 1)")
        for _ in range(10_300):
            connection.execute("UPDATE spans SET user_id = 'u'")
        assert connection.execute("SELECT count(*) FROM span_changes").fetchone() == (10_301,)
        connection.execute("UPDATE outboxes SET last_change_seq = 5000")
        for _ in range(1024):
            connection.execute("UPDATE spans SET user_id = 'u'")
        assert connection.execute("SELECT min(seq) FROM span_changes").fetchone() == (3073,)
        connection.execute("DELETE FROM outboxes")
        for _ in range(1024):
            connection.execute("UPDATE spans SET user_id = 'u'")
        (kept,) = connection.execute("SELECT count(*) FROM span_changes").fetchone()
        assert 8192 <= kept < 8192 + 1024


def test_deleted_texts_are_gone_from_the_file(tmp_path: Path) -> None:
    """secure_delete is on whatever the library's default is: what is deleted is overwritten."""
    path = tmp_path / "traces.db"
    with recording(path):
        pass
    _, connection = opening.open_for_writing(str(path))
    with contextlib.closing(connection):
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_a_user_s_own_columns_indexes_and_tables_disturb_nothing(tmp_path: Path) -> None:
    """Every statement names its columns, so that a file may be added to."""
    path = tmp_path / "traces.db"
    with recording(path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN mine TEXT DEFAULT 'x'")
        connection.execute("CREATE INDEX my_index ON spans (name, mine)")
        connection.execute("CREATE TABLE my_notes (span_id INTEGER, note TEXT)")
        connection.commit()
    asked: dict[str, object] = {"gen_ai.usage.input_tokens": 3, "gen_ai.input.messages": messages("user", text("Hi"))}
    processor = SQLiteSpanProcessor(path)
    for number in range(1, 4):
        processor.on_end(made_span(number, {**CHAT, **asked}))
    processor.shutdown()
    check_file(path)
    assert processor.stats().written == 3
    assert value(path, "SELECT sum(input_tokens) FROM usage_by_model") == 9
    assert query(path, "SELECT DISTINCT input_text FROM llm_calls WHERE input_tokens = 3") == [("Hi",)]


def test_one_model_is_one_row_whether_its_calls_fail_or_not(tmp_path: Path) -> None:
    """A failed call has no response model; it counts under the model that was asked for, as those that succeeded do."""
    path = tmp_path / "traces.db"
    asked = {**CHAT, "gen_ai.request.model": "gpt-5.4"}
    export(
        path,
        made_span(1, {**asked, "gen_ai.response.model": "gpt-5.4-2026-03-05"}),
        made_span(2, asked, error="429"),
    )
    assert query(path, "SELECT model, calls, errors FROM usage_by_model") == [("gpt-5.4", 2, 1)]
    assert query(path, "SELECT DISTINCT model FROM llm_calls") == [("gpt-5.4",)]


def test_messages_stand_in_reading_order(tmp_path: Path) -> None:
    """call_messages gives a call's system texts, then its input, then its output, each with its parts."""
    path = tmp_path / "traces.db"
    export(
        path,
        made_span(
            1,
            {
                **CHAT,
                "gen_ai.system_instructions": json.dumps([text("Be brief.")]),
                "gen_ai.input.messages": json.dumps(
                    [{"role": "user", "parts": [text("One")]}, {"role": "user", "parts": [text("Two")]}]
                ),
                "gen_ai.output.messages": messages("assistant", text("Three")),
            },
        ),
    )
    rows = query(path, "SELECT direction, position, text, parts, full_bytes, kept_bytes FROM call_messages")
    assert [row[:3] for row in rows] == [
        ("system", 0, "Be brief."),
        ("input", 0, "One"),
        ("input", 1, "Two"),
        ("output", 0, "Three"),
    ]
    assert json.loads(str(rows[3][3])) == [text("Three")]
    assert rows[3][4:] == (5, 5)


def agent_with_tool(error: str | None) -> list[ReadableSpan]:
    """Return an agent whose model asks for a tool, which fails or not, under two chains."""
    called: dict[str, object] = {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Oslo"}}
    tool = {
        "name": "execute_tool weather",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.call.arguments": '{"city":"Oslo"}',
    }
    if error is None:
        tool["gen_ai.tool.call.result"] = "rain"
    answer = {**CHAT, "name": "chat", "gen_ai.output.messages": messages("assistant", called)}
    agent = {"name": "agent", "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide"}
    chain = {"name": "chain", "openinference.span.kind": "CHAIN"}
    return [
        made_span(4, answer, parent=2, seconds=(0.2, 0.5)),
        made_span(5, tool, parent=3, seconds=(0.6, 0.8), error=error),
        made_span(3, chain, parent=2, seconds=(0.55, 0.9), error=error),
        made_span(2, chain, parent=1, seconds=(0.1, 0.95), error=error),
        made_span(1, agent, seconds=(0, 1), error=error),
    ]


def test_a_tool_s_execution_knows_the_call_that_asked_for_it(tmp_path: Path) -> None:
    """tool_calls has what the tool was given, what it gave back, and which call wanted it."""
    path = tmp_path / "traces.db"
    export(path, *agent_with_tool(None))
    assert query(
        path,
        "SELECT t.tool_name, t.arguments, t.result, c.name, t.status FROM tool_calls t "
        "LEFT JOIN llm_calls c ON c.id = t.call_id",
    ) == [("weather", '{"city":"Oslo"}', "rain", "chat", "unset")]


def test_a_failure_is_one_row_however_far_it_passed(tmp_path: Path) -> None:
    """A tool that fails under two chains and an agent is one error, with the tool's name and one line."""
    path = tmp_path / "traces.db"
    export(path, *agent_with_tool("ValueError: sensor offline\nTraceback (most recent call last):\n  ..."))
    assert query(path, "SELECT kind, tool_name, message FROM errors") == [
        ("tool", "weather", "ValueError: sensor offline")
    ]
    assert value(path, "SELECT count(*) FROM spans WHERE status = 'error'") == 4


def test_an_agent_that_goes_on_and_fails_of_itself_is_a_failure_of_its_own(tmp_path: Path) -> None:
    """A tool fails, the model is told and answers, and then the agent gives up: two failures."""
    path = tmp_path / "traces.db"
    agent = {"name": "agent", "gen_ai.operation.name": "invoke_agent"}
    tool = {"name": "tool", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather"}
    export(
        path,
        made_span(2, tool, parent=1, seconds=(0.1, 0.2), error="sensor offline"),
        made_span(3, {**CHAT, "name": "chat"}, parent=1, seconds=(0.3, 0.4)),
        made_span(1, agent, error="too many turns"),
    )
    assert query(path, "SELECT kind, message FROM errors ORDER BY id") == [
        ("tool", "sensor offline"),
        ("agent", "too many turns"),
    ]


def test_a_failure_passes_through_spans_that_are_not_in_the_file(tmp_path: Path) -> None:
    """Between an agent and the call that failed may be spans that nobody recorded."""
    path = tmp_path / "traces.db"
    agent = {"name": "agent", "gen_ai.operation.name": "invoke_agent"}
    export(
        path,
        made_span(9, {**CHAT, "name": "chat"}, parent=5, seconds=(0.3, 0.4), error="429"),
        made_span(1, agent, error="429"),
    )
    assert query(path, "SELECT kind FROM errors") == [("llm",)]


def test_a_call_is_shown_in_the_trace_of_its_outermost_report(tmp_path: Path) -> None:
    """That trace has the call, its tokens and cost; a trace that held only the inner report is none of its own."""
    path = tmp_path / "traces.db"
    asked = {**CHAT, "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 2, "gen_ai.usage.cost": 0.5}
    session = {"gen_ai.conversation.id": "thread"}
    export(
        path,
        made_span(1, {"name": "agent", "gen_ai.operation.name": "invoke_agent", **session}, seconds=(1, 4)),
        made_span(2, {**asked, **session, "name": "inner"}, seconds=(2, 3), trace=7),
        made_span(3, {**asked, **session, "name": "outer"}, seconds=(1.5, 3.5), parent=1),
    )
    outer_trace, inner_trace = (str(uuid.UUID(int=trace)) for trace in (TRACE, 7))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        ids = dict(connection.execute("SELECT name, id FROM spans").fetchall())
        connection.execute("UPDATE spans SET duplicate_of = ? WHERE name = 'outer'", (ids["inner"],))
        connection.execute("UPDATE spans SET shown_in_trace_id = ? WHERE name = 'inner'", (outer_trace,))
        connection.commit()
    assert query(path, "SELECT trace_id, name, spans, llm_calls, input_tokens, total_tokens, cost_usd FROM traces") == [
        (outer_trace, "agent", 3, 1, 5, 7, 0.5)
    ]
    assert query(path, "SELECT trace_id, name FROM llm_calls") == [(outer_trace, "inner")]
    assert query(path, "SELECT name FROM llm_calls WHERE trace_id = ?", outer_trace) == [("inner",)]
    assert query(path, "SELECT name FROM llm_calls WHERE trace_id = ?", inner_trace) == []
    assert query(path, "SELECT traces, llm_calls, cost_usd FROM conversations") == [(1, 1, 0.5)]


@pytest.mark.parametrize(
    ("question", "index"),
    [
        ("SELECT * FROM llm_calls WHERE trace_id = 'x'", "sqlite_autoindex_spans_1 (trace_id=?)"),
        ("SELECT * FROM llm_calls ORDER BY start_time DESC LIMIT 50", "spans_call_start_time"),
        ("SELECT * FROM traces WHERE trace_id = 'x'", "sqlite_autoindex_spans_1 (trace_id=?)"),
        ("SELECT * FROM call_messages WHERE span_id = 5", "PRIMARY KEY (span_id=?)"),
        ("SELECT * FROM conversations WHERE conversation_id = 'x'", "spans_conversation (conversation_id=?)"),
        ("SELECT * FROM usage_by_model WHERE model = 'x'", "usage"),
    ],
)
def test_common_questions_are_answered_from_an_index(tmp_path: Path, question: str, index: str) -> None:
    """No common question walks through all spans."""
    path = tmp_path / "traces.db"
    export(path, made_span(1, dict(CHAT)))
    plan = [str(row[3]) for row in query(path, f"EXPLAIN QUERY PLAN {question}")]
    assert any(index in step for step in plan), plan
    if "index" in index:
        assert not [step for step in plan if re.search(r"SCAN (TABLE )?(spans|s)$", step)], plan


def test_a_library_that_is_too_old_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor and an exporter say which SQLite they need before anything is opened."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 30, 1))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.30.1")
    for door in (SQLiteSpanProcessor, SQLiteSpanExporter):
        with pytest.raises(RuntimeError, match=r"needs SQLite 3\.31 or newer; this Python has 3\.30\.1"):
            door(tmp_path / "traces.db")
    assert list(tmp_path.iterdir()) == []


def test_the_page_of_the_schema_is_current(tmp_path: Path) -> None:
    """docs/schema.md has every table, view and column, as the schema describes them."""
    generated = runpy.run_path(str(DOCS / "generate_schema.py"))["page"]()
    assert (DOCS / "schema.md").read_text(encoding="utf-8") == generated, "run: python docs/generate_schema.py"
    export(tmp_path / "traces.db", made_span(1, dict(CHAT)))
    for name in (*TABLES, *VIEWS):
        section = generated.split(f"\n### {name}\n")[1].split("\n###")[0]
        columns = [row[0] for row in query(tmp_path / "traces.db", f"SELECT name FROM pragma_table_xinfo('{name}')")]
        assert re.findall(r"^\| `(\w+)` \| [A-Z]+ \| .+ \|$", section, re.MULTILINE) == columns
