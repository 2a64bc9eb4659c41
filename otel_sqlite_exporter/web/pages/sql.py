"""Queries of one's own, within a time and a number of rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading import ReadingError
from otel_sqlite_exporter.web.page import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from otel_sqlite_exporter.reading import Database
    from otel_sqlite_exporter.reading.sequence import Table

ROWS_LIMIT: Final = 500
EXAMPLE: Final = (
    "SELECT model, count(*) AS calls, sum(cost_usd) AS cost\nFROM llm_calls\nGROUP BY model\nORDER BY cost DESC"
)
VIEWS: Final = ("llm_calls", "call_messages", "tool_calls", "errors", "traces", "conversations", "usage_by_model")


def sql_page(request: Request, database: Database) -> Response:
    """Show the rows of a query."""
    query = request.query_params.get("q", "")
    table: Table | None = None
    problem = None
    started = time.perf_counter()
    if query.strip():
        try:
            table = database.sql(query, limit=ROWS_LIMIT)
        except ReadingError as error:
            problem = str(error)
    return render(
        request,
        "sql.html",
        status_code=200 if problem is None else 400,
        query=query or EXAMPLE,
        is_asked=bool(query.strip()),
        table=table,
        problem=problem,
        milliseconds=(time.perf_counter() - started) * 1000,
        views=VIEWS,
        sql=None,
    )
