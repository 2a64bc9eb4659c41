"""One model call, one row: which of several reports of a call stands for it."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.calls.descent import Descent
from otel_sqlite_exporter.calls.duplicates import Duplicate, RecentCalls
from otel_sqlite_exporter.calls.report import CallReport, SpanKey, report_of
from otel_sqlite_exporter.conventions.call import Call, Message

MILLI = 1_000_000
LAYERS = ("framework", "gateway", "sdk")


class Step(NamedTuple):
    """A span that ends: a call's report, or any other span of some kind."""

    key: SpanKey
    parent: int | None
    report: CallReport | None
    kind: str = "chain"


def call(span: int, layer: str, start: int, end: int, *, trace: int | None = None, **facts: Any) -> CallReport:
    """Return a report with times in milliseconds, in a trace of its own unless one is given."""
    defaults = {
        "provider": "openai",
        "request_model": "gpt-4o-mini",
        "response_model": "gpt-4o-mini-2024-07-18",
        "input_tokens": 42,
        "output_tokens": 12,
        "has_output": True,
        "parent_span_id": None,
    }
    key = (1000 + span if trace is None else trace, span)
    return CallReport(key=key, scope_name=layer, start=start * MILLI, end=end * MILLI, **{**defaults, **facts})


def failed(report: CallReport) -> CallReport:
    """Return the report of the same call, had it failed."""
    return replace(report, is_failed=True, input_tokens=None, output_tokens=None, response_model=None, has_output=False)


def step(report: CallReport) -> Step:
    """Return the step of a call's report."""
    return Step(report.key, report.parent_span_id, report)


def links(*steps: Step | CallReport, recent: RecentCalls | None = None) -> dict[int, int | None]:
    """Return what the spans are duplicates of in the end, by span id."""
    recent = recent or RecentCalls()
    found: dict[int, int | None] = {}
    for item in steps:
        key, parent, report, kind = step(item) if isinstance(item, CallReport) else item
        if report is not None:
            news = recent.observe(report)
        else:
            news = recent.observe_span(recent.descent.add(key, parent, kind)[1])
        found.update(_told(news))
    found.update(_told(recent.settle(is_last=True)))
    return {outer: inner for outer, inner in found.items() if inner is not None}


def _told(news: list[Duplicate]) -> dict[int, int | None]:
    return {n.outer[1]: n.inner[1] if n.inner is not None else None for n in news}


def in_any_order(*steps: Step | CallReport) -> dict[int, int | None]:
    """Return what is found in every order of arrival, which must be the same."""
    results = [links(*order) for order in permutations(steps)]
    assert all(result == results[0] for result in results)
    return results[0]


