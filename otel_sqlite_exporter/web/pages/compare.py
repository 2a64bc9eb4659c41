"""Two calls side by side: what is the same is folded, what is not stands beside each other."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from otel_sqlite_exporter.reading.equivalents import sql_of_call
from otel_sqlite_exporter.web.page import number_of, render
from otel_sqlite_exporter.web.transcript import Budget, shown_messages

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from otel_sqlite_exporter.reading import Database
    from otel_sqlite_exporter.reading.changes import Pair
    from otel_sqlite_exporter.web.transcript import Shown


def compare_page(request: Request, database: Database) -> Response:
    """Show two calls side by side."""
    left, right = number_of(request, "a"), number_of(request, "b")
    if left is None or right is None:
        return render(request, "compare.html", comparison=None, left=left, right=right, runs=[], sql=None)
    comparison = database.compare(left, right)
    budget = Budget()
    runs = [
        (is_same, [(pair.tag, *_sides(pair, budget)) for pair in pairs])
        for is_same, pairs in groupby(comparison.pairs, key=lambda pair: pair.tag == "same")
    ]
    return render(
        request, "compare.html", comparison=comparison, left=left, right=right, runs=runs, sql=sql_of_call(right)
    )


def _sides(pair: Pair, budget: Budget) -> tuple[Shown | None, Shown | None]:
    left, right = (
        shown_messages([message], budget) if message is not None else [] for message in (pair.left, pair.right)
    )
    return (left[0] if left else None, right[0] if right else None)
