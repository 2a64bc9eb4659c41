"""Log events and the spans they belong to."""

from __future__ import annotations

import inspect
from itertools import permutations
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_span_in_context

from otel_sqlite_exporter.calls.log_event import LogEvent, event_of, is_genai_event, operations
from otel_sqlite_exporter.calls.log_event_joiner import LogEventJoiner
from otel_sqlite_exporter.calls.log_event_owner import EndedSpan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opentelemetry.trace import Span

    from otel_sqlite_exporter.calls.report import SpanKey

Step: TypeAlias = "LogEvent | EndedSpan"

MILLI = 1_000_000
DETAILS = "gen_ai.client.inference.operation.details"
EVALUATION = "gen_ai.evaluation.result"
NOWHERE = (0, 0)


def event(name: str, text: str, at: float | None = None, ids: SpanKey = NOWHERE, **rest: Any) -> LogEvent:
    """Return an event at a time in milliseconds whose body is its text."""
    attributes = rest.pop("attributes", {})
    moment = None if at is None else int(at * MILLI)
    return LogEvent(name, attributes, text, moment, *ids, **rest)


def user(text: str, at: float | None = None, ids: SpanKey = NOWHERE, **rest: Any) -> LogEvent:
    """Return a prompt."""
    return event("gen_ai.user.message", text, at, ids, **rest)


def choice(text: str, at: float | None = None, ids: SpanKey = NOWHERE, **rest: Any) -> LogEvent:
    """Return an answer."""
    return event("gen_ai.choice", text, at, ids, **rest)


def span(number: int, start: int, end: int, parent: int | None = None, trace: int = 7, **rest: Any) -> EndedSpan:
    """Return a span with times in milliseconds."""
    return EndedSpan((trace, number), parent, rest.pop("scope_name", "sdk"), start * MILLI, end * MILLI, **rest)


def join(steps: Iterable[Step], joiner: LogEventJoiner | None = None) -> dict[int, list[object]]:
    """Return the texts that each span has in the end, by span id."""
    joiner = joiner or LogEventJoiner()
    texts: dict[int, list[object]] = {}
    for item in steps:
        if isinstance(item, LogEvent):
            joiner.add(item)
        else:
            texts[item.key[1]] = [fact.body for fact in joiner.take(item)]
        texts.update({key[1]: [fact.body for fact in facts] for key, facts in joiner.revisions()})
    return {number: found for number, found in texts.items() if found}


def in_time(*steps: Step) -> list[Step]:
    """Return events and spans in the order in which they happened and ended."""

    def moment(item: Step) -> int:
        return item.end if isinstance(item, EndedSpan) else item.timestamp or 0

    return sorted(steps, key=moment)


def with_spans_at_any_place(events: Sequence[LogEvent], spans: Sequence[EndedSpan]) -> Iterator[list[Step]]:
    """Yield every order in which events stay in order and spans stay in order."""
    for marks in set(permutations("e" * len(events) + "s" * len(spans))):
        sources: dict[str, Any] = {"e": iter(events), "s": iter(spans)}
        yield [next(sources[mark]) for mark in marks]