class TestTheThreeShapes:
    """A framework's span and the SDK's: parent and child, siblings, or two traces."""

    def test_a_child_of_another_layer_is_the_call(self) -> None:
        """The outer span is a duplicate of its child, whichever ends up being seen first."""
        outer = call(1, "framework", 0, 10, trace=7)
        assert in_any_order(outer, call(2, "sdk", 1, 9, trace=7, parent_span_id=1)) == {1: 2}

    def test_descent_goes_through_spans_that_are_no_calls(self) -> None:
        """An HTTP span and a chain between the two reports change nothing."""
        outer = call(1, "framework", 0, 10, trace=7)
        chain, http = Step((7, 3), 1, None), Step((7, 4), 3, None, "other")
        assert in_any_order(outer, chain, http, call(2, "sdk", 2, 8, trace=7, parent_span_id=4)) == {1: 2}

    @pytest.mark.parametrize("pieces", [1, 3])
    def test_steps_of_a_call_that_its_layer_calls_calls_are_part_of_it(self, pieces: int) -> None:
        """Each piece of a stream may be a span of a model that names none: the call is the span that does."""
        nothing = {"provider": None, "request_model": None, "response_model": None, "has_output": False}
        nothing |= {"input_tokens": None, "output_tokens": None}
        outer = call(1, "framework", 0, 10, trace=7)
        steps = [call(2 + n, "framework", n + 1, n + 1, trace=7, parent_span_id=1, **nothing) for n in range(pieces)]
        assert in_any_order(outer, *steps) == {one.key[1]: 1 for one in steps}
        inner = call(9, "sdk", 1, 9, trace=7, parent_span_id=1)
        assert in_any_order(outer, inner, steps[0]) == {1: 9, 2: 9}

    def test_a_step_that_names_a_model_or_lies_behind_a_tool_is_a_call(self) -> None:
        """What names a model, or a tool asks, was asked for."""
        outer = call(1, "framework", 0, 10, trace=7)
        named = call(2, "framework", 1, 2, trace=7, parent_span_id=1, response_model=None, input_tokens=7)
        assert links(named, outer, call(3, "framework", 3, 4, trace=7, parent_span_id=1, input_tokens=8)) != {
            2: 1,
            3: 1,
        }
        silent = call(4, "framework", 1, 2, trace=7, parent_span_id=3, request_model=None, response_model=None)
        silent = replace(silent, input_tokens=None, output_tokens=None, has_output=False)
        assert links(silent, Step((7, 3), 1, None, "tool"), outer) == {}

    def test_descent_needs_no_token_counts(self) -> None:
        """A child that knows nothing but the model is the call all the same."""
        outer = call(1, "framework", 0, 10, trace=7)
        inner = call(2, "sdk", 1, 9, trace=7, parent_span_id=1, input_tokens=None, output_tokens=None, provider=None)
        assert in_any_order(outer, inner) == {1: 2}

    def test_a_sibling_is_found_by_its_response_id(self) -> None:
        """Two layers under one parent share the response id, though one counts a token more."""
        outer = call(1, "framework", 0, 10, trace=7, parent_span_id=9, response_id="msg_1", output_tokens=13)
        inner = call(2, "sdk", 1, 9, trace=7, parent_span_id=9, response_id="msg_1")
        assert in_any_order(outer, inner) == {1: 2}

    def test_another_trace_is_found_by_model_and_counts(self) -> None:
        """A layer that starts a trace of its own is recognised by time, provider, model and counts."""
        outer = call(1, "framework", 0, 10, response_model=None, provider=None)
        assert in_any_order(outer, call(2, "sdk", 1, 9)) == {1: 2}

    def test_a_report_without_counts_is_found_by_the_model(self) -> None:
        """An SDK's span of a stream that knows the requested model only is the framework's call."""
        inner = call(2, "sdk", 1, 9, input_tokens=None, output_tokens=None, provider=None, response_model=None)
        assert in_any_order(call(1, "framework", 0, 10), inner) == {1: 2}

    def test_a_failed_call_is_found_by_provider_and_model(self) -> None:
        """Reports of a failure have no counts to compare."""
        outer, inner = failed(call(1, "framework", 0, 10)), failed(call(2, "sdk", 1, 9))
        assert in_any_order(outer, inner) == {1: 2}
        assert in_any_order(outer, replace(inner, request_model=None)) == {1: 2}
        assert in_any_order(outer, replace(inner, request_model=None, provider="cohere")) == {}

    def test_a_prompt_worded_differently_needs_the_same_long_answer(self) -> None:
        """A framework may report a template; but two questions with one short answer are two calls."""
        outer = call(1, "framework", 0, 10, prompt="Translate {text}", answer="Il fait beau aujourd'hui.")
        inner = call(2, "sdk", 1, 9, prompt="Translate: nice weather", answer="Il fait beau aujourd'hui.")
        assert in_any_order(outer, inner) == {1: 2}
        assert in_any_order(replace(outer, answer="OK"), replace(inner, answer="OK")) == {}
        assert in_any_order(replace(outer, answer=None), inner) == {}
        assert in_any_order(replace(outer, output_tokens=None, input_tokens=None), inner) == {}

    def test_other_questions_at_the_same_time_are_other_calls(self) -> None:
        """Two people ask through two layers, one within the other's time, with equal counts and no answers recorded."""
        outer = call(1, "checkout", 0, 10, prompt="Where are my shoes?")
        assert in_any_order(outer, call(2, "support", 1, 9, prompt="I want a refund")) == {}

    def test_a_call_of_a_tool_is_not_taken_for_the_one_around_it(self) -> None:
        """A tool that asks a model itself does so within another layer's call, which knows no counts."""
        outer = call(1, "framework", 0, 10, trace=7, input_tokens=None, output_tokens=None)
        tool = Step((7, 3), 1, None, "tool")
        assert in_any_order(outer, tool, call(2, "sdk", 2, 8, trace=7, parent_span_id=3)) == {}

    def test_counts_that_differ_by_the_cached_tokens_agree(self) -> None:
        """One layer counts cached tokens as input and the other does not."""
        outer = call(1, "framework", 0, 10, input_tokens=23)
        assert in_any_order(outer, call(2, "sdk", 1, 9, input_tokens=2071, cached_tokens=2048)) == {1: 2}

    def test_three_layers_resolve_to_the_innermost(self) -> None:
        """Neither outer row points at a row that is a duplicate itself."""
        first, second, third = (call(n, layer, n, 20 - n) for n, layer in enumerate(LAYERS, start=1))
        assert in_any_order(first, second, third) == {1: 3, 2: 3}

    def test_a_later_inner_report_moves_earlier_links(self) -> None:
        """A link made before the innermost report came is made again."""
        recent = RecentCalls()
        first, second, third = (call(n, layer, n, 20 - n) for n, layer in enumerate(LAYERS, start=1))
        recent.observe(second)
        assert recent.observe(first) == [Duplicate(first.key, second.key)]
        assert recent.observe(third) == []
        assert recent.settle() == [Duplicate(second.key, third.key), Duplicate(first.key, third.key)]

    def test_a_stream_that_begins_after_its_opener_returned_is_one_call(self) -> None:
        """A framework's span that ended at once, and knows no usage, is not counted beside the stream it opened."""
        opener = call(1, "framework", 0, 2, input_tokens=None, output_tokens=None, has_output=False, prompt="5")
        assert in_any_order(opener, call(2, "sdk", 4, 20, prompt="5")) == {1: 2}
        assert in_any_order(opener, call(2, "sdk", 4, 20, prompt="6")) == {}
        assert in_any_order(replace(opener, has_output=True), call(2, "sdk", 4, 20, prompt="5")) == {}


