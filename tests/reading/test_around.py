"""Questions around calls and traces: neighbours, names, shares, distributions, marks, and SQL that says the same."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import Database, SQLiteSpanProcessor, open_database
from otel_sqlite_exporter.reading import FilterError, Filters
from otel_sqlite_exporter.reading import equivalents as sql
from otel_sqlite_exporter.reading.rows.sums import Usage
from otel_sqlite_exporter.reading.rows.traces import Trace
from otel_sqlite_exporter.reading.shares import cost_shares, running_cost, sums_of, time_shares
from otel_sqlite_exporter.reading.steps import Span, grow
from otel_sqlite_exporter.reading.totals import total_of, totals_by
from otel_sqlite_exporter.reading.tree import TraceTree
from tests.support import RESOURCE

_MS = 1_000_000


def _tree(*spans: Span) -> TraceTree:
    return TraceTree(trace=Trace(trace_id="t"), roots=tuple(grow(spans)), is_cut=False)


def _span(number: int, kind: str, start: int, end: int, parent: int | None = None, **more: object) -> Span:
    return Span(
        id=number,
        span_id=str(number),
        parent_span_id=None if parent is None else str(parent),
        kind=kind,
        start_time_unix_nano=start * _MS,
        end_time_unix_nano=end * _MS,
        duration_ms=end - start,
        **more,  # type: ignore[arg-type]
    )


def test_neighbours_go_through_a_whole_conversation(demo: Database) -> None:
    """From the first call of a conversation, the next ones lead through all of it, and back."""
    wanted = [call.id for call in demo.calls(conversation=demo.conversations()[0].conversation_id, limit=None)][::-1]
    forth = [wanted[0]]
    while (following := demo.neighbours(demo.call(forth[-1]).call).next_in_conversation) is not None:
        forth.append(following)
    assert forth == wanted
    back = [wanted[-1]]
    while (before := demo.neighbours(demo.call(back[-1]).call).previous_in_conversation) is not None:
        back.append(before)
    assert back == wanted[::-1]


def test_neighbours_go_through_a_whole_trace(demo: Database) -> None:
    """From the first call of a trace, the next ones lead through all of it."""
    trace = max(demo.traces(), key=lambda trace: trace.llm_calls or 0)
    wanted = [call.id for call in demo.calls(trace=trace.trace_id, limit=None)][::-1]
    found = [wanted[0]]
    while (following := demo.neighbours(demo.call(found[-1]).call).next_in_trace) is not None:
        found.append(following)
    assert found == wanted


@pytest.mark.parametrize(
    ("what", "column"),
    [
        ("model", "coalesce(request_model, response_model)"),
        ("provider", "provider"),
        ("agent", "agent_name"),
        ("user", "user_id"),
        ("tool", "CASE WHEN kind = 'tool' AND duplicate_of IS NULL THEN tool_name END"),
    ],
)
def test_names_are_all_that_occur(demo: Database, demo_path: Path, what: str, column: str) -> None:
    """The names to choose from are those of the file, in alphabetical order."""
    with closing(sqlite3.connect(demo_path)) as connection:
        rows = connection.execute(f"SELECT DISTINCT {column} AS name FROM spans WHERE name <> '' ORDER BY 1").fetchall()
    assert demo.names(what) == [row[0] for row in rows if row[0]]


def test_names_of_what_has_none_are_refused(demo: Database) -> None:
    """What has no names is one line."""
    with pytest.raises(FilterError, match="none of"):
        demo.names("mood")


def test_names_are_limited(demo: Database) -> None:
    """Of many names as many are given as are asked for."""
    assert len(demo.names("user", limit=2)) == 2


def test_first_tokens_count_every_stream_once(demo: Database) -> None:
    """The buckets have all calls that reported their first token, each in the right one."""
    waits = [call.time_to_first_token_ms for call in demo.calls(limit=None) if call.time_to_first_token_ms is not None]
    buckets = demo.first_tokens()
    assert sum(bucket.calls for bucket in buckets) == len(waits)
    for bucket in buckets:
        inside = [wait for wait in waits if bucket.from_ms <= int(wait) < bucket.to_ms]
        assert bucket.calls == len(inside)


def test_time_is_shared_without_counting_a_moment_twice() -> None:
    """At a moment with a model call and a tool the call counts; what runs in nothing is idle."""
    tree = _tree(
        _span(1, "agent", 0, 100),
        _span(2, "llm", 10, 40, 1),
        _span(3, "llm", 20, 50, 1),
        _span(4, "tool", 45, 70, 1),
        _span(5, "retriever", 70, 80, 1),
        _span(6, "tool", 120, 130),
    )
    shares = {share.activity: share.milliseconds for share in time_shares(tree)}
    assert shares == {"model": 40, "tool": 30, "other": 10, "own": 30, "idle": 20}
    assert sum(share.share for share in time_shares(tree)) == pytest.approx(1)


def test_cost_is_shared_and_runs_up_to_the_sum() -> None:
    """Models share a trace's cost, duplicates left out, and the running sum ends with it."""
    tree = _tree(
        _span(1, "llm", 0, 30, model="a", cost_usd=3.0),
        _span(2, "llm", 5, 10, model="b", cost_usd=1.0),
        _span(3, "llm", 5, 10, model="b", cost_usd=1.0, duplicate_of=2),
    )
    assert [(share.model, share.share) for share in cost_shares(tree)] == [("a", 0.75), ("b", 0.25)]
    assert running_cost(tree) == [(10 * _MS, 1.0), (30 * _MS, 4.0)]


