"""However many calls run at once, and however equal they are, each report is compared with a few others only."""

from __future__ import annotations

import gc
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.calls import candidates, kept_texts, report_node
from otel_sqlite_exporter.calls.duplicates import RecentCalls
from otel_sqlite_exporter.calls.report import CallReport, SpanKey, is_compatible, likeness
from otel_sqlite_exporter.calls.report_keys import keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LAYERS = ("framework", "gateway", "sdk")


def concurrent_calls(count: int, shape: str, dice: random.Random | None = None) -> list[CallReport]:
    """Return equal calls that run at once, each reported by three layers, the outermost first.

    They end in the order of their starts, or as dice decide.
    """
    ends = list(range(count))
    if dice is not None:
        dice.shuffle(ends)
    reports = []
    for number in range(count):
        parent: int | None = None
        for depth, layer in enumerate(LAYERS):
            span = 1 + 3 * number + depth
            trace = {"nested": number, "siblings": 7, "separate": span}[shape]
            reports.append(
                CallReport(
                    key=(trace, span),
                    parent_span_id={"nested": parent, "siblings": 10**6, "separate": None}[shape],
                    scope_name=layer,
                    start=number * 10 + depth,
                    end=10**9 + ends[number] * 10 + 9 - depth,
                    provider="openai",
                    request_model="gpt-4o",
                    input_tokens=5,
                    output_tokens=6,
                    has_output=True,
                    prompt="ping",
                )
            )
            parent = span
    return reports


def linked(reports: list[CallReport], settle_after: Iterable[int]) -> dict[SpanKey, SpanKey]:
    """Return which report is a duplicate of which, after all have arrived.

    Args:
        reports: In the order of their arrival.
        settle_after: After how many of them a batch ends.
    """
    recent = RecentCalls()
    found: dict[SpanKey, SpanKey | None] = {}
    ends_of_batches = set(settle_after)
    for number, report in enumerate(reports, start=1):
        news = recent.observe(report)
        if number in ends_of_batches:
            news += recent.settle(is_last=number % 2 == 1)
        found.update((duplicate.outer, duplicate.inner) for duplicate in news)
    found.update((duplicate.outer, duplicate.inner) for duplicate in recent.settle(is_last=True))
    return {outer: inner for outer, inner in found.items() if inner is not None}


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return what counts, in its only item, how often two reports are compared."""
    counted = [0]

    def count(compare: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*reports: CallReport) -> Any:
            counted[0] += 1
            return compare(*reports)

        return counting

    monkeypatch.setattr(candidates, "likeness", count(likeness))
    monkeypatch.setattr(report_node, "is_compatible", count(is_compatible))
    return counted


@pytest.mark.parametrize("shape", ["nested", "siblings", "separate"])
def test_a_thousand_equal_calls_are_paired_as_they_end(shape: str, comparisons: list[int]) -> None:
    """1,000 concurrent equal calls in three layers are 1,000 rows, and cost a report some twenty comparisons."""
    recent = RecentCalls()
    reports = sorted(concurrent_calls(1000, shape), key=lambda report: report.end)
    duplicates = {news.outer for report in reports for news in recent.observe(report) if news.inner is not None}
    assert len(duplicates) == 2000
    assert comparisons[0] <= 20 * len(reports)


@pytest.mark.parametrize("order", ["reversed", "by layer", "at random"])
@pytest.mark.parametrize("shape", ["nested", "siblings", "separate"])
def test_hundreds_of_equal_calls_are_paired_in_any_order(shape: str, order: str, comparisons: list[int]) -> None:
    """400 calls are 400 rows whenever their reports arrive, for some twenty comparisons each."""
    reports = concurrent_calls(400, shape, random.Random(1))
    reports.sort(key=lambda report: -report.end)
    if order == "by layer":
        reports.sort(key=lambda report: report.scope_name)
    elif order == "at random":
        random.Random(1).shuffle(reports)
    assert len(linked(reports, settle_after=range(50, 1200, 50))) == 800
    assert comparisons[0] <= 20 * len(reports)


@settings(max_examples=25)
@given(
    st.sampled_from(["nested", "siblings", "separate"]),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
    st.sets(st.integers(1, 36)),
)
def test_the_order_of_arrival_changes_nothing(
    shape: str, count: int, dice: random.Random, settle_after: set[int]
) -> None:
    """Reports of equal calls are linked as though they had arrived in the order of their ends."""
    reports = concurrent_calls(count, shape, dice)
    in_order = linked(sorted(reports, key=lambda report: report.end), settle_after=())
    dice.shuffle(reports)
    assert linked(reports, settle_after=settle_after) == in_order
    assert len(in_order) == 2 * count


def test_a_few_late_reports_are_paired_at_once_however_many_there_are(comparisons: list[int]) -> None:
    """Threads tell of their spans a little out of order: that is settled with the next batch."""
    reports = sorted(concurrent_calls(500, "separate"), key=lambda report: report.end)
    for number in range(3, len(reports), 3):
        reports[number - 1], reports[number] = reports[number], reports[number - 1]
    recent = RecentCalls()
    duplicates = set()
    for report in reports:
        duplicates |= {news.outer for news in (*recent.observe(report), *recent.settle()) if news.inner is not None}
    assert len(duplicates) == 1000
    assert comparisons[0] <= 20 * len(reports)


def test_what_is_remembered_without_its_text_is_found_by_it() -> None:
    """Only hashes are kept of old texts; a report with the same words is the same call, one with others is another."""
    outer, _, inner = concurrent_calls(1, "separate")
    outer.prompt, inner.prompt = "What is  due?", "What is due?"
    outer.age()
    assert likeness(outer, inner) is not None
    assert set(keys_of(outer)[0]) & set(keys_of(inner)[0])
    inner.prompt = "What was due?"
    assert likeness(outer, inner) is None


def _calls_with_texts(recent: RecentCalls, count: int) -> list[CallReport]:
    """Let one layer report calls with 80 characters of a prompt and 20 of an answer, one after the other."""
    calls = []
    for number in range(count):
        _, _, call = concurrent_calls(1, "separate")
        call.key, call.start, call.end = (number, 1), number * 10**10, number * 10**10 + 10**9
        call.prompt, call.answer = f"What is  due for number {number:056}", f"{number:020}"
        assert recent.observe(call) == []
        calls.append(call)
    return calls


def test_texts_are_remembered_up_to_a_number_of_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the calls before only hashes are kept, by which another report of such a call is still found."""
    monkeypatch.setattr(kept_texts, "_WITH_TEXTS", 4)
    monkeypatch.setattr(kept_texts, "_MOST_CHARACTERS", 1000)
    recent = RecentCalls()
    calls = _calls_with_texts(recent, 20)
    assert [isinstance(call.prompt, str) for call in calls] == [*[False] * 10, *[True] * 10]
    assert [isinstance(call.answer, str) for call in calls] == [*[False] * 10, *[True] * 10]
    for number in (3, 15):
        outer, *_ = concurrent_calls(1, "separate")
        outer.key, outer.start, outer.end = (number, 2), calls[number].start - 1, calls[number].end + 1
        outer.prompt = f"What is due for number {number:056}"
        found = [*recent.observe(outer), *recent.settle(is_last=True)]
        assert [(news.outer, news.inner) for news in found] == [((number, 2), (number, 1))]


