"""What is drawn: waterfalls, charts, transcripts, markdown and JSON, as pure functions."""

from __future__ import annotations

import re

import pytest

from otel_sqlite_exporter.reading.rows.calls import Message
from otel_sqlite_exporter.reading.rows.traces import Trace
from otel_sqlite_exporter.reading.steps import Span, grow
from otel_sqlite_exporter.reading.tree import TraceTree
from otel_sqlite_exporter.reading.units import money
from otel_sqlite_exporter.web.charts import HEIGHT, MOST_SERIES, OTHERS, histogram, stack_days, staircase
from otel_sqlite_exporter.web.rendering import json_tree, markdown
from otel_sqlite_exporter.web.transcript import MESSAGES_LIMIT, TEXT_LIMIT, groups_of
from otel_sqlite_exporter.web.waterfall import FOLD_FROM, waterfall

_MS = 1_000_000


def _tree(*spans: Span) -> TraceTree:
    return TraceTree(trace=Trace(trace_id="t"), roots=tuple(grow(spans)), is_cut=False)


def _span(
    number: int, start: int, end: int, parent: int | None = None, *, kind: str = "tool", status: str = "ok"
) -> Span:
    return Span(
        id=number,
        span_id=str(number),
        parent_span_id=None if parent is None else str(parent),
        kind=kind,
        name="read",
        status=status,
        start_time_unix_nano=start * _MS,
        end_time_unix_nano=end * _MS,
        duration_ms=end - start,
    )


def test_bars_lie_on_one_axis() -> None:
    """A bar begins and ends where its step does, as a share of the whole trace."""
    rows = waterfall(_tree(_span(1, 0, 200, kind="agent"), _span(2, 50, 150, 1))).rows
    assert [(row.bars[0].left, row.bars[0].width) for row in rows] == [(0, 100), (25, 50)]


def test_a_bar_is_never_too_thin_to_see_nor_outside() -> None:
    """A step that took no time, at the very end, has a bar inside of the axis."""
    (bar,) = waterfall(_tree(_span(1, 0, 100_000, kind="agent"), _span(2, 100_000, 100_000, 1))).rows[1].bars
    assert bar.width > 0
    assert bar.left + bar.width <= 100


def test_like_siblings_are_folded_until_they_are_opened() -> None:
    """A run of like steps is one line with a bar for each; what failed is never inside of one."""
    spans = [_span(1, 0, 100, kind="agent"), *(_span(number, number, number + 1, 1) for number in range(2, 12))]
    tree = _tree(*spans)
    folded = waterfall(tree).rows[1]
    assert folded.run is not None
    assert len(folded.run) == len(folded.bars) == 10
    assert folded.sums is not None
    assert folded.sums.duration_ms == 10
    assert len(waterfall(tree, [2]).rows) == 11
    spans[5] = _span(6, 6, 7, 1, status="error")
    assert [len(row.run or (1,)) for row in waterfall(_tree(*spans)).rows[1:]] == [4, 1, 5]


def test_few_siblings_are_not_folded() -> None:
    """Up to a few like steps stand one by one."""
    spans = [
        _span(1, 0, 100, kind="agent"),
        *(_span(number, number, number + 1, 1) for number in range(2, FOLD_FROM + 1)),
    ]
    assert len(waterfall(_tree(*spans)).rows) == FOLD_FROM


def test_a_deep_tree_is_drawn() -> None:
    """A tree that is deeper than Python's stack has a row for each step."""
    spans = [
        _span(number, 0, 5000 - number, number - 1 if number > 1 else None, kind="chain") for number in range(1, 4000)
    ]
    assert len(waterfall(_tree(*spans)).rows) == 3999


@pytest.mark.parametrize("length", [1, 7, 99, 1000, 18_500, 3_600_000, 10**9])
def test_an_axis_has_a_few_round_marks(length: int) -> None:
    """However long a trace is, its axis has some marks, in order, inside of it."""
    ticks = waterfall(_tree(_span(1, 0, length))).ticks
    assert len(ticks) <= 6
    assert [x for x, _ in ticks] == sorted({x for x, _ in ticks})
    assert all(0 < x < 100 for x, _ in ticks)


