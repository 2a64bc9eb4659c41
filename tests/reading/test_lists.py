"""Lists are paged without gaps, and every filter filters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import Database, SQLiteSpanProcessor, open_database
from otel_sqlite_exporter.database.connection import open_for_writing
from otel_sqlite_exporter.reading import FilterError, Filters, NotFoundError, Rows, slices
from otel_sqlite_exporter.reading.notes import SearchedTo
from otel_sqlite_exporter.reading.nothing import filters_too_many
from tests.support import RESOURCE, query


@pytest.mark.parametrize("sort", ["time", "cost", "duration", "tokens"])
def test_pages_of_calls_are_the_whole_list(demo: Database, sort: str) -> None:
    """Pages that go on after each other's last call give every call once, in order."""
    whole = [call.id for call in demo.calls(limit=None, sort=sort)]
    paged: list[int] = []
    while page := demo.calls(limit=7, sort=sort, before=paged[-1] if paged else None):
        paged += [call.id for call in page]
    assert paged == whole
    assert set(whole) == {call.id for call in demo.calls(limit=None)}


def test_pages_of_traces_are_the_whole_list(demo: Database) -> None:
    """Pages of traces give every trace once."""
    whole = [trace.trace_id for trace in demo.traces(limit=10_000)]
    paged: list[str] = []
    while page := demo.traces(limit=9, before=paged[-1] if paged else None):
        paged += [trace.trace_id for trace in page]
    assert paged == whole
    assert len(whole) == len(query(demo.path, "SELECT trace_id FROM traces"))


def test_pages_of_conversations_are_the_whole_list(demo: Database) -> None:
    """Pages of conversations give every conversation once."""
    whole = [row.conversation_id for row in demo.conversations(limit=10_000)]
    paged: list[str] = []
    while page := demo.conversations(limit=5, before=paged[-1] if paged else None):
        paged += [row.conversation_id for row in page]
    assert sorted(paged) == sorted(whole)
    assert len(set(paged)) == len(paged)


@pytest.mark.parametrize(
    ("name", "value", "column", "operator"),
    [
        ("model", "gpt-5.4", "model", "="),
        ("model", "gpt-*", "model", "GLOB"),
        ("provider", "anthropic", "provider", "="),
        ("kind", "embedding", "kind", "="),
        ("agent", "support", "agent_name", "="),
        ("user", "ada", "user_id", "="),
        ("service", "fernweh", "service_name", "="),
        ("status", "error", "status", "="),
    ],
)
def test_a_filter_keeps_what_it_names(demo: Database, name: str, value: str, column: str, operator: str) -> None:
    """Each filter gives the calls of the view whose column says so, by keyword and as Filters."""
    expected = query(demo.path, f"SELECT id FROM llm_calls WHERE {column} {operator} ?", value)
    filters = Filters.parse({name: value})
    assert expected
    assert sorted(call.id for call in demo.calls(filters, limit=None)) == sorted(int(str(row[0])) for row in expected)
    assert Filters.parse(filters.values()) == filters


def test_a_tool_keeps_the_calls_that_asked_for_it(demo: Database) -> None:
    """The filter ``tool`` of calls is about what their answers ask for."""
    calls = demo.calls(tool="run_tests", limit=None)
    assert calls
    assert all("run_tests" in json.dumps(call.tool_calls) for call in calls)


def test_calls_can_be_found_by_text(demo: Database) -> None:
    """The filter ``text`` keeps calls with a message that has the text, whatever its case."""
    found = {call.id for call in demo.calls(text="where is MY order", limit=None)}
    assert found == {
        row[0]
        for row in query(
            demo.path,
            "SELECT DISTINCT c.id FROM llm_calls c JOIN call_messages m ON m.span_id = c.id "
            "WHERE m.text LIKE '%where is my order%'",
        )
    }


@pytest.mark.parametrize(
    "values",
    [
        {"color": "red"},
        {"kind": "chat"},
        {"status": "bad"},
        {"since": "soon"},
        {"since": "2d", "until": "3d"},
        {"model": 7},
        {"since": "99999999d"},
        {"model": "a\0b"},
    ],
)
def test_a_filter_that_means_nothing_is_an_error(values: dict[str, object]) -> None:
    """Filters that don't exist, or whose value means nothing, raise with one line."""
    with pytest.raises(FilterError) as raised:
        Filters.parse(values)
    assert "\n" not in str(raised.value)


