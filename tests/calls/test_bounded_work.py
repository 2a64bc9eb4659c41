"""However many calls run at once, and however equal they are, each report is compared with a few others only."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from otel_sqlite_exporter.calls import candidates, report_node
from otel_sqlite_exporter.calls.duplicates import RecentCalls
from otel_sqlite_exporter.calls.report import CallReport, is_compatible, likeness

if TYPE_CHECKING:
    from collections.abc import Callable

LAYERS = ("framework", "gateway", "sdk")
MOST_COMPARISONS = 200
"""On the average for one report, in the worst order of arrival."""


def concurrent_calls(count: int, shape: str) -> list[CallReport]:
    """Return equal calls that run at once, each reported by three layers, the outermost first."""
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
                    end=10**9 + number * 10 + 9 - depth,
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
def test_the_work_for_a_report_is_bounded_in_any_order(shape: str, order: str, comparisons: list[int]) -> None:
    """Late reports move a few others at most, however many there are."""
    recent = RecentCalls()
    reports = sorted(concurrent_calls(300, shape), key=lambda report: -report.end)
    if order == "by layer":
        reports.sort(key=lambda report: report.scope_name)
    elif order == "at random":
        random.Random(1).shuffle(reports)
    for report in reports:
        recent.observe(report)
    assert comparisons[0] <= MOST_COMPARISONS * len(reports)


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