class TestEventsWithIds:
    """An event that carries a span's ids is that span's."""

    def test_events_join_before_and_after_their_span(self) -> None:
        """Whenever the span is written, it has its events in the end, oldest first."""
        events = [user("q", 1, (7, 1)), choice("a", 9, (7, 1)), event(EVALUATION, "good", 20, (7, 1))]
        for steps in with_spans_at_any_place(events, [span(1, 0, 10)]):
            joiner = LogEventJoiner()
            assert join(steps, joiner) == {1: ["q", "a", "good"]}
            assert joiner.unmatched == 0

    def test_an_agent_has_events_of_its_own(self) -> None:
        """Events with the ids of a span that is no model call, and has none below it, are its own."""
        assert join([user("q", 1, (7, 1)), span(1, 0, 10, is_call=False)]) == {1: ["q"]}

    def test_events_of_unknown_spans_are_counted(self) -> None:
        """What belongs to no span is nobody's."""
        joiner = LogEventJoiner()
        assert join([user("q", 1, (7, 2)), span(1, 0, 10)], joiner) == {}
        assert joiner.unmatched == 1

    def test_an_answer_without_ids_follows_its_prompts(self) -> None:
        """A stream's answer is emitted outside of its span: it belongs to the only call that still waits for one."""
        for at in (9, None):
            events = (user("q", 1, (7, 1)), choice("a", at))
            for steps in with_spans_at_any_place(events, [span(1, 0, 10)]):
                assert join(steps) == {1: ["q", "a"]}

    def test_an_answer_that_two_calls_wait_for_is_neither_ones(self) -> None:
        """Of two open streams, without times, neither gets the answer."""
        joiner = LogEventJoiner()
        events = [user("p", 1, (7, 1)), user("q", 2, (7, 2)), choice("a")]
        assert join([*events, span(1, 0, 10), span(2, 0, 11)], joiner) == {1: ["p"], 2: ["q"]}
        assert joiner.unmatched == 1


class TestEventsOfTheParent:
    """Events emitted while only the parent was current."""

    calls = (span(1, 10, 20, parent=5), span(2, 30, 40, parent=5))
    events = (
        user("q1", 11, (7, 5)),
        choice("a1", 19, (7, 5)),
        user("q2", 31, (7, 5)),
        choice("a2", 39, (7, 5)),
    )
    parent = span(5, 0, 50, is_call=False)

    def test_they_belong_to_the_child_that_was_open(self) -> None:
        """Each call below the parent gets what happened in its time, the parent nothing, in any order."""
        for steps in with_spans_at_any_place(self.events, [*self.calls, self.parent]):
            assert join(steps) == {1: ["q1", "a1"], 2: ["q2", "a2"]}, steps

    def test_a_child_with_events_of_its_own_takes_none(self) -> None:
        """A call whose own span carries its content leaves the parent's events alone."""
        own = [user("own", 11, (7, 1)), choice("answer", 19, (7, 1))]
        assert join([*own, *self.events, *self.calls, self.parent]) == {1: ["own", "answer"], 2: ["q2", "a2"]}

    def test_what_may_be_two_childrens_is_nobodys(self) -> None:
        """Calls below one parent that overlap are not told apart by time."""
        calls = [span(1, 10, 30, parent=5), span(2, 12, 40, parent=5)]
        events = [user("q1", 11, (7, 5)), user("q2", 13, (7, 5)), choice("a1", 29, (7, 5)), choice("a2", 39, (7, 5))]
        joiner = LogEventJoiner()
        assert join(in_time(*events, *calls, self.parent), joiner) == {}
        assert joiner.unmatched == 4


