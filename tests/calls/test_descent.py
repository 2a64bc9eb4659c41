"""What spans have from those above them, in whatever order they end."""

from __future__ import annotations

import random
from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.calls.descent import Descent, Ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_sqlite_exporter.calls.descent import News


class Span(NamedTuple):
    """A span of trace 1: its id, its parent's, its kind (None: no row) and what it reports itself."""

    id: int
    parent: int | None
    kind: str | None
    ids: Ids = (None, None, None)


def rows(spans: Iterable[Span], descent: Descent | None = None) -> dict[int, Ids]:
    """Return what the spans' rows say in the end, by span id, as a reader of the news would write them."""
    descent = Descent() if descent is None else descent
    found: dict[int, list[str | None]] = {}
    for span in spans:
        is_call = span.kind == "llm"
        relative, news = descent.add((1, span.id), span.parent, span.kind, span.ids, is_call=is_call)
        found.setdefault(span.id, list(relative.row_ids()))
        for column, heirs in enumerate(news.heirs if news is not None else ()):
            for heir in heirs:
                assert found[heir.key[1]][column] is None
                found[heir.key[1]][column] = heir.ids[column]
    return {span.id: tuple(found[span.id]) for span in spans if span.kind is not None}  # type: ignore[misc]


def test_ids_go_down_to_all_below_in_any_order() -> None:
    """A call has the ids of the nearest span above that has any, through spans without rows, whichever ends first."""
    spans = [
        Span(1, None, None, ("session", "ada", None)),
        Span(2, 1, "agent", (None, None, "planner")),
        Span(3, 2, None),
        Span(4, 3, "llm"),
        Span(5, 3, "tool", ("own", None, None)),
    ]
    for order in permutations(spans):
        assert rows(order) == {
            2: ("session", "ada", "planner"),
            4: ("session", "ada", "planner"),
            5: ("own", "ada", "planner"),
        }


def test_only_calls_and_tools_get_an_agents_name() -> None:
    """A chain or a retriever inside an agent does not become one of its own name; what is below them has it."""
    spans = [Span(1, None, "agent", (None, None, "planner")), Span(2, 1, "chain"), Span(3, 2, "embedding")]
    for order in permutations(spans):
        assert rows(order) == {1: (None, None, "planner"), 2: (None, None, None), 3: (None, None, "planner")}


def test_other_traces_and_siblings_have_nothing_of_it() -> None:
    """Agents that run at once in one trace keep their conversations apart."""
    spans = [Span(1, None, "chain")]
    for agent in (2, 3):
        spans += [Span(agent, 1, "agent", (f"of {agent}", None, None)), Span(10 * agent, agent, "llm")]
    for order in permutations(spans):
        found = rows(order)
        assert (found[1][0], found[20][0], found[30][0]) == (None, "of 2", "of 3")


def test_parents_in_a_circle_end_nothing() -> None:
    """Whatever spans claim of their parents, every span is visited once."""
    spans = [Span(1, 2, "llm"), Span(2, 3, "chain", ("a", None, None)), Span(3, 1, "llm"), Span(4, 4, "llm")]
    for order in permutations(spans):
        assert set(rows(order)) == {1, 2, 3, 4}


@given(st.data())
def test_the_order_of_arrival_does_not_matter(data: st.DataObject) -> None:
    """Every row says the same in the end, in whatever order the spans of a tree end."""
    count = data.draw(st.integers(1, 12))
    value = st.none() | st.sampled_from(["a", "b"])
    spans = [
        Span(
            number,
            data.draw(st.integers(1, number - 1)) if number > 1 else None,
            data.draw(st.sampled_from(["llm", "tool", "agent", "chain", None])),
            data.draw(st.tuples(value, value, value)),
        )
        for number in range(1, count + 1)
    ]
    assert rows(spans) == rows(data.draw(st.permutations(spans)))


class Visits:
    """Counts how many relatives are told something."""

    def __init__(self) -> None:
        self.count = 0

    def note(self, news: News | None) -> None:
        """Count what one arrival means to others."""
        if news is not None:
            self.count += sum(map(len, news.heirs)) + len(news.calls_below)


def test_each_span_is_told_once_whatever_the_trace_is_like() -> None:
    """A deep chain and a wide fan of thousands, in any order, cost each span one visit a fact at most."""
    deep = [Span(n, n + 1, "chain", (f"s{n}", None, None) if n % 50 == 0 else (None, None, None)) for n in range(4000)]
    wide = [Span(n, 4000, "llm") for n in range(4000)]
    root = Span(4000, None, "agent", ("s", "u", "a"))
    for spans in (deep, wide):
        for order in (spans, spans[::-1], random.Random(1).sample(spans, len(spans))):
            descent, visits = Descent(), Visits()
            for span in (*order, root):
                ids = span.ids
                visits.note(descent.add((1, span.id), span.parent, span.kind, ids, is_call=span.kind == "llm")[1])
            assert visits.count <= 4 * (len(spans) + 1)


def test_the_oldest_are_forgotten() -> None:
    """A span that was forgotten is not told anything any more, and leaves nothing behind."""
    descent = Descent(capacity=2, links=1)
    assert rows([Span(n, 9, "llm") for n in (1, 2, 3)] + [Span(9, None, "agent", ("s", None, None))], descent) == {
        1: (None, None, None),
        2: (None, None, None),
        3: ("s", None, None),
        9: ("s", None, None),
    }
    assert len(descent) == 2
    assert not descent._waiting
