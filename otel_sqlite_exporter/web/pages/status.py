"""The file itself: who recorded into it, and whether anything is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_sqlite_exporter.reading.equivalents import sql_of_status
from otel_sqlite_exporter.web.page import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from otel_sqlite_exporter.reading import Database


def status_page(request: Request, database: Database) -> Response:
    """Show the ledger."""
    return render(request, "status.html", status=database.status(), sql=sql_of_status())