class TestEventsWithoutIds:
    """Events that say nothing of their span."""

    calls = (span(1, 10, 20, trace=1), span(2, 30, 40, trace=2))
    events = (user("q1", 11), choice("a1", 19), user("q2", 31), choice("a2", 39))

    def test_they_belong_to_the_only_open_call(self) -> None:
        """One call after the other, each gets its own, whenever it is written."""
        for steps in with_spans_at_any_place(self.events, self.calls):
            assert join(steps) == {1: ["q1", "a1"], 2: ["q2", "a2"]}

    def test_the_layer_below_is_left_alone(self) -> None:
        """The SDK's own span within the call has neither prompts nor answer in its time."""
        inner = span(9, 13, 17, trace=9, scope_name="other")
        assert join([*self.events, inner, *self.calls]) == {1: ["q1", "a1"], 2: ["q2", "a2"]}

    def test_an_inner_call_keeps_its_events(self) -> None:
        """Of two layers that both emit, and don't say which they are, the inner call gets the inner events."""
        inner = span(9, 12, 18, trace=9)
        events = [user("q", 11), user("q'", 13), choice("a'", 17), choice("a", 19)]
        assert join(in_time(*events, inner, span(1, 10, 20))) == {9: ["q'", "a'"], 1: ["q", "a"]}

    def test_the_scope_tells_layers_apart(self) -> None:
        """An event of another instrumentation scope is not this call's."""
        events = [user("q", 11, scope_name="sdk"), user("x", 12, scope_name="other"), choice("a", 19)]
        assert join([*events, span(1, 10, 20)]) == {1: ["q", "a"]}

    def test_interleaved_calls_get_nothing(self) -> None:
        """Two calls at once in one event loop: their events are counted, not guessed, and what was joined is undone."""
        calls = [span(1, 0, 100, trace=1), span(2, 10, 120, trace=2)]
        events = [user("q1", 1), user("q2", 11), choice("a1", 99), choice("a2", 119)]
        orders: list[list[Step]] = [[*events, *calls], in_time(*events, *calls), [*calls, *events]]
        for steps in orders:
            joiner = LogEventJoiner()
            assert join(steps, joiner) == {}
            assert joiner.unmatched == 4

    def test_threads_tell_parallel_calls_apart(self) -> None:
        """Two calls at once in two threads: each gets what its thread emitted."""
        calls = [span(1, 0, 100, trace=1), span(2, 10, 120, trace=2)]
        events = [
            user("q1", 1, thread_id=1),
            user("q2", 11, thread_id=2),
            choice("a1", 99, thread_id=1),
            choice("a2", 119, thread_id=2),
        ]
        orders: list[list[Step]] = [[*events, *calls], in_time(*events, *calls)]
        for steps in orders:
            assert join(steps) == {1: ["q1", "a1"], 2: ["q2", "a2"]}

    def test_a_thread_whose_answers_go_astray_is_still_told_apart(self) -> None:
        """Two streams at once whose prompts carry their ids and whose answers don't are paired by thread."""
        calls = [span(1, 0, 100), span(2, 10, 120)]
        events = [
            user("q1", 1, (7, 1), thread_id=1),
            user("q2", 11, (7, 2), thread_id=2),
            choice("a2", 98, thread_id=2),
            choice("a1", 99, thread_id=1),
        ]
        orders: list[list[Step]] = [[*events, *calls], in_time(*events, *calls)]
        for steps in orders:
            assert join(steps) == {1: ["q1", "a1"], 2: ["q2", "a2"]}

    def test_a_failed_call_has_its_prompt(self) -> None:
        """A call without an answer keeps its question, the next call starts anew."""
        events = [user("q1", 11), user("q2", 31), choice("a2", 39)]
        failed = span(1, 10, 20, trace=1, is_failed=True)
        assert join([*events, failed, self.calls[1]]) == {1: ["q1"], 2: ["q2", "a2"]}

    @pytest.mark.parametrize("at", [None, 10**9])
    def test_without_a_time_the_order_tells(self, at: float | None) -> None:
        """Replayed events, with no time or the time of the replay, go to the calls in the order of their ends."""
        events = [user("q1", at), choice("a1", at), user("q2", at), choice("a2", at)]
        assert join([*events, *self.calls]) == {1: ["q1", "a1"], 2: ["q2", "a2"]}

    def test_without_a_time_interleaved_events_are_nobodys(self) -> None:
        """Two first choices in a row are two calls'."""
        events = [user("q1"), user("q2"), choice("a1"), choice("a2")]
        assert join([*events, *self.calls]) == {}

    def test_a_call_that_emitted_nothing_does_not_take_old_events(self) -> None:
        """Events of an earlier time that nobody took are not the next call's."""
        joiner = LogEventJoiner()
        assert join([user("old", 1), span(1, 5_000, 6_000)], joiner) == {}
        assert joiner.unmatched == 1