class TestRealCallsAreNeverMerged:
    """Two calls stay two rows."""

    def test_one_layer_alone_reports_each_call_once(self) -> None:
        """Identical calls of one layer that run at once, or within each other, stay apart."""
        first = call(1, "sdk", 0, 10, response_id="chatcmpl-1")
        within = call(2, "sdk", 1, 9, response_id="chatcmpl-2")
        assert in_any_order(first, within, call(3, "sdk", 0, 10)) == {}

    def test_one_response_id_at_one_time_is_one_call(self) -> None:
        """A layer may tell of one stream in several spans; later, or of another prompt, the same id says nothing."""
        first = call(1, "sdk", 0, 10, response_id="chatcmpl-1", prompt="a")
        within = call(2, "sdk", 1, 9, response_id="chatcmpl-1", input_tokens=None, output_tokens=None)
        assert in_any_order(first, within) == {1: 2}
        assert in_any_order(first, within, call(3, "sdk", 5, 12, response_id="chatcmpl-1")) == {1: 2, 3: 2}
        assert in_any_order(first, call(3, "sdk", 11, 20, response_id="chatcmpl-1")) == {}
        assert in_any_order(first, call(3, "sdk", 1, 9, response_id="chatcmpl-1", prompt="b")) == {}

    @pytest.mark.parametrize("other", ["anthropic", None])
    def test_a_different_model_is_another_call(self, other: str | None) -> None:
        """A guardrail's call to another model during a call is its own."""
        assert (
            in_any_order(
                call(1, "framework", 0, 10),
                call(2, "sdk", 1, 9, request_model="gpt-4o", response_model=None, provider=other),
            )
            == {}
        )

    def test_different_counts_are_another_call(self) -> None:
        """Calls of two layers that differ in a token count are two."""
        assert in_any_order(call(1, "framework", 0, 10), call(2, "sdk", 1, 9, output_tokens=13)) == {}

    def test_different_response_ids_are_another_call(self) -> None:
        """Ids of one provider that differ say that the calls do, whatever else agrees."""
        outer = call(1, "framework", 0, 10, response_id="chatcmpl-aaaa")
        inner = call(2, "sdk", 1, 9, response_id="chatcmpl-bbbb")
        assert in_any_order(outer, inner) == {}
        assert in_any_order(outer, replace(inner, response_id="msg_01ABCDEF")) == {1: 2}

    def test_calls_one_after_the_other_are_two(self) -> None:
        """Reports whose times don't lie within one another are not compared."""
        assert in_any_order(call(1, "framework", 0, 10), call(2, "sdk", 11, 20)) == {}
        assert in_any_order(call(1, "framework", 0, 10), call(2, "sdk", 5, 20)) == {}

    def test_an_embedding_within_a_chat_is_a_call_of_its_own(self) -> None:
        """A semantic cache embeds the prompt below the chat's span; but one model has one kind, whoever mistakes it."""
        outer = call(1, "framework", 0, 10, trace=7)
        embedding = replace(
            call(
                2, "sdk", 1, 9, trace=7, parent_span_id=1, request_model="text-embedding-3-small", response_model=None
            ),
            kind="embedding",
        )
        assert in_any_order(outer, embedding) == {}
        mistaken = replace(embedding, kind="llm")
        assert in_any_order(replace(embedding, key=(7, 1), scope_name="framework", parent_span_id=None), mistaken) == {
            1: 2
        }

    def test_what_a_tool_calls_is_a_call_of_its_own(self) -> None:
        """A model call made by a tool that runs inside another model call is not its report."""
        outer = call(1, "framework", 0, 50, trace=7)
        tool = Step((7, 3), 1, None, "tool")
        inner = call(2, "sdk", 10, 20, trace=7, parent_span_id=3, input_tokens=9, output_tokens=9)
        assert in_any_order(outer, tool, inner) == {}

    def test_other_prompts_and_answers_are_another_call(self) -> None:
        """Equal counts don't outweigh that question and answer both differ."""
        assert (
            in_any_order(
                call(1, "framework", 0, 10, prompt="1", answer="1"), call(2, "sdk", 1, 9, prompt="2", answer="2")
            )
            == {}
        )

    def test_a_failed_attempt_is_not_the_call_that_succeeded(self) -> None:
        """Of a retry's two attempts the successful one is the framework's call; the failed one stays a row."""
        outer = call(1, "framework", 0, 20)
        attempts = failed(call(2, "sdk", 1, 4)), call(3, "sdk", 5, 19)
        assert in_any_order(outer, *attempts) == {1: 3}
        nested = [replace(a, key=(7, a.key[1]), parent_span_id=1) for a in attempts]
        assert in_any_order(replace(outer, key=(7, 1)), *nested) == {1: 3}


