"""The first page: today and this week, what was slowest and dearest, what failed, and whether anything is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.equivalents import sql_of_usage
from otel_sqlite_exporter.reading.filters import Filters
from otel_sqlite_exporter.reading.totals import total_of
from otel_sqlite_exporter.web.links import link
from otel_sqlite_exporter.web.page import render
from otel_sqlite_exporter.web.pages.usage import chart_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from otel_sqlite_exporter.reading import Database

ROWS: Final = 5
_PERIODS: Final = (("Today", "today"), ("7 days", "7d"), ("All time", "all"))


def overview(request: Request, database: Database) -> Response:
    """Show what is worth knowing first."""
    week = Filters.parse({"since": "7d"})
    status = database.status()
    return render(
        request,
        "overview.html",
        status=status,
        periods=[(name, since, total_of(database.usage(by="model", since=since))) for name, since in _PERIODS],
        chart=chart_of(list(database.usage(by=("day", "model"))), "model", "cost"),
        day_link=lambda day: link("/calls", since=day, until=day),
        models=database.usage(week, by="model")[:ROWS],
        newest=database.calls(limit=ROWS),
        dearest=database.calls(week, limit=ROWS, sort="cost"),
        slowest=database.calls(week, limit=ROWS, sort="duration"),
        failures=database.error_summaries(week)[:ROWS],
        sql=sql_of_usage(week, by=("model",)),
    )