class TestEventsThatNameTheResponse:
    """Details and evaluations that carry the response's id."""

    def named(self, text: str, name: str = DETAILS, **rest: Any) -> LogEvent:
        """Return an event about response r1."""
        return event(name, text, attributes={"gen_ai.response.id": "r1"}, **rest)

    def test_they_join_the_call_with_that_response(self) -> None:
        """Without ids, and whatever its time, the event joins by the response id, before and after."""
        call = span(1, 0, 10, response_id="r1")
        events = [self.named("details"), self.named("good", EVALUATION, at=99)]
        for steps in with_spans_at_any_place(events, [call]):
            assert join(steps) == {1: ["details", "good"]}

    def test_each_call_has_its_details_once(self) -> None:
        """Two calls with the same response id (a cache answered) share two detail events between them."""
        calls = [span(1, 0, 10, response_id="r1"), span(2, 20, 30, response_id="r1")]
        assert join([self.named("one"), self.named("two"), *calls]) == {1: ["one"], 2: ["two"]}

    def test_another_response_is_another_call(self) -> None:
        """The details of one response don't join a call that had another."""
        assert join([self.named("details", at=99), span(1, 0, 10, response_id="r2")]) == {}


class TestTheWindow:
    """What is remembered is bounded, and what is lost is counted."""

    def test_the_oldest_events_are_forgotten(self) -> None:
        """Events beyond the capacity are counted as unmatched, once."""
        joiner = LogEventJoiner(capacity=10)
        for number in range(1, 101):
            joiner.add(user("q", number, (7, number)))
        assert joiner.unmatched == 100
        assert len(joiner._pools) == 10
        assert join([span(100, 0, 101)], joiner) == {100: ["q"]}
        assert joiner.unmatched == 99

    def test_long_texts_count(self) -> None:
        """A few events with megabytes of text push out the older ones."""
        joiner = LogEventJoiner()
        for number in range(20):
            joiner.add(user("q", number, (7, 1), size=2**20))
        assert joiner.unmatched == 20
        assert len(join([span(1, 0, 30)], joiner)[1]) == 16

    def test_spans_are_forgotten(self) -> None:
        """Late events of a span that left the window are counted."""
        joiner = LogEventJoiner(max_spans=2)
        join([span(number, 0, 10, parent=9) for number in (1, 2, 3)], joiner)
        assert join([user("q", 1, (7, 1)), user("q", 1, (7, 3))], joiner) == {3: ["q"]}
        assert joiner.unmatched == 1
        assert len(joiner._parents) == 1

    def test_a_span_that_lost_events_is_not_revised(self) -> None:
        """A late event does not make the caller replace what was written with less."""
        joiner = LogEventJoiner(capacity=1)
        assert join([user("q", 1, (7, 1)), span(1, 0, 10), choice("a", 9, (7, 1))], joiner) == {1: ["q"]}


@given(st.data())
def test_whatever_the_order_each_call_gets_its_own_or_nothing(data: st.DataObject) -> None:
    """Calls with ids, the parent's ids or none, in parallel or not: no event ever reaches another call's row."""
    joiner = LogEventJoiner()
    steps: list[Step] = []
    count = data.draw(st.integers(1, 5))
    for number in range(1, count + 1):
        start = data.draw(st.integers(0, 20)) * 10
        end = start + data.draw(st.integers(1, 20)) * 10 + 5
        ids = data.draw(st.sampled_from([(7, number), (7, 100), NOWHERE]))
        steps += [user(f"{number}", start + number / 10, ids), choice(f"{number}", end - number / 10, ids)]
        steps.append(span(number, start, end, parent=100 if ids == (7, 100) else None, trace=7))
    texts = join(in_time(*steps), joiner)
    assert all({text} == {str(number)} for number, found in texts.items() for text in found)
    assert sum(map(len, texts.values())) + joiner.unmatched == 2 * count