def test_days_without_use_have_a_place() -> None:
    """Between the first and the last day no day is left out, and the highest stack fits."""
    chart = stack_days({("2026-11-20", "a"): 1.0, ("2026-11-24", "a"): 3.0, ("2026-11-24", "b"): 2.0}, money)
    assert chart is not None
    assert [bar.key for bar in chart.bars] == [f"2026-11-{day}" for day in range(20, 25)]
    assert [len(bar.segments) for bar in chart.bars] == [1, 0, 0, 0, 2]
    assert all(0 <= segment.y <= HEIGHT for bar in chart.bars for segment in bar.segments)
    assert chart.series == ("a", "b")


def test_many_series_end_in_others() -> None:
    """Of many series the largest have a fill of their own, and the rest one together."""
    chart = stack_days({("2026-11-20", str(number)): float(number + 1) for number in range(20)}, money)
    assert chart is not None
    assert len(chart.series) == MOST_SERIES + 1
    assert chart.series[-1] == OTHERS
    assert sum(segment.height for segment in chart.bars[0].segments) <= HEIGHT + 1


@pytest.mark.parametrize("highest", [1e-9, 0.0246, 1.0, 3.3, 99.0, 1e12])
def test_an_axis_of_values_reaches_over_the_highest(highest: float) -> None:
    """The highest bar is as high as the chart at most, and half as high at least."""
    chart = stack_days({("2026-11-20", "a"): highest}, money)
    assert chart is not None
    assert HEIGHT / 2 <= chart.bars[0].segments[0].height <= HEIGHT
    assert 2 <= len(chart.lines) <= 5


def test_nothing_is_no_chart() -> None:
    """Where nothing was used there is nothing to draw."""
    assert stack_days({}, money) is None
    assert stack_days({("2026-11-20", "a"): 0.0}, money) is None
    assert histogram([], str, str) is None
    assert histogram([(1.0, 2.0, 0)], str, str) is None


def test_one_more_series_than_there_are_fills_has_its_own_name() -> None:
    """What would be the only one of the others is named."""
    chart = stack_days({("2026-11-20", str(number)): 1.0 for number in range(MOST_SERIES + 1)}, money)
    assert chart is not None
    assert OTHERS not in chart.series


@pytest.mark.parametrize("highest", [1, 3, 7, 12, 24, 99, 1234])
def test_an_axis_of_counts_has_no_fractions(highest: int) -> None:
    """The lines of counts stand at whole numbers, each another one."""
    chart = stack_days({("2026-11-20", "a"): highest}, str, is_whole=True)
    assert chart is not None
    values = [float(text) for _, text in chart.lines]
    assert values == sorted({float(int(value)) for value in values})
    assert values[-1] >= highest


def test_a_histograms_columns_lie_between_named_edges() -> None:
    """Every column has an edge at its left and its right, the last one too, and an axis of counts beside it."""
    chart = histogram(
        [(10.0, 16.0, 1), (16.0, 25.0, 4)], lambda edge: f"{edge:.0f} ms", lambda number: f"{number} calls"
    )
    assert chart is not None
    assert chart.edges == ((0, "10 ms"), (50, "16 ms"), (100, "25 ms"))
    assert [column.title for column in chart.columns] == ["10 ms to 16 ms: 1 calls", "16 ms to 25 ms: 4 calls"]
    assert [text for _, text in chart.lines] == ["1", "2", "3", "4"]
    assert chart.columns[1].height == 4 * chart.columns[0].height


def test_days_that_are_no_dates_are_shown_as_they_are() -> None:
    """What another program wrote as a day is a bar like any other."""
    chart = stack_days({("someday", "a"): 1.0}, money)
    assert chart is not None
    assert chart.bars[0].key == "someday"


