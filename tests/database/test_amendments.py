"""What becomes known of a span from others reaches its row: duplicates, late log events, ids of the agent around it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import set_span_in_context, use_span

from otel_sqlite_exporter import SQLiteLogRecordProcessor, SQLiteSpanProcessor, trace_id_to_uuid
from tests.support import RESOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from opentelemetry.trace import Span, SpanContext, Tracer
    from opentelemetry.util.types import AttributeValue

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}


class Recording:
    """A processor with its file and tracers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.processor = SQLiteSpanProcessor(path)
        self._provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
        self._provider.add_span_processor(self.processor)

    def tracer(self, scope: str) -> Tracer:
        """Return the tracer of an instrumentation."""
        return self._provider.get_tracer(scope)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what a query finds once everything is written."""
        assert self.processor.force_flush()
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()


class LogRecord:
    """What a log processor reads off the SDK's record."""

    def __init__(self, name: str, span: SpanContext, **attributes: object) -> None:
        self.log_record = self
        self.event_name = name
        self.body = None
        self.attributes = attributes
        self.timestamp = None
        self.trace_id = span.trace_id
        self.span_id = span.span_id
        self.instrumentation_scope = InstrumentationScope("opentelemetry.instrumentation.openai_v2")


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    """Return a recording that is shut down in the end."""
    made = Recording(tmp_path / "traces.db")
    yield made
    made.processor.shutdown()


@pytest.fixture
def emit(recording: Recording) -> Callable[[LogRecord], None]:
    """Return what emits a log event."""
    processor = SQLiteLogRecordProcessor(recording.processor)
    return processor.on_emit  # type: ignore[return-value]


def message(role: str, text: str) -> str:
    """Return one message as the GenAI conventions write it on spans."""
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def test_the_inner_report_of_a_call_is_completed_with_what_only_the_outer_one_says(recording: Recording) -> None:
    """The SDK's span stands for the call, with the framework span's answer, user and token counts where it has none."""
    outer: dict[str, AttributeValue] = {
        **CHAT,
        "gen_ai.output.messages": message("assistant", "Paris."),
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2,
        "user.id": "ada",
    }
    with (
        recording.tracer("opentelemetry.instrumentation.langchain").start_as_current_span("chat", attributes=outer),
        recording.tracer("opentelemetry.instrumentation.openai.v1").start_as_current_span(
            "chat", attributes={**CHAT, "gen_ai.input.messages": message("user", "Capital of France?")}
        ),
    ):
        pass
    columns = "input_text, output_text, input_tokens, output_tokens, user_id, (SELECT count(*) FROM spans)"
    assert recording.query(f"SELECT {columns} FROM llm_calls") == [("Capital of France?", "Paris.", 7, 2, "ada", 2)]
    assert recording.query("SELECT calls, input_tokens FROM usage_by_model") == [(1, 7)]
    assert recording.query("SELECT llm_calls, input_tokens FROM traces") == [(1, 7)]


def test_calls_have_the_conversation_and_the_user_of_the_agent_that_runs_them(recording: Recording) -> None:
    """Ids on an agent's span reach everything that ran within it; an id of its own, and other traces, stay."""
    tracer = recording.tracer("my-agents")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "outer", "user.id": "ada"}
    with (
        tracer.start_as_current_span("invoke_agent", attributes=agent),
        tracer.start_as_current_span("GET /not-an-llm-span"),
    ):
        with tracer.start_as_current_span("chat first", attributes=CHAT):
            pass
        with tracer.start_as_current_span("chat second", attributes={**CHAT, "gen_ai.conversation.id": "its own"}):
            pass
    with tracer.start_as_current_span("chat elsewhere", attributes=CHAT):
        pass
    assert recording.query("SELECT name, conversation_id, user_id FROM llm_calls ORDER BY id") == [
        ("chat first", "outer", "ada"),
        ("chat second", "its own", "ada"),
        ("chat elsewhere", None, None),
    ]


@pytest.mark.parametrize("flushes", [False, True])
def test_agents_that_run_at_once_keep_their_conversations_apart(recording: Recording, *, flushes: bool) -> None:
    """Within one trace and at one time, a call belongs to the agent that it descends from, whichever ends first."""
    tracer = recording.tracer("my-agents")
    users = ("ada", "ben", "cleo")
    with tracer.start_as_current_span("a batch, which is no LLM span"):
        agents = [
            tracer.start_span(
                "invoke_agent",
                attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": user, "user.id": user},
            )
            for user in users
        ]
        for agent, user in zip(agents, users, strict=True):
            with use_span(agent), tracer.start_as_current_span("GET /not-an-llm-span"):
                tracer.start_span(f"chat deep {user}", attributes=CHAT).end()
            with use_span(agent):
                tracer.start_span(f"chat {user}", attributes=CHAT).end()
        for agent in agents:
            agent.end()
            assert not flushes or recording.processor.force_flush()
    assert recording.query("SELECT name, conversation_id, user_id FROM llm_calls ORDER BY id") == [
        (f"chat {depth}{user}", user, user) for user in users for depth in ("deep ", "")
    ]
    assert recording.query("SELECT conversation_id, count(*) FROM spans WHERE kind = 'agent' GROUP BY 1") == [
        (user, 1) for user in users
    ]


