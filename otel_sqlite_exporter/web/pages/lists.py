"""What tools did, and what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.equivalents import sql_of_errors, sql_of_tools
from otel_sqlite_exporter.web.page import asked, filters_of, render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from otel_sqlite_exporter.reading import Database

ROWS_PER_PAGE: Final = 50


def tools_page(request: Request, database: Database) -> Response:
    """Show what each tool did, and the last executions."""
    filters = filters_of(request)
    tools = database.tools(filters)
    return render(
        request,
        "tools.html",
        tools=tools,
        longest=max((tool.total_ms for tool in tools), default=0),
        executions=database.tool_calls(filters, limit=ROWS_PER_PAGE),
        given=filters.values(),
        choices={"tool": database.names("tool"), "agent": database.names("agent")},
        sql=sql_of_tools(asked(database, filters, tools)),
    )


def errors_page(request: Request, database: Database) -> Response:
    """Show failures by place and type, and the last ones."""
    filters = filters_of(request)
    summaries = database.error_summaries(filters)
    return render(
        request,
        "errors.html",
        summaries=summaries,
        most=max((summary.failures for summary in summaries), default=0),
        failures=database.errors(filters, limit=ROWS_PER_PAGE),
        given=filters.values(),
        choices={"model": database.names("model"), "tool": database.names("tool"), "agent": database.names("agent")},
        sql=sql_of_errors(asked(database, filters, summaries), limit=ROWS_PER_PAGE),
    )