class TestParallelCalls:
    """Identical calls at once, under two layers, pair one to one."""

    def test_the_report_with_the_same_prompt_is_preferred(self) -> None:
        """Threads that ask different questions in the same number of tokens are paired by question."""
        assert in_any_order(
            call(1, "framework", 0, 20, prompt="1"),
            call(2, "framework", 1, 21, prompt="2"),
            call(3, "sdk", 2, 19, prompt="2"),
            call(4, "sdk", 3, 18, prompt="1"),
        ) == {1: 4, 2: 3}

    def test_the_response_id_is_preferred_to_a_better_fitting_time(self) -> None:
        """The id tells which of two is meant."""
        assert in_any_order(
            call(1, "framework", 0, 20, response_id="chatcmpl-a"),
            call(2, "sdk", 1, 19, response_id=None),
            call(3, "sdk", 5, 10, response_id="chatcmpl-a"),
        ) == {1: 3}

    def test_a_report_moves_so_that_none_stays_alone(self) -> None:
        """The first outer report could have either inner one; the second fits one only, and gets it."""
        assert set(
            in_any_order(
                call(1, "framework", 0, 30),
                call(2, "sdk", 2, 28),
                call(3, "sdk", 6, 25),
                call(4, "framework", 5, 31),
            )
        ) == {1, 4}

    def test_a_child_is_taken_from_a_stranger_that_looks_alike(self) -> None:
        """A link by likeness gives way when the parent of the inner span ends, and is told to have ended."""
        recent = RecentCalls()
        child, stranger = call(2, "sdk", 5, 8, trace=7, parent_span_id=1), call(3, "framework", 4, 9)
        parent = call(1, "framework", 3, 12, trace=7)
        recent.observe(child)
        assert recent.observe(stranger) == [Duplicate(stranger.key, child.key)]
        assert recent.observe(parent) == [Duplicate(stranger.key, None), Duplicate(parent.key, child.key)]


