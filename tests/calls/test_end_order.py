"""Reports in the order of their ends: the same as a list that is sorted again after every change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.calls import end_order
from otel_sqlite_exporter.calls.end_order import EndOrder
from otel_sqlite_exporter.calls.report import CallReport
from otel_sqlite_exporter.calls.report_node import Node

Step = tuple[int, int, bool]
"""By how much a report ends before the newest, which one leaves, and whether one leaves at all."""

steps = st.tuples(st.integers(0, 6) | st.just(0), st.integers(0, 3), st.booleans())


@given(st.lists(steps, max_size=60), st.integers(0, 4))
def test_it_is_a_sorted_list_for_whoever_looks(history: list[Step], most_gone: int) -> None:
    """Late ones come between others, any may leave, and what left is seen by nobody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(end_order, "_MOST_GONE", most_gone)
        order, known = EndOrder(), list[Node]()
        for number, (late, leaving, leaves) in enumerate(history):
            node = Node(CallReport((1, number), None, "sdk", 0, number - late), number)
            order.add(node)
            known = sorted([*known, node])
            assert order.last is known[-1]
            if leaves and len(known) > leaving:
                order.remove(known.pop(leaving))
            assert len(order) == len(known)
            for first in range(len(known)):
                assert order.since_first_of(known[first : first + 2]) == known[first:]
                assert order.count_since_first_of(known[first:]) == len(known) - first