def test_the_latest_calls_have_their_texts_however_long_these_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few long prompts take no words from the others, by which a call is told from the next."""
    monkeypatch.setattr(kept_texts, "_WITH_TEXTS", 4)
    monkeypatch.setattr(kept_texts, "_MOST_CHARACTERS", 50)
    calls = _calls_with_texts(RecentCalls(), 20)
    assert [isinstance(call.prompt, str) for call in calls] == [*[False] * 16, *[True] * 4]


def test_forgotten_reports_of_one_call_leave_memory() -> None:
    """However many reports of one layer and one time have one response id."""
    recent = RecentCalls(capacity=50)
    reports = []
    for number in range(2000):
        report, *_ = concurrent_calls(1, "separate")
        report.key, report.start, report.end = (number, 1), 0, 10**9 + number
        report.response_id, report.prompt = "the same", "What is due?"
        reports.append(report)
        recent.observe(report)
    gc.collect()
    kept = sum(isinstance(item, report_node.Node) for item in gc.get_objects())
    assert kept < 1000
    assert not any(isinstance(report.prompt, str) for report in reports[:-50])


def test_texts_of_forgotten_calls_take_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where few calls are remembered, all of them have their texts, however many there were."""
    monkeypatch.setattr(kept_texts, "_WITH_TEXTS", 4)
    monkeypatch.setattr(kept_texts, "_MOST_CHARACTERS", 1000)
    calls = _calls_with_texts(RecentCalls(capacity=9), 100)
    assert all(isinstance(call.prompt, str) for call in calls)


def test_many_retries_below_one_span_are_looked_at_a_few_at_a_time(comparisons: list[int]) -> None:
    """A span around thousands of attempts that all come after it costs each of them a bounded look."""
    recent = RecentCalls()
    outer, *_ = concurrent_calls(1, "nested")
    recent.observe(outer)
    changes = 0
    for number in range(2000):
        attempt = CallReport(
            key=(0, 10 + number),
            parent_span_id=1,
            scope_name="sdk",
            start=10 + number,
            end=20 + number,
            request_model="gpt-4o",
            is_failed=True,
        )
        changes += len(recent.observe(attempt))
    assert comparisons[0] <= 50 * 2000
    assert changes <= 2000 // 50
