"""Groups of spans that are converted step by step."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter.pipeline.groups import Failures, groups_of
from tests.support import RESOURCE


def span(characters: int) -> ReadableSpan:
    """Return a span that holds so much text."""
    return ReadableSpan("chat", attributes={"gen_ai.input.messages": "x" * characters}, resource=RESOURCE)


def test_every_span_is_in_one_group_in_order() -> None:
    """Grouping loses no span and changes no order, whatever their sizes."""
    spans = [span(1_000_000 if number % 7 == 0 else 10) for number in range(150)]
    assert [one for group in groups_of(spans) for one in group] == spans


def test_a_usual_batch_is_one_group() -> None:
    """Fifty spans of usual size are converted together."""
    assert [len(group) for group in groups_of([span(1000)] * 50)] == [50]


def test_large_spans_are_converted_few_at_a_time() -> None:
    """What is read of a group's spans needs memory: ten megabytes of texts are not read at once."""
    assert max(len(group) for group in groups_of([span(1_000_000)] * 50)) < 10


def test_an_item_is_let_go_once_a_step_was_taken_with_it() -> None:
    """Nothing waits until the whole group is done, which would make the garbage collector run more often."""
    items = [1, 2, 3]
    assert Failures().aside(lambda number: (number, len(items)), items) == [(1, 2), (2, 1), (3, 0)]


def test_what_fails_in_a_step_costs_itself_only() -> None:
    """The other items of a group go on, and the failures of all steps are counted."""
    failures = Failures()
    assert failures.aside(lambda number: 1 / number, [1, 0, 2]) == [1, 0.5]
    assert failures.aside(lambda number: 2 / number, [0, 1]) == [2]
    assert failures.count == 2
    assert isinstance(failures.last, ZeroDivisionError)