class TestOneSpanAroundSeveralCalls:
    """Sums are never counted beside their parts."""

    def parts(self) -> tuple[CallReport, CallReport]:
        """Return two different calls below span 1 of trace 7."""
        first = call(2, "sdk", 1, 9, trace=7, parent_span_id=1)
        return first, call(3, "sdk", 10, 19, trace=7, parent_span_id=1, input_tokens=60, output_tokens=5)

    @pytest.mark.parametrize(("input_tokens", "output_tokens"), [(102, 17), (None, None), (80, 7)])
    def test_a_span_that_sums_up_is_no_call(self, input_tokens: int | None, output_tokens: int | None) -> None:
        """It is linked to the last call, which is not to be completed with what stands for both."""
        outer = call(1, "framework", 0, 20, trace=7, input_tokens=input_tokens, output_tokens=output_tokens)
        first, last = self.parts()
        assert in_any_order(outer, first, last) == {1: 3}
        recent = RecentCalls()
        assert not recent.observe(first) + recent.observe(last)
        assert recent.observe(outer) == [Duplicate(outer.key, last.key, is_complete=False)]

    def test_the_part_with_equal_counts_is_meant(self) -> None:
        """A framework's span around a draft and the call whose usage it reports is that call."""
        assert in_any_order(call(1, "framework", 0, 20, trace=7), *self.parts()) == {1: 2}

    def test_a_convenience_method_of_the_same_layer_is_no_call(self) -> None:
        """An LLM span that knows no usage around an LLM span of the same layer that does: one call."""
        outer = call(1, "framework", 0, 20, trace=7, input_tokens=None, output_tokens=None)
        inner = call(2, "framework", 1, 19, trace=7, parent_span_id=1)
        assert in_any_order(outer, inner) == {1: 2}
        assert in_any_order(replace(outer, input_tokens=42), inner) == {}

    def test_a_wrapper_that_alone_knows_the_tokens_is_no_call(self) -> None:
        """An LLM span with the usage around one of the same layer without: one call, to be completed."""
        outer = call(1, "framework", 0, 20, trace=7, request_model=None, response_model=None)
        inner = call(2, "framework", 1, 19, trace=7, parent_span_id=1, input_tokens=None, output_tokens=None)
        assert in_any_order(outer, inner) == {1: 2}
        assert in_any_order(outer, replace(inner, response_id="chatcmpl-1")) == {1: 2}
        assert in_any_order(outer, failed(inner)) == {}
        other = replace(inner, response_id="chatcmpl-1", request_model="zorvex-2", response_model=None)
        assert in_any_order(replace(outer, request_model="zorvex-1"), other) == {}

    @given(st.lists(st.tuples(st.integers(1, 900), st.integers(1, 90)), min_size=2, max_size=4), st.integers(0, 1))
    def test_a_span_with_the_sum_of_its_parts_is_no_call(self, counts: list[tuple[int, int]], more: int) -> None:
        """A layer's span with the counts of all calls inside together sums them up; with other counts it is a call."""
        calls = [
            call(at, "framework", at, at + 1, trace=7, parent_span_id=1, input_tokens=given, output_tokens=made)
            for at, (given, made) in enumerate(counts, 2)
        ]
        sums = {"input_tokens": sum(given for given, _ in counts) + more, "output_tokens": sum(m for _, m in counts)}
        outer = call(1, "framework", 0, 20, trace=7, request_model="zorvex-1", response_model=None, **sums)
        assert links(*calls, outer) == ({} if more else {1: len(counts) + 1})
        assert links(outer, *calls) == ({} if more else {1: len(counts) + 1})
        lost = call(9, "framework", 9, 10, trace=7, parent_span_id=1, input_tokens=None, output_tokens=None)
        assert (1 in links(*calls, failed(lost), outer)) is (more == 0)