@pytest.mark.parametrize("flushes", [False, True])
def test_a_span_that_is_not_stored_says_whose_conversation_it_is(recording: Recording, *, flushes: bool) -> None:
    """The ids that a web framework's span carries reach the calls below it, though it has no row; `unknown` is none."""
    tracer = recording.tracer("opentelemetry.instrumentation.fastapi")
    ids = {"session.id": "s-1", "user.id": "ada", "thread.id": "140735"}
    with (
        tracer.start_as_current_span("POST /chat", attributes=ids),
        tracer.start_as_current_span("a query", attributes={"db.system": "sqlite", "session.id": "unknown"}),
    ):
        recording.tracer("my-app").start_span("chat", attributes=CHAT).end()
        assert not flushes or recording.processor.force_flush()
    assert recording.query("SELECT name, conversation_id, user_id FROM spans") == [("chat", "s-1", "ada")]


@pytest.mark.parametrize("flushes", [False, True])
def test_calls_and_tools_have_the_name_of_the_nearest_agent(recording: Recording, *, flushes: bool) -> None:
    """A call or tool that names no agent gets that of the agent it runs in; a chain between them stays nameless."""
    tracer = recording.tracer("my-agents")

    def agent(name: str) -> dict[str, AttributeValue]:
        return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}

    with tracer.start_as_current_span("invoke_agent outer", attributes=agent("outer")):
        with tracer.start_as_current_span("a chain", attributes={"openinference.span.kind": "CHAIN"}):
            tracer.start_span("chat outer", attributes=CHAT).end()
            assert not flushes or recording.processor.force_flush()
        tool: dict[str, AttributeValue] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ask"}
        with (
            tracer.start_as_current_span("execute_tool ask", attributes=tool),
            tracer.start_as_current_span("invoke_agent inner", attributes=agent("inner")),
        ):
            tracer.start_span("chat inner", attributes=CHAT).end()
            tracer.start_span("chat own", attributes={**CHAT, "gen_ai.agent.name": "its own"}).end()
    assert recording.query("SELECT name, agent_name FROM spans WHERE kind <> 'agent' ORDER BY id") == [
        ("chat outer", "outer"),
        ("a chain", None),
        ("chat inner", "inner"),
        ("chat own", "its own"),
        ("execute_tool ask", "outer"),
    ]


@pytest.mark.parametrize("flushes", [False, True])
def test_a_call_in_a_trace_of_its_own_is_shown_in_the_outermost_reports(recording: Recording, *, flushes: bool) -> None:
    """An SDK's span that starts a trace is shown, with the agent's ids, in the trace of the framework's span."""
    agents, sdk = recording.tracer("openinference.instrumentation.langchain"), recording.tracer("some.sdk")
    told: dict[str, AttributeValue] = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}
    agent: dict[str, AttributeValue] = {"openinference.span.kind": "AGENT", "session.id": "s-1", "agent.name": "w"}
    with (
        agents.start_as_current_span("agent", attributes=agent) as outer,
        agents.start_as_current_span("ChatOpenAI", attributes={**told, "input.value": "Hello?"}),
    ):
        sdk.start_span("chat", Context(), attributes=CHAT).end()
        assert not flushes or recording.processor.force_flush()
    trace_id = trace_id_to_uuid(outer.get_span_context().trace_id)
    assert recording.query("SELECT name, trace_id, conversation_id, agent_name FROM llm_calls") == [
        ("chat", str(trace_id), "s-1", "w")
    ]
    assert recording.query("SELECT trace_id, llm_calls FROM traces") == [(str(trace_id), 1)]
    assert recording.query("SELECT traces, llm_calls FROM conversations") == [(1, 1)]


def test_the_counts_that_only_a_chain_knows_are_its_one_calls(recording: Recording) -> None:
    """Where a span around one call has the usage and no report of the call has, the call gets it."""
    tracer = recording.tracer("my-app")
    counts = {"llm.token_count.prompt": 211, "llm.token_count.completion": 33}
    chain: dict[str, AttributeValue] = {"openinference.span.kind": "CHAIN", **counts}
    with tracer.start_as_current_span("chain", attributes=chain):
        tracer.start_span("chat", attributes=CHAT).end()
    with tracer.start_as_current_span("chain of two", attributes=chain):
        tracer.start_span("chat", attributes=CHAT).end()
        tracer.start_span("chat", attributes=CHAT).end()
    assert recording.query("SELECT input_tokens, output_tokens FROM llm_calls ORDER BY id") == [
        (211, 33),
        (None, None),
        (None, None),
    ]


