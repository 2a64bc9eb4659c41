"""The first page: today and this week, what was slowest and dearest, what failed, and whether anything is missing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.equivalents import sql_of_usage
from otel_sqlite_exporter.reading.filters import Filters
from otel_sqlite_exporter.reading.totals import total_of, totals_by
from otel_sqlite_exporter.web.links import link
from otel_sqlite_exporter.web.page import render
from otel_sqlite_exporter.web.pages.usage import chart_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from otel_sqlite_exporter.reading import Database

ROWS: Final = 5
_WEEK_DAYS: Final = 7


def overview(request: Request, database: Database) -> Response:
    """Show what is worth knowing first."""
    week = Filters.parse({"since": f"{_WEEK_DAYS}d"})
    # Sums by day are there already, however large the file is; so that today and the week are days of UTC.
    daily = list(database.usage(by=("day", "model")))
    today = datetime.now(timezone.utc).date()
    first = (today - timedelta(days=_WEEK_DAYS - 1)).isoformat()
    of_week = [usage for usage in daily if (usage.day or "") >= first]
    of_today = [usage for usage in of_week if (usage.day or "") >= today.isoformat()]
    return render(
        request,
        "overview.html",
        status=database.status(),
        periods=[
            ("Today (UTC)", "today", total_of(of_today)),
            ("7 days", "7d", total_of(of_week)),
            ("All time", "all", total_of(daily)),
        ],
        chart=chart_of(daily, "model", "cost"),
        day_link=lambda day: link("/calls", since=day, until=day),
        models=totals_by(of_week, "model")[:ROWS],
        newest=database.calls(limit=ROWS),
        dearest=[call for call in database.calls(week, limit=ROWS, sort="cost") if call.cost_usd is not None],
        slowest=database.calls(week, limit=ROWS, sort="duration"),
        failures=database.errors(week, limit=ROWS),
        sql=sql_of_usage(Filters(), by=("day", "model")),
    )