class TestStreamTails:
    """A stream whose answer is reported by a second span of zero length."""

    request = call(1, "logger", 0, 4, input_tokens=None, output_tokens=None, has_output=False, prompt="1")

    def test_the_tail_is_the_requests(self) -> None:
        """The zero-length span is a duplicate of the request's span, which is then completed."""
        assert in_any_order(self.request, call(2, "logger", 30, 30, prompt="1")) == {2: 1}
        below = call(2, "logger", 30, 30, trace=self.request.key[0], parent_span_id=1, prompt="1")
        assert in_any_order(self.request, below) == {2: 1}

    def test_each_request_has_one_tail(self) -> None:
        """Streams at once are paired by their prompts, and one tail is enough for each."""
        other = replace(self.request, key=(9, 3), prompt="2", start=MILLI)
        tails = call(2, "logger", 30, 30, prompt="2"), call(4, "logger", 31, 31, prompt="1")
        assert in_any_order(self.request, other, *tails) == {2: 3, 4: 1}
        assert len(links(self.request, tails[1], replace(tails[1], key=(8, 8)))) == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"scope_name": "other"},
            {"request_model": "gpt-4o", "response_model": None},
            {"parent_span_id": 77},
            {"prompt": "question 2"},
            {"end": 31 * MILLI},
        ],
    )
    def test_another_span_is_no_tail(self, change: dict[str, Any]) -> None:
        """Another scope, model, parent or prompt, or a length of its own, is another call."""
        tail = replace(call(2, "logger", 30, 30, prompt="1"), **change)
        assert in_any_order(self.request, tail) == {}

    def test_a_request_that_has_its_answer_needs_none(self) -> None:
        """A call that was complete, or failed, is not continued by the next zero-length report."""
        tail = call(2, "logger", 30, 30, prompt="1")
        assert in_any_order(replace(self.request, has_output=True), tail) == {}
        assert in_any_order(failed(self.request), tail) == {}

    def test_the_layer_below_is_found_with_what_the_tail_knows(self) -> None:
        """Request and tail together last as long as the SDK's own span of the stream."""
        inner = call(3, "sdk", 1, 29)
        assert in_any_order(self.request, call(2, "logger", 30, 30, prompt="1"), inner) == {1: 3, 2: 3}


class TestTheWindow:
    """What is remembered is bounded."""

    def test_the_oldest_reports_are_forgotten(self) -> None:
        """A report that left the window is no longer found."""
        recent = RecentCalls(capacity=2)
        inner, outer = call(1, "sdk", 1, 9), call(2, "framework", 0, 10)
        others = [call(n, "sdk", 20, 21, input_tokens=n) for n in (3, 4)]
        assert links(inner, *others, outer, recent=recent) == {}

    def test_memory_does_not_grow(self) -> None:
        """Thousands of spans below one that never ends leave no more behind than the window holds."""
        descent = Descent(capacity=64, links=32)
        recent = RecentCalls(descent, capacity=16)
        for n in range(1, 3000):
            recent.observe_span(descent.add((7, 10_000 + n), 1, "chain")[1])
            descent.add((7, 20_000 + n), 1, None)
            recent.observe(call(n, LAYERS[n % 2], n, n + 99, trace=7, parent_span_id=10_000 + n, prompt=str(n)))
            recent.observe(call(100_000 + n, "logger", n, n + n % 2, prompt="1", has_output=n % 2 == 0))
        shelves = [recent._candidates._everyone, *recent._candidates._free.values()]
        shelves += [recent._tails._requests, recent._tails._tails]
        assert all(len(shelf) <= 16 for shelf in shelves)
        assert [len(recent._by_key), len(recent._ends), len(recent._texts)] == [16] * 3
        assert recent._ends._gone <= 512
        assert len(recent._twins) <= 16
        assert len(descent) == 64 + 32
        assert sum(map(len, descent._waiting.values())) <= 64 + 32

    def test_a_span_that_arrives_twice_changes_nothing(self) -> None:
        """A second export of the same span is not compared with itself."""
        inner, outer = call(1, "sdk", 1, 9), call(2, "framework", 0, 10)
        assert links(inner, outer, inner, outer) == {2: 1}


class Forest(NamedTuple):
    """True calls and the spans that report them."""

    calls: int
    steps: list[Step]