def test_steps_add_up() -> None:
    """A run of steps has the sum of their durations and costs; what nobody knows is None."""
    steps = list(_tree(_span(1, "llm", 0, 30, cost_usd=3.0), _span(2, "llm", 30, 40)).steps())
    sums = sums_of(steps)
    assert (sums.duration_ms, sums.cost_usd, sums.tokens) == (40, 3.0, None)


def test_totals_are_those_of_all_calls(demo: Database) -> None:
    """The sum of all models is the sum of all calls."""
    calls = demo.calls(limit=None)
    total = total_of(demo.usage(by="model"))
    assert total.calls == len(calls)
    assert total.errors == sum(call.status == "error" for call in calls)
    assert total.input_tokens == sum(call.input_tokens or 0 for call in calls)
    assert total.cost_usd == pytest.approx(sum(call.cost_usd or 0 for call in calls))


def test_totals_by_a_field_are_the_groups_of_that_field(demo: Database) -> None:
    """Groups by day and model add up to the groups by model alone."""
    by_model = {usage.model: usage for usage in demo.usage(by="model")}
    for total in totals_by(demo.usage(by=("day", "model")), "model"):
        usage = by_model.pop(total.model)
        assert (total.calls, total.errors, total.input_tokens) == (usage.calls, usage.errors, usage.input_tokens)
        assert total.cost_usd == pytest.approx(usage.cost_usd)
    assert by_model == {}


def test_the_total_of_nothing_knows_nothing() -> None:
    """No groups have no calls, and neither cost nor tokens."""
    assert total_of([]) == Usage(calls=0, errors=0)


def _ids(demo: Database, text: str, column: str = "id") -> list[object]:
    table = demo.sql(text, limit=None)
    return [row[table.columns.index(column)] for row in table]


GIVEN: list[dict[str, str]] = [
    {},
    {"model": "gpt-5*"},
    {"provider": "anthropic"},
    {"kind": "llm"},
    {"status": "error"},
    {"status": "ok", "agent": "support"},
    {"text": "zip"},
    {"text": "lookup_order"},
    {"text": "object"},
    {"tool": "*order*"},
    {"tool": "lookup_order", "text": "order", "since": "5d"},
    {"user": "o'hara"},
    {"conversation": "*1*"},
    {"service": "fernweh", "since": "2d"},
    {"until": "3d", "since": "6d"},
]
"""Filters, each of which every list and every SELECT understands."""