class TestOperations:
    """How a row of events is split into calls."""

    @pytest.mark.parametrize(
        ("marks", "sizes"),
        [("", []), ("uuc", [3]), ("ucuc", [2, 2]), ("ud", [1, 1]), ("duc", [1, 2]), ("ucc", None), ("c", [1])],
    )
    def test_an_answer_ends_a_call(self, marks: str, sizes: list[int] | None) -> None:
        """A prompt after an answer, and details, begin the next; the same choice twice is interleaving."""
        made = {"u": user("q"), "c": choice("a"), "d": event(DETAILS, "d")}
        calls = operations([made[mark] for mark in marks])
        assert (None if calls is None else [len(found) for found in calls]) == sizes

    def test_alternatives_are_one_call(self) -> None:
        """Choices of different index, in a structure, in a JSON string or in an attribute, answer one call."""
        events = [
            LogEvent("gen_ai.choice", {}, {"index": 0}),
            LogEvent("gen_ai.choice", {}, '{"index": 1}'),
            LogEvent("gen_ai.choice", {"index": 2}, "{broken"),
        ]
        assert operations(events) == [events]


def _record(span: Span, **facts: Any) -> LogRecord:
    """Return a record of the API with a span's ids, as every supported version makes it."""
    if "context" in inspect.signature(LogRecord.__init__).parameters:
        return LogRecord(context=set_span_in_context(span), **facts)
    ids = span.get_span_context()
    return LogRecord(trace_id=ids.trace_id, span_id=ids.span_id, **facts)


class _Collector(LogRecordProcessor):
    """Collect envelopes as the SDK emits records."""

    def __init__(self) -> None:
        self.events: list[LogEvent | None] = []

    def on_emit(self, log_record: object) -> None:
        self.events.append(event_of(log_record, thread_id=3))

    emit = on_emit

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002 - the interface
        """Do nothing."""
        return True


class TestEnvelopes:
    """From the SDK's records."""

    def test_a_record_of_the_sdk_is_read(self) -> None:
        """Name, attributes, body, time, ids, scope and thread are taken over, and the size estimated."""
        collector = _Collector()
        provider = LoggerProvider()
        provider.add_log_record_processor(collector)
        logger = provider.get_logger("emitter")
        with TracerProvider().get_tracer("t").start_as_current_span("chat") as current:
            context = current.get_span_context()
            for name in ("gen_ai.user.message", "other"):
                logger.emit(_record(current, observed_timestamp=5, attributes={"event.name": name}, body="question"))
        envelope, other = collector.events
        assert other is None
        assert envelope is not None
        assert (envelope.name, envelope.body) == ("gen_ai.user.message", "question")
        assert (envelope.trace_id, envelope.span_id) == (context.trace_id, context.span_id)
        assert (envelope.scope_name, envelope.thread_id) == ("emitter", 3)
        assert envelope.timestamp == 5
        assert envelope.size == len("question") + len("gen_ai.user.message")

    def test_the_event_name_may_be_a_field_or_an_attribute(self) -> None:
        """Newer records have ``event_name``, older ones the attribute; what is missing is 0 or None."""

        class Record:
            event_name: str | None = None
            attributes: dict[str, object] | None = None
            body: object = None

        record = Record()
        assert event_of(record) is None
        record.event_name = "gen_ai.choice"
        found = event_of(record)
        assert found == LogEvent("gen_ai.choice", {})
        record.event_name, record.attributes = None, {"event.name": "gen_ai.choice"}
        found = event_of(record)
        assert found is not None
        assert found.name == "gen_ai.choice"
        record.attributes = {"event.name": 7}
        assert event_of(record) is None

    def test_a_deep_body_is_measured_in_bounded_time(self) -> None:
        """A body nested thousands of levels deep, or within itself, has a size."""
        body: dict[str, Any] = {"text": "x" * 100}
        body["self"] = body
        record = type("Record", (), {"event_name": "gen_ai.choice", "body": body})()
        found = event_of(record)
        assert found is not None
        assert found.size >= 100

    @pytest.mark.parametrize(
        ("name", "expected"),
        [("gen_ai.choice", True), (DETAILS, True), ("http.request", False), (None, False), (7, False), ("", False)],
    )
    def test_genai_events_are_known_by_their_prefix(self, name: object, *, expected: bool) -> None:
        """Names that are still to be invented count as well."""
        assert is_genai_event(name) is expected