@pytest.mark.parametrize("is_late", [False, True], ids=["before the span ends", "after the span is written"])
def test_a_log_event_gives_its_span_prompt_and_answer(
    recording: Recording, emit: Callable[[LogRecord], None], is_late: bool
) -> None:
    """The content of a details event is the call's, whichever of the two is there first."""
    span = recording.tracer("opentelemetry.instrumentation.openai_v2").start_span("chat gpt-4o", attributes=CHAT)
    details = LogRecord(
        "gen_ai.client.inference.operation.details",
        span.get_span_context(),
        **{
            "gen_ai.input.messages": json.loads(message("user", "Hello?")),
            "gen_ai.output.messages": json.loads(message("assistant", "Hello!")),
            "gen_ai.usage.output_tokens": 3,
        },
    )
    if is_late:
        span.end()
        assert recording.query("SELECT input_text, output_text FROM llm_calls") == [(None, None)]
        emit(details)
    else:
        emit(details)
        span.end()
    columns = "input_text, output_text, output_tokens, request_model"
    assert recording.query(f"SELECT {columns} FROM llm_calls") == [("Hello?", "Hello!", 3, "gpt-4o")]


def test_an_evaluation_is_kept_as_an_event_of_its_span_once(
    recording: Recording, emit: Callable[[LogRecord], None]
) -> None:
    """Evaluation events, which come after the call, are in ``spans.events``."""
    attributes = {
        **CHAT,
        "gen_ai.input.messages": message("user", "Hello?"),
        "gen_ai.output.messages": message("assistant", "Hello!"),
    }
    span = recording.tracer("my-app").start_span("chat gpt-4o", attributes=attributes)
    span.end()
    assert recording.query("SELECT events FROM spans") == [("[]",)]
    for score in (0.5, 0.75):
        emit(LogRecord("gen_ai.evaluation.result", span.get_span_context(), **{"gen_ai.evaluation.score.value": score}))
        assert recording.processor.force_flush()
    ((events,),) = recording.query("SELECT events FROM spans")
    assert [event["attributes"]["gen_ai.evaluation.score.value"] for event in json.loads(events)] == [0.5, 0.75]
    assert recording.query("SELECT input_text, output_text FROM llm_calls") == [("Hello?", "Hello!")]


def test_log_events_that_find_no_span_are_counted(recording: Recording, emit: Callable[[LogRecord], None]) -> None:
    """The ledger tells how many GenAI events came and how many have no span; other log records are left alone."""
    span = recording.tracer("my-app").start_span("chat", attributes=CHAT)
    nobody = recording.tracer("my-app").start_span("never ends").get_span_context()
    emit(LogRecord("gen_ai.choice", nobody))
    emit(LogRecord("my.own.event", nobody))
    span.end()
    recording.processor.shutdown()
    with contextlib.closing(sqlite3.connect(recording.path)) as connection:
        ledger = connection.execute("SELECT log_events_received, log_events_unmatched FROM recorders").fetchall()
    assert ledger == [(1, 1)]


def test_a_log_processor_needs_the_processor_of_its_spans() -> None:
    """Anything else than a SQLiteSpanProcessor is refused with its type's name."""
    with pytest.raises(TypeError, match="SQLiteSpanProcessor, not str"):
        SQLiteLogRecordProcessor("traces.db")  # type: ignore[arg-type]


@pytest.mark.parametrize("flushes", [False, True])
def test_what_was_filled_in_by_mistake_is_taken_back(recording: Recording, *, flushes: bool) -> None:
    """Until Ada's slower stream ends, Ben's call seems to be hers; in the end each call has its own texts and ids."""
    framework, sdk = recording.tracer("openinference.instrumentation.langchain"), recording.tracer("some.sdk")

    def at(milliseconds: int) -> int:
        return 1_700_000_000_000_000_000 + milliseconds * 1_000_000

    def start(tracer: Tracer, begin: int, attributes: dict[str, str], parent: Span | None = None) -> Span:
        context = set_span_in_context(parent) if parent is not None else Context()
        return tracer.start_span("call", context, start_time=at(begin), attributes=attributes)

    def report(user: str) -> dict[str, str]:
        told = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "input.value": f"{user}'s question"}
        return {**told, "user.id": user, "session.id": f"of {user}"}

    adas = start(framework, 0, report("ada"))
    bens = start(framework, 5, {**report("ben"), "output.value": "Ben's answer"})
    adas_inner, bens_inner = start(sdk, 10, CHAT, adas), start(sdk, 20, CHAT, bens)
    for span, end in ((bens_inner, 80), (adas, 100), (bens, 105), (adas_inner, 130)):
        span.end(at(end))
        assert not flushes or recording.processor.force_flush()
    assert recording.query(
        "SELECT input_text, output_text, user_id, conversation_id FROM llm_calls ORDER BY user_id"
    ) == [
        ("ada's question", None, "ada", "of ada"),
        ("ben's question", "Ben's answer", "ben", "of ben"),
    ]