def test_ids_count_from_the_end_or_begin(demo: Database) -> None:
    """-1 is the last call and the last trace; a trace is found by its first digits or by one of its calls."""
    last, before = demo.calls(limit=2)
    assert demo.call(-1).call == last
    assert demo.call("-2").call == before
    trace = demo.traces(limit=1)[0]
    assert demo.trace(-1).trace == trace
    assert demo.trace(trace.trace_id[:7].replace("-", "")).trace == trace
    assert demo.trace(last.id).trace.trace_id == last.trace_id
    with pytest.raises(NotFoundError, match="several traces begin"):
        demo.trace("a" if len([t for t in demo.traces(limit=999) if t.trace_id[0] == "a"]) > 1 else "b")
    for wanted in (10**9, -(10**6)):
        with pytest.raises(NotFoundError):
            demo.call(wanted)
    with pytest.raises(FilterError):
        demo.call("nonsense")


def test_an_empty_file_answers_everything(tmp_path: Path) -> None:
    """A file in which nothing was recorded yet has empty answers, not errors."""
    _, connection = open_for_writing(str(tmp_path / "empty.db"))
    connection.close()
    with open_database(tmp_path / "empty.db") as database:
        answers = (
            database.calls(),
            database.traces(),
            database.conversations(),
            database.usage(),
            database.usage(by="agent"),
            database.latency(),
            database.tools(),
            database.errors(),
            database.error_summaries(),
            database.search("anything"),
        )
        assert [len(answer) for answer in answers] == [0] * len(answers)
        assert (database.status().spans, database.status().problems) == (0, [])


def test_a_process_that_was_killed_is_a_problem_where_something_may_be_missing(tmp_path: Path) -> None:
    """Of a process that vanished, the status says how many spans are missing; of one that was idle, nothing."""
    path = tmp_path / "killed.db"
    _, connection = open_for_writing(str(path))
    connection.executemany(
        "INSERT INTO recorders (uuid, pid, host_name, version, settings, started_unix_nano, last_heartbeat_unix_nano, "
        "received, written, skipped, idle) VALUES (?, 1, 'h', '1', '{}', 1, 1, ?, ?, 5, ?)",
        [("while idle", 15, 10, 1), ("with a full queue", 47, 30, 0), ("between two batches", 25, 20, 0)],
    )
    connection.close()
    with open_database(path) as database:
        status = database.status()
    assert [recorder.state for recorder in status.recorders] == ["vanished"] * 3
    assert [recorder.unsettled for recorder in status.recorders] == [0, 12, 0]
    (problem,) = status.problems
    assert problem.startswith("2 processes stopped without an end while they recorded: 12 spans ")


@pytest.mark.parametrize(
    ("sort", "field"),
    [
        ("cost", "cost_usd"),
        ("duration", "duration_ms"),
        ("tokens", "total_tokens"),
        ("started", "start_time_unix_nano"),
    ],
)
@pytest.mark.parametrize("agent", [None, "support"])
def test_traces_can_be_sorted(demo: Database, sort: str, field: str, agent: str | None) -> None:
    """The largest of all traces that are wanted come first, by the sums that their rows show."""
    wanted = [getattr(trace, field) for trace in demo.traces(agent=agent, limit=10_000)]
    expected = sorted((value for value in wanted if value is not None), reverse=True)[:10]
    assert [getattr(trace, field) for trace in demo.traces(agent=agent, sort=sort, limit=10)] == pytest.approx(expected)


def test_an_order_that_is_none_is_an_error(demo: Database) -> None:
    """An unknown order, and going on in one that has no place to go on from, are refused in words."""
    with pytest.raises(FilterError, match="sort: 'beauty' is none of time"):
        demo.traces(sort="beauty")
    with pytest.raises(FilterError, match="before"):
        demo.traces(sort="cost", before=demo.traces(limit=1)[0].trace_id)


def test_the_filters_that_leave_nothing_are_told(demo: Database) -> None:
    """Of several filters those are named without which there would be something."""
    filters = Filters.parse({"agent": "support", "model": "nothing"})
    assert filters_too_many(lambda given: demo.calls(given, limit=1), filters) == (["model"], True)


