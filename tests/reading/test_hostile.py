"""Rows that no reader expects are shown as well as they can be, and nothing of a text is ever obeyed."""

from __future__ import annotations

import ast
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_sqlite_exporter import Database, open_database
from otel_sqlite_exporter.conventions.step_words import STEPS
from otel_sqlite_exporter.database.connection import open_for_writing
from otel_sqlite_exporter.reading import ReadingError
from otel_sqlite_exporter.reading.filters import KINDS
from otel_sqlite_exporter.reading.python_form import python_code
from otel_sqlite_exporter.reading.units import one_line, visible

HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x08\x7f\x9b2J [bold]markup[/bold] :smile: <script>alert(1)</script> "
    "<img src=x onerror=alert(1)> \u202egnp.exe\u202c \u2066x\u2069 \u200bzero \U000e0041tag ![i](http://e/x.png) "
    "\"quoted\" 'single' \\ back % _ \r\nline\ttab \u2028sep"
)


class File:
    """A file with rows as no recorder would write them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _, self.connection = open_for_writing(str(path))
        run = self.connection.execute
        run(
            "INSERT INTO recorders (uuid, pid, host_name, version, settings, started_unix_nano, "
            "last_heartbeat_unix_nano) VALUES ('u', 1, 'h', 'v', 'not json', 1, 1)"
        )
        run("INSERT INTO resources (attributes, schema_url, service_name) VALUES ('{', '', NULL)")
        run("INSERT INTO scopes (name, version, schema_url, attributes) VALUES ('s', '', '', '[]')")

    def span(self, **columns: object) -> int:
        """Insert a span, everything unusual about it by name."""
        values: dict[str, object] = {
            "trace_id": "00000000-0000-0000-0000-00000000000a",
            "span_id": f"{self.connection.total_changes:016x}",
            "trace_flags": 1,
            "name": "n",
            "otel_kind": "INTERNAL",
            "kind": "llm",
            "start_time_unix_nano": 1_700_000_000_000_000_000 + self.connection.total_changes * 1_000_000,
            "end_time_unix_nano": 1_700_000_100_000_000_000,
            "status": "unset",
            "otel_status": "unset",
            "convention": "none",
            "resource_id": 1,
            "scope_id": 1,
            "recorder_id": 1,
            "attributes": "{}",
            "events": "[]",
            "links": "[]",
            **columns,
        }
        cursor = self.connection.execute(
            f"INSERT INTO spans ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", list(values.values())
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def message(self, span: int, direction: str, position: int, *content: object) -> None:
        """Insert a message of a span: role, text, parts."""
        number = self.connection.execute(
            "INSERT INTO messages (hash, role, text, parts, full_bytes, kept_bytes) "
            "VALUES (randomblob(16), ?, ?, ?, 1, 1)",
            content,
        ).lastrowid
        self.connection.execute(
            "INSERT INTO span_messages (span_id, direction, position, message_id) VALUES (?, ?, ?, ?)",
            (span, direction, position, number),
        )

    def database(self) -> Database:
        """Open it for reading."""
        return open_database(self.path)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    """Return a file to fill."""
    file = File(tmp_path / "odd.db")
    yield file
    file.connection.close()


def ask_everything(database: Database) -> list[str]:
    """Ask every question, and return every form of every answer."""
    answers = [
        database.calls(limit=None),
        database.traces(),
        database.conversations(),
        database.tools(),
        database.tool_calls(),
        database.errors(),
        database.error_summaries(),
        database.latency(),
        database.search("a"),
        *(database.usage(by=by) for by in ("day", "model", "agent", "user", "service", "conversation")),
    ]
    texts = [form for answer in answers for form in (answer.json(), answer._repr_html_())]
    for row in database.sql("SELECT id FROM spans").dicts():
        detail = database.call(str(row["id"]))
        texts += [detail.json(), detail.markdown(), detail._repr_html_(), database.changes(str(row["id"])).json()]
        texts.append(database.changes(str(row["id"]))._repr_html_())
        texts.append(database.compare(-1, str(row["id"]))._repr_html_())
        compile(python_code(detail), "request.py", "exec")
    texts.append(database.status()._repr_html_())
    for trace in database.traces():
        tree = database.trace(trace.trace_id)
        texts += [tree.json(), tree.markdown(), tree.html()]
    for conversation in database.conversations():
        chat = database.conversation(conversation.conversation_id)
        texts += [chat.json(), chat.markdown(), chat._repr_html_()]
    texts += [form for name in ("jsonl", "csv", "openai", "markdown") for form in database.export(name)]
    return texts


def test_every_kind_of_step_can_be_asked_for() -> None:
    """The filter knows every kind that the recorder writes."""
    assert {step.kind for step in STEPS.values()} <= set(KINDS)


@pytest.mark.parametrize(
    "parts",
    [
        "{",
        "[]",
        '[1, null, "x", [2]]',
        '{"type": "text"}',
        '[{"type": 7}, {"type": "tool_call"}, {"type": "tool_call_response", "response": {"a": [1]}}]',
        '[{"type": "blob", "byte_count": "many"}, {"type": "tool_definitions", "tools": {"a": 1}}]',
        b"\xff\xfe",
        "[" * 2000,
        7,
    ],
)
def test_malformed_parts_are_shown(file: File, parts: object) -> None:
    """Parts that are no JSON, or JSON of another shape, make nothing unreadable."""
    span = file.span(conversation_id="c")
    for direction in ("system", "input", "output"):
        file.message(span, direction, 0, "tool_definitions" if direction == "system" else None, "text", parts)
        file.message(span, direction, 1, "user", None, parts)
    with file.database() as database:
        assert ask_everything(database)


def test_rows_of_nothing_and_of_other_types_are_shown(file: File) -> None:
    """NULL in every column that may hold it, and values of other types, are shown."""
    file.span()
    file.span(
        provider=b"\xff", request_model=7, input_tokens="many", output_tokens=1.5, cost_usd="x", status="error",
        agent_name=3.5, user_id=b"u", conversation_id=9, attributes="nonsense", events="{", finish_reasons="[",
        status_message=b"\xfe", time_to_first_token_ms="soon",
    )  # fmt: skip
    file.span(start_time_unix_nano=-(1 << 62), end_time_unix_nano=(1 << 62), kind="tool", tool_name=None)
    with file.database() as database:
        assert ask_everything(database)
        assert len(database.calls()) == 2


def test_missing_parents_and_circles_are_shown(file: File) -> None:
    """Every span stands once in its tree, whatever its parent is: missing, itself, or inside of it."""
    file.span(span_id="a", parent_span_id="b")
    file.span(span_id="b", parent_span_id="c")
    file.span(span_id="c", parent_span_id="a", kind="agent")
    file.span(span_id="d", parent_span_id="d")
    file.span(span_id="e", parent_span_id="missing", status="error", status_message="boom")
    file.span(span_id="f", parent_span_id="e")
    with file.database() as database:
        steps = [step.span.span_id for step in database.trace(-1).steps()]
        assert sorted(map(str, steps)) == ["a", "b", "c", "d", "e", "f"]
        assert ask_everything(database)


def test_a_tree_may_be_deeper_than_the_stack(file: File) -> None:
    """A chain of three thousand steps is a tree of that depth."""
    file.connection.execute("BEGIN")
    for number in range(3000):
        file.span(span_id=f"{number:016x}", parent_span_id=f"{number - 1:016x}" if number else None)
    file.connection.execute("COMMIT")
    with file.database() as database:
        tree = database.trace(-1)
        assert max(step.depth for step in tree.steps()) == 2999
        assert tree.roots[0].calls == 3000
        assert tree.html()


def test_a_call_of_very_many_messages_shows_the_last_ones(file: File) -> None:
    """Of fifty thousand messages the last are shown, and how many are not."""
    span = file.span()
    file.message(span, "output", 0, "assistant", "done", None)
    file.connection.execute(
        "INSERT INTO messages (hash, role, text, full_bytes, kept_bytes) VALUES (randomblob(16), 'user', 'again', 5, 5)"
    )
    file.connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49999) "
        "INSERT INTO span_messages (span_id, direction, position, message_id) "
        "SELECT ?, 'input', i, (SELECT max(id) FROM messages) FROM n",
        (span,),
    )
    with file.database() as database:
        detail = database.call(span)
        assert detail.messages[-1].text == "done"
        assert detail.left_out + len(detail.messages) == 50_001
        assert detail.messages[-2].position == 49_999
        assert detail._repr_html_()


def test_nothing_of_a_text_is_obeyed(file: File) -> None:
    """Control characters, escapes, direction marks and HTML of a text are shown in every form for people."""
    columns = ("name", "request_model", "agent_name", "tool_name", "conversation_id", "user_id", "error_type")
    span = file.span(status="error", status_message=HOSTILE, **dict.fromkeys(columns, HOSTILE))
    file.message(span, "input", 0, HOSTILE, HOSTILE, None)
    file.message(span, "output", 0, "assistant", None, json.dumps([
        {"type": "text", "content": HOSTILE},
        {"type": "tool_call", "id": HOSTILE, "name": HOSTILE, "arguments": {HOSTILE: HOSTILE}},
        {"type": "blob", "mime_type": HOSTILE, "byte_count": 1, "sha256": HOSTILE},
    ]))  # fmt: skip
    with file.database() as database:
        shown = [
            database.calls()._repr_html_(),
            database.call(span)._repr_html_(),
            database.trace(-1).html(),
            database.conversation("-1")._repr_html_(),
            database.call(span).markdown(),
            database.conversation("-1").markdown(),
            database.trace(-1).markdown(),
        ]
    for text in shown:
        assert not set(text) & set("\x1b\x07\x08\x7f\x9b\u202e\u202c\u2066\u2069\u200b\u2028\r\U000e0041")
    for text in shown[:4]:
        assert "<script" not in text
        assert "<img" not in text
        assert "http://e/x.png" in text or "onerror" in text
    assert "␛[31m" in visible(HOSTILE)
    assert "⟨U+202E⟩" in one_line(HOSTILE)
    assert "\n" not in one_line(HOSTILE)


def test_json_holds_a_text_as_it_is(file: File) -> None:
    """JSON and the code that repeats a request have the text itself: they are for programs."""
    span = file.span()
    file.message(span, "input", 0, "user", HOSTILE, None)
    with file.database() as database:
        assert json.loads(database.call(span).json())["messages"][0]["text"] == HOSTILE
        request = ast.parse(python_code(database.call(span)))
    (messages,) = [
        keyword.value for node in ast.walk(request) if isinstance(node, ast.Call)
        for keyword in node.keywords if keyword.arg == "messages"
    ]  # fmt: skip
    assert ast.literal_eval(messages) == [{"role": "user", "content": HOSTILE}]


def test_a_locked_file_is_waited_for_and_then_said(file: File) -> None:
    """A reader of a file that is locked exclusively says so after its patience."""
    file.span()
    file.connection.execute("PRAGMA journal_mode = DELETE")
    file.connection.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(Exception, match="locked"):
            open_database(file.path, busy_seconds=0.05)
    finally:
        file.connection.execute("ROLLBACK")


def test_a_question_has_its_time(file: File) -> None:
    """A query that would run for ever ends in an error that says how long it had."""
    with open_database(file.path, seconds=0.2) as database, pytest.raises(TimeoutError, match=r"longer than 0\.2"):
        database.sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM spans",
        "PRAGMA query_only = OFF",
        "ATTACH DATABASE '/tmp/other.db' AS other",
        "CREATE TEMP TABLE t (a)",
        "VACUUM INTO '/tmp/copy.db'",
        "SELECT load_extension('x')",
        "SELECT 1; DELETE FROM spans",
        "",
        "nonsense",
    ],
)
def test_queries_only_select(file: File, statement: str) -> None:
    """What is no single SELECT is refused with one line, and the next question is answered."""
    file.span()
    with file.database() as database:
        if statement:
            with pytest.raises(ReadingError, match=r"^[^\n]+$"):
                database.sql(statement)
        else:
            assert not database.sql(statement)
        assert len(database.calls()) == 1


def test_a_database_is_left_alone(file: File) -> None:
    """Reading opens the file so that nothing of it changes: not its bytes, not the files beside it."""
    file.span()
    file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = file.path.read_bytes()
    with file.database() as database:
        ask_everything(database)
        with pytest.raises(sqlite3.Error):
            database._connection._connection.execute("DELETE FROM spans")
    assert file.path.read_bytes() == before