@pytest.mark.parametrize("given", GIVEN, ids=str)
def test_the_sql_of_a_list_finds_what_the_list_shows(demo: Database, given: dict[str, str]) -> None:
    """The plain SELECT behind a page answers what the question answers, whatever is filtered."""
    filters = Filters.parse(given)
    assert _ids(demo, sql.sql_of_calls(filters, limit=1000)) == [call.id for call in demo.calls(filters, limit=None)]
    assert set(_ids(demo, sql.sql_of_traces(filters, limit=10_000), "trace_id")) == {
        trace.trace_id for trace in demo.traces(filters, limit=10_000)
    }
    assert set(_ids(demo, sql.sql_of_conversations(filters, limit=10_000), "conversation_id")) == {
        chat.conversation_id for chat in demo.conversations(filters, limit=10_000)
    }
    assert _ids(demo, sql.sql_of_errors(filters, limit=10_000)) == [row.id for row in demo.errors(filters, limit=None)]
    tools = demo.sql(sql.sql_of_tools(filters), limit=None)
    assert {row[:3] for row in tools} == {(row.tool_name, row.calls, row.errors) for row in demo.tools(filters)}
    usage = demo.sql(sql.sql_of_usage(filters, by=["model"]), limit=None)
    assert {row[:3] for row in usage} == {(row.model, row.calls, row.errors) for row in demo.usage(filters)}
    latency = demo.sql(sql.sql_of_latency(filters, by=["model"]), limit=None)
    assert {row[0]: pytest.approx(row[2:6], abs=0.002) for row in latency} == {
        row.model: (row.p50_ms, row.p95_ms, row.p99_ms, row.max_ms) for row in demo.latency(filters)
    }


@pytest.mark.parametrize("given", GIVEN, ids=str)
def test_filters_mean_the_same_to_what_goes_through_everything(demo: Database, given: dict[str, str]) -> None:
    """An export, its count, what follows the file and the distribution have the calls of the list."""
    filters = Filters.parse(given)
    listed = {call.id for call in demo.calls(filters, limit=None)}
    assert {call.id for page in demo.all_calls(filters) for call in page} == listed
    assert demo.count_calls(filters) == len(listed)
    assert {call.id for call in demo.calls_after(0, filters)} == listed
    assert len(list(csv.DictReader(io.StringIO("".join(demo.export("csv", filters)), newline="")))) == len(listed)
    first_tokens = sum(row.first_token_calls for row in demo.latency(filters))
    assert sum(bucket.calls for bucket in demo.first_tokens(filters)) >= first_tokens


def test_the_sql_of_one_call_has_its_messages(demo: Database) -> None:
    """The SELECT of a call has a row for each of its messages."""
    call = demo.calls(limit=1)[0]
    assert len(demo.sql(sql.sql_of_call(call.id))) == len(demo.messages(call.id))


def test_the_sql_of_traces_and_conversations_finds_the_same(demo: Database) -> None:
    """The SELECTs of the other lists have the same rows, in whatever order ties have."""
    none = Filters()
    assert set(_ids(demo, sql.sql_of_traces(none, limit=10_000), "trace_id")) == {
        trace.trace_id for trace in demo.traces(limit=10_000)
    }
    assert set(_ids(demo, sql.sql_of_conversations(none, limit=10_000), "conversation_id")) == {
        chat.conversation_id for chat in demo.conversations(limit=10_000)
    }
    trace = demo.traces()[0]
    assert len(demo.sql(sql.sql_of_trace(trace.trace_id))) == trace.spans
    chat = demo.conversations()[0]
    assert len(demo.sql(sql.sql_of_conversation(chat.conversation_id))) == chat.llm_calls


def test_the_sql_of_sums_has_the_same_sums(demo: Database) -> None:
    """The SELECTs of sums add up to what the questions say."""
    none = Filters()
    usage = {row[0]: row[1] for row in demo.sql(sql.sql_of_usage(none, by=("model",)))}
    assert usage == {row.model: row.calls for row in demo.usage(by="model")}
    tools = {row[0]: row[1] for row in demo.sql(sql.sql_of_tools(none))}
    assert tools == {row.tool_name: row.calls for row in demo.tools()}
    assert _ids(demo, sql.sql_of_errors(none, limit=1000)) == [row.id for row in demo.errors(limit=None)]
    assert len(demo.sql(sql.sql_of_status())) == len(demo.status().recorders)