def test_a_search_whose_time_is_over_says_so(demo: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every list that is asked for by a text tells that it may lack something, and where to go on."""
    monkeypatch.setattr(slices, "_FIRST_SLICE", 20)
    with open_database(demo.path, search_seconds=1e-9) as database:
        answers: list[Rows[Any]] = [
            database.calls(text="no such text"),
            database.traces(text="no such text"),
            database.traces(text="no such text", sort="cost"),
            database.conversations(text="no such text"),
            database.tools(text="no such text"),
            database.errors(text="no such text"),
            database.error_summaries(text="no such text"),
            database.usage(text="no such text"),
            database.latency(text="no such text"),
            database.search("no such text"),
        ]
        filters = Filters.parse({"text": "no such text", "model": "none"})
        assert filters_too_many(database.calls, filters) == ([], False)
    assert [(len(rows), rows.is_partial) for rows in answers] == [(0, True)] * len(answers)
    for rows in answers:
        assert isinstance(rows.note, SearchedTo)
        assert not demo.search("no such text", until=rows.note.until).is_partial


def test_a_search_goes_on_where_the_last_one_stopped(demo: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that are asked for with ``until`` of the note before make the whole one."""
    whole = {call.id for call in demo.calls(text="zip", limit=None)}
    monkeypatch.setattr(slices, "_FIRST_SLICE", 100)
    found: set[int] = set()
    until = None
    with open_database(demo.path, search_seconds=1e-9) as database:
        while (rows := database.calls(text="zip", limit=None, until=until)).is_partial:
            found |= {call.id for call in rows}
            assert isinstance(rows.note, SearchedTo)
            until = rows.note.until
    assert found | {call.id for call in rows} == whole != set()


def test_who_asks_for_all_has_all_looked_at(demo: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a period of ``all`` a search looks as long as a question may take."""
    monkeypatch.setattr(slices, "SEARCH_SECONDS", 1e-9)
    monkeypatch.setattr(slices, "_FIRST_SLICE", 20)
    assert demo.calls(text="no such text").is_partial
    assert demo.usage(text="no such text", since="all").note is None


def test_a_tool_names_the_call_that_asked_for_it(demo: Database) -> None:
    """The detail of a tool's execution has the id of that call, and says it in Markdown."""
    run = next(tool for tool in demo.tool_calls() if tool.call_id is not None)
    detail = demo.call(run.id)
    assert detail.asked_by_id == run.call_id
    assert f"asked for by call {run.call_id}" in detail.markdown()


def test_a_question_about_a_large_file_is_about_the_newest_steps(
    demo: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where seven days have too many, it is about the newest and says since when; all can be asked for."""
    monkeypatch.setattr("otel_sqlite_exporter.reading.grouping.SPANS_WITHOUT_WINDOW", 50)
    monkeypatch.setattr("otel_sqlite_exporter.reading.conditions._WINDOW_DAYS", 10_000)
    latency = demo.latency(by="agent")
    assert latency.note
    since = latency.note.partition("since ")[2].partition(";")[0].replace(" ", "T")
    assert 0 < len(demo.calls(since=since, limit=None)) < 50
    assert list(latency) == list(demo.latency(by="agent", since=since))
    assert demo.usage(by="user", since="all") != demo.usage(by="user")


@pytest.mark.parametrize("by", ["trace", "conversation", "user", "model", "service"])
def test_the_first_groups_are_those_of_the_whole_answer(demo: Database, by: str) -> None:
    """A limit leaves out what comes last, whichever way the groups are made."""
    assert list(demo.usage(by=by, limit=3)) == list(demo.usage(by=by))[:3]
    assert [row.calls for row in demo.latency(by=by, limit=3)] == [row.calls for row in demo.latency(by=by)][:3]


def test_an_answer_prints_as_a_table(demo: Database) -> None:
    """At Python's prompt: the number of rows, the columns one looks at first, and a line for each of the first rows."""
    head, columns, *lines = repr(demo.calls(limit=12)).splitlines()
    assert head == "<12 rows of Call>"
    assert columns.split()[:3] == ["id", "start_time", "model"]
    assert [int(line.split()[0]) for line in lines] == [call.id for call in demo.calls(limit=10)]
    assert repr(demo.calls(model="none")) == "<0 rows of Call>"
    assert repr(demo.sql("SELECT 1 AS one, NULL AS none")) == "<1 row>\none\n1"


@pytest.mark.parametrize("ask", ["calls", "traces", "conversations"])
def test_errors_advise_in_python(demo: Database, ask: str) -> None:
    """What is not there is told with the method that lists what is."""
    one = {"calls": demo.call, "traces": demo.trace, "conversations": demo.conversation}[ask]
    with pytest.raises(NotFoundError, match=rf"; {ask}\(\) lists"):
        one("99999999")


@pytest.mark.parametrize("sort", ["cost", "duration", "tokens", "started"])
def test_traces_of_an_unknown_sum_come_last(tmp_path: Path, sort: str) -> None:
    """A trace without a cost or tokens is in every order, behind those that have one, the newest first."""
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SQLiteSpanProcessor(tmp_path / "traces.db"))
    tracer = provider.get_tracer("app")
    for number, attributes in enumerate(({}, {"gen_ai.usage.input_tokens": 3, "gen_ai.usage.cost": 0.5}, {}, {})):
        span = tracer.start_span(f"chat {number}", start_time=number * 10**9)
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **attributes})
        span.end(end_time=number * 10**9 + 5 - number)
    provider.shutdown()
    with open_database(tmp_path / "traces.db") as database:
        for filters in (None, Filters(model="m"), Filters.parse({"since": "all"})):
            names = [trace.name for trace in database.traces(filters, sort=sort)]
            assert sorted(filter(None, names)) == [f"chat {number}" for number in range(4)]
            if sort in {"cost", "tokens"}:
                assert names == ["chat 1", "chat 3", "chat 2", "chat 0"]
            assert len(database.traces(filters, sort=sort, limit=2)) == 2