def test_a_staircase_ends_at_the_top() -> None:
    """The path of a running sum begins below and ends at the whole."""
    assert staircase([(0.5, 0.25), (1.0, 1.0)]) == "M0 100 H500.0V75.0 H1000.0V0.0 H1000"


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script>",
        "![a](http://evil.invalid/x.png)",
        "[a](javascript:x)",
        "[a](data:text/html,x)",
        "[a](/sql?q=x)",
        "[a](//evil.invalid)",
        "[a]: javascript:x\n[a]",
        "<javascript:x>",
        "<img src=x onerror=y>",
    ],
)
def test_markdown_has_nothing_that_acts(text: str) -> None:
    """Neither raw HTML nor images nor links to anywhere but other sites come out of markdown."""
    html = str(markdown(text))
    assert not re.search(r"<(script|img|iframe)", html)
    assert "href" not in html


def test_a_link_to_another_site_leaves_no_trace() -> None:
    """A link may be followed, without telling from where."""
    html = str(markdown("[a](https://example.com)"))
    assert 'href="https://example.com" rel="noopener noreferrer nofollow" target="_blank"' in html


@pytest.mark.parametrize(
    "value",
    [
        [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],
        ["x" * 100] * 200_000,
        {str(number): number for number in range(100_000)},
        "x" * 10_000_000,
    ],
    ids=["deep", "long", "wide", "text"],
)
def test_json_that_would_burst_a_page_is_cut(value: object) -> None:
    """However deep, long or wide JSON is, a page shows a beginning, and says how much is left out."""
    html = str(json_tree(value))  # type: ignore[arg-type]
    assert len(html) < 1_000_000
    assert "more" in html


def _message(position: int, text: str, role: str = "user", direction: str = "input") -> Message:
    return Message(span_id=1, direction=direction, position=position, role=role, text=text, message_id=position)


def test_what_the_previous_call_had_is_folded() -> None:
    """Kept messages are one fold; new ones are open and marked; the answer is open and no news."""
    messages = [*(_message(number, str(number)) for number in range(5)), _message(0, "answer", "assistant", "output")]
    folded, opened = groups_of(messages, 3)
    assert folded.is_folded
    assert len(folded.messages) == 3
    assert [shown.is_new for shown in opened.messages] == [True, True, False]


def test_many_messages_and_long_texts_are_cut() -> None:
    """Of many messages the last ones are shown, of a long text the beginning; both say how much is left out."""
    (group,) = groups_of([_message(number, "x" * 100) for number in range(10_000)], 0)
    assert len(group.messages) == MESSAGES_LIMIT
    assert group.left_out == 10_000 - MESSAGES_LIMIT
    (group,) = groups_of([_message(0, "x" * 50_000_000)], 0)
    (piece,) = group.messages[0].pieces
    assert len(piece.text) == TEXT_LIMIT
    assert piece.left_out == 50_000_000 - TEXT_LIMIT


def test_what_would_take_the_parser_long_is_no_markdown() -> None:
    """A text of nothing but brackets is shown as it is written."""
    (group,) = groups_of([_message(0, "[" * 5000)], 0)
    assert not group.messages[0].pieces[0].is_markdown


def test_a_tools_call_and_its_result_know_each_other() -> None:
    """The call of a tool leads to its result and back, by places of the page, never by ids of the file."""
    call = Message(
        span_id=1,
        direction="input",
        role="assistant",
        parts=[{"type": "tool_call", "id": "<x>", "name": "f", "arguments": {}}],
    )
    result = Message(
        span_id=1,
        direction="input",
        position=1,
        role="tool",
        parts=[{"type": "tool_call_response", "id": "<x>", "response": "ok"}],
    )
    (group,) = groups_of([call, result], 0)
    asked, answered = (shown.pieces[0] for shown in group.messages)
    assert asked.other == answered.anchor == "m1-i1-0"
    assert answered.other == asked.anchor == "m1-i0-0"