def test_values_in_sql_are_quoted(demo: Database) -> None:
    """A filter's value is a literal, whatever is in it."""
    filters = Filters.parse({"model": "x' OR '1'='1", "text": "'; DROP TABLE spans --"})
    assert len(demo.sql(sql.sql_of_calls(filters))) == 0


@pytest.mark.parametrize("function", ["json_each", "json_tree"])
def test_a_query_of_ones_own_may_look_into_json(demo: Database, function: str) -> None:
    """What SQLite has for JSON can be used by the first query of a connection."""
    assert [row[0] for row in demo.sql(f"SELECT atom FROM {function}('[7]') WHERE atom IS NOT NULL")] == [7]


def _chat(path: Path, *prompts: list[tuple[str, str]]) -> None:
    """Record calls of one conversation with these prompts, one after the other."""
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SQLiteSpanProcessor(path))
    tracer = provider.get_tracer("app")
    for number, prompt in enumerate(prompts):
        span = tracer.start_span("chat", start_time=number * 10**9)
        messages = [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in prompt]
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.conversation.id": "c",
                "gen_ai.input.messages": json.dumps(messages),
            }
        )
        span.end(end_time=number * 10**9 + 1)
    provider.shutdown()


def _prompt(system: str, *rest: str) -> list[tuple[str, str]]:
    return [("system", system), *(("user" if place % 2 == 0 else "assistant", text) for place, text in enumerate(rest))]


@pytest.mark.parametrize(
    ("now", "added", "dropped", "diverges_at"),
    [
        (_prompt("b", "one", "two", "three"), ["b"], ["a"], 0),
        (_prompt("b", "one", "two", "three", "four"), ["b", "four"], ["a"], 0),
        (_prompt("a", "one", "two", "three", "four"), ["four"], [], None),
        (_prompt("a", "one", "2", "three"), ["2"], ["two"], 2),
        (_prompt("a", "one"), [], ["two", "three"], 2),
        ([("system", "a"), ("user", "zero"), *_prompt("a", "one", "two", "three")[1:]], ["zero"], [], 1),
    ],
)
def test_changes_are_what_differs(
    tmp_path: Path, now: list[tuple[str, str]], added: list[str], dropped: list[str], diverges_at: int | None
) -> None:
    """What stands in both prompts is not new, wherever the prompt diverged."""
    _chat(tmp_path / "traces.db", _prompt("a", "one", "two", "three"), now)
    with open_database(tmp_path / "traces.db") as database:
        changes = database.changes(-1)
    assert [message.text for message in changes.added] == added
    assert [message.text for message in changes.dropped] == dropped
    assert changes.diverges_at == diverges_at
    assert f"{len(added)} new" in changes.summary
    assert [line[1:] for line in changes.divergence if line[:1] == "-" and line != "--- before"] == dropped[:1]


def test_a_search_looks_only_where_it_is_told_to(demo: Database) -> None:
    """A direction leaves out the hits of all others; what is none is an error."""
    hits = demo.search("order", limit=10_000, seconds=10)
    for direction in ("system", "input", "output", "error"):
        found = demo.search("order", direction=direction, limit=10_000, seconds=10)
        assert {hit.direction for hit in found} <= {direction}
        assert {(hit.id, hit.position) for hit in hits if hit.direction == direction} <= {
            (hit.id, hit.position) for hit in found
        }
    assert demo.search("order", direction="output")
    with pytest.raises(FilterError, match="direction: 'answer' is none of system, input, output, error"):
        demo.search("order", direction="answer")


def test_answers_about_two_calls_and_the_file_are_short_at_the_prompt(demo: Database) -> None:
    """Changes, comparisons and the status show themselves in one line, whatever the texts hold."""
    for answer in (demo.changes(-1), demo.compare(-2, -1), demo.status()):
        assert re.fullmatch(r"<.{1,400}>", repr(answer))
