"""What was used: by day, model, agent, user or service; how much came from caches; how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.equivalents import sql_of_latency, sql_of_usage
from otel_sqlite_exporter.reading.totals import total_of, totals_by
from otel_sqlite_exporter.reading.units import count, counted, duration, money, tokens
from otel_sqlite_exporter.web.charts import histogram, stack_days
from otel_sqlite_exporter.web.links import link
from otel_sqlite_exporter.web.page import asked, choice_of, filters_of, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from otel_sqlite_exporter.reading import Database
    from otel_sqlite_exporter.reading.filters import Filters
    from otel_sqlite_exporter.reading.rows.sums import Usage
    from otel_sqlite_exporter.web.charts import StackedChart

GROUPS: Final = ("model", "provider", "agent", "user", "service")
FIELDS: Final = {
    "model": "model",
    "provider": "provider",
    "agent": "agent_name",
    "user": "user_id",
    "service": "service_name",
}
MEASURES: Final[dict[str, tuple[str, Callable[[Usage], float | None], Callable[[float], str]]]] = {
    "cost": ("Cost", lambda usage: usage.cost_usd, money),
    "tokens": ("Tokens", lambda usage: usage.total_tokens, lambda value: tokens(round(value))),
    "calls": ("Calls", lambda usage: usage.calls, lambda value: count(round(value))),
    "errors": ("Errors", lambda usage: usage.errors, lambda value: count(round(value))),
}
LATENCY: Final = "latency"
"""What a bar's height can be: its name, its value of one group, and its value in words."""

_MOST_GROUPS: Final = 50
_MOST_DAYS: Final = 92
_TITLES: Final = {**{name: title for name, (title, _, _) in MEASURES.items()}, LATENCY: "Latency"}


def usage_page(request: Request, database: Database) -> Response:
    """Show usage."""
    filters = filters_of(request)
    by = choice_of(request, "by", GROUPS)
    measure = choice_of(request, "show", (*MEASURES, LATENCY))
    if measure == LATENCY:
        return _latency_page(request, database, filters, by)
    daily = database.usage(filters, by=("day", by))
    groups = totals_by(daily, FIELDS[by])
    days = sorted(totals_by(daily, "day"), key=lambda usage: usage.day or "", reverse=True)
    shown = asked(database, filters, daily)
    return render(
        request,
        "usage.html",
        given=filters.values(),
        period=_period(shown),
        by=by,
        measure=measure,
        measures=_TITLES,
        field=FIELDS[by],
        groups_by=GROUPS,
        chart=chart_of(list(daily), by, measure),
        groups=groups[:_MOST_GROUPS],
        total=total_of(groups),
        left_out=max(len(groups) - _MOST_GROUPS, 0),
        largest=max((usage.cost_usd or 0 for usage in groups), default=0),
        days=days[:_MOST_DAYS],
        dearest_day=max((usage.cost_usd or 0 for usage in days), default=0),
        day_link=lambda day: link("/calls", filters.values(), since=day, until=day),
        daily=daily,
        note=daily.note,
        sql=sql_of_usage(shown, by=(by,)),
    )


def _latency_page(request: Request, database: Database, filters: Filters, by: str) -> Response:
    """Show how long calls took: percentiles by group, and the time to the first token as a distribution."""
    buckets = database.first_tokens(filters)
    latency = database.latency(filters, by=by)
    shown = asked(database, filters, latency)
    return render(
        request,
        "latency.html",
        given=filters.values(),
        period=_period(shown),
        by=by,
        measure=LATENCY,
        measures=_TITLES,
        field=FIELDS[by],
        groups_by=GROUPS,
        latency=latency,
        slowest=max((row.p99_ms or 0.0 for row in latency), default=0.0),
        first_tokens=histogram(
            [(bucket.from_ms, bucket.to_ms, bucket.calls) for bucket in buckets],
            duration,
            lambda number: counted(number, "call"),
        ),
        buckets=buckets,
        note=latency.note,
        sql=sql_of_latency(shown, by=(by,)),
    )


def _period(shown: Filters) -> str | None:
    """Return the beginning of what is shown as an address has it: ``all`` for everything, None for up to a day."""
    return shown.values().get("since") or (None if shown.until else "all")


def chart_of(daily: list[Usage], by: str, measure: str) -> StackedChart | None:
    """Return the chart of days; None where nothing was used.

    Args:
        daily: Usage by day and group.
        by: One of :data:`GROUPS`.
        measure: One of :data:`MEASURES`.
    """
    _, value_of, name_value = MEASURES[measure]
    values: dict[tuple[str, str], float] = {}
    for usage in daily:
        name = getattr(usage, FIELDS[by]) or f"no {by}"
        values[usage.day or "", name] = values.get((usage.day or "", name), 0.0) + (value_of(usage) or 0.0)
    return stack_days(values, name_value, is_whole=measure != "cost")