@st.composite
def forests(draw: st.DrawFn) -> Forest:
    """Draw identical calls in parallel, each reported by the same one to three layers in one of the shapes."""
    layers = draw(st.sampled_from([LAYERS[2:], LAYERS[:2], LAYERS]))
    shape = draw(st.sampled_from(["child", "deep", "sibling", "separate"]))
    has_failed, has_ids, is_ambient = (draw(st.booleans()) for _ in range(3))
    count = draw(st.integers(1, 8))
    steps: list[Step] = []
    for number in range(count):
        start = draw(st.integers(0, 40)) * 10
        end = start + draw(st.integers(1, 30)) * 10 + 8 * len(layers)
        trace, parent = (1, 1) if is_ambient or shape == "sibling" else (100 + number, None)
        for depth, layer in enumerate(layers):
            span = 1000 + len(steps)
            is_apart = shape == "separate" and depth > 0
            report = call(
                span,
                layer,
                start,
                end,
                trace=None if is_apart else trace,
                parent_span_id=None if is_apart else parent,
                response_id=f"chatcmpl-{number:04}" if has_ids and not has_failed and depth else None,
            )
            steps.append(step(failed(report) if has_failed else report))
            if shape in ("child", "deep"):
                parent = span
                if shape == "deep" and depth + 1 < len(layers):
                    parent = 1000 + len(steps)
                    steps.append(Step((trace, parent), span, None))
            start += draw(st.integers(1, 5))
            end -= draw(st.integers(1, 5))
    return Forest(count, draw(st.permutations(steps)))


@given(forests())
def test_every_true_call_keeps_exactly_one_row(forest: Forest) -> None:
    """However many layers report identical parallel calls, in whatever shape and order: one row each."""
    found = links(*forest.steps)
    rows = [s.key[1] for s in forest.steps if s.report is not None]
    assert len([row for row in rows if row not in found]) == forest.calls
    assert not set(found.values()) & set(found)


@given(forests())
def test_the_order_of_arrival_does_not_matter_to_the_count(forest: Forest) -> None:
    """As many rows stand for calls when the spans arrive in the order of their ends as in any other."""
    in_order = sorted(forest.steps, key=lambda s: s.report.end if s.report is not None else 0)
    assert len(links(*forest.steps)) == len(links(*in_order))


class TestReports:
    """What is taken from a normalised span."""

    def test_only_model_calls_report(self) -> None:
        """Agents, chains and tools carry usage as well and are not compared."""
        assert (
            report_of(Call(kind="agent", input_tokens=9), (1, 2), parent_span_id=None, scope_name="", start=0, end=1)
            is None
        )

    def test_texts_are_compared_folded(self) -> None:
        """White space and how a text is split into parts make no difference; the last user message counts."""
        said = {1: ["What is\n\nthis?"], 2: ["What else?"], 3: ["What", "is this?"]}
        reports = []
        for number, parts in said.items():
            content: list[Any] = [{"type": "text", "content": part} for part in parts]
            earlier = Message("user", [{"type": "text", "content": "Hello"}])
            spoken = Call(kind="llm", request_model="gpt-4o", input=[earlier, Message("user", content)])
            report = report_of(
                spoken,
                (number, number),
                parent_span_id=0,
                scope_name="framework" if number == 1 else "sdk",
                start=number,
                end=10 - number,
            )
            assert report is not None
            assert report.parent_span_id is None
            reports.append(report)
        assert in_any_order(*reports) == {1: 3}


@given(
    st.lists(
        st.builds(
            call,
            span=st.integers(1, 6),
            layer=st.sampled_from(LAYERS),
            start=st.integers(0, 9),
            end=st.integers(0, 12),
            trace=st.integers(1, 2),
            parent_span_id=st.none() | st.integers(1, 6),
            response_id=st.none() | st.sampled_from(["chatcmpl-1", "chatcmpl-2"]),
            input_tokens=st.none() | st.integers(0, 2),
            output_tokens=st.none() | st.integers(0, 2),
            has_output=st.booleans(),
            is_failed=st.booleans(),
            prompt=st.none() | st.sampled_from(["a b", "a\nb", "c"]),
            kind=st.sampled_from(["llm", "embedding"]),
        ),
        max_size=14,
    )
)
def test_no_row_ever_points_at_a_duplicate(reports: list[CallReport]) -> None:
    """Whatever spans claim, parents in a circle and times that run backwards included, links end at a call."""
    found: dict[SpanKey, SpanKey | None] = {}
    recent = RecentCalls()
    for report in reports:
        found.update({news.outer: news.inner for news in recent.observe(report)})
    linked = {outer: inner for outer, inner in found.items() if inner is not None}
    assert not set(linked.values()) & set(linked)
    assert all(outer != inner for outer, inner in linked.items())
