"""The list of traces, and one trace: its tree, one step beside it, and where time and money went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, Response

from otel_sqlite_exporter.reading import NotFoundError
from otel_sqlite_exporter.reading.equivalents import sql_of_trace, sql_of_traces
from otel_sqlite_exporter.reading.traces import SORTS
from otel_sqlite_exporter.web.page import asked, choice_of, filters_of, number_of, numbers_of, render
from otel_sqlite_exporter.web.sharing import shown, trace_file
from otel_sqlite_exporter.web.transcript import groups_of
from otel_sqlite_exporter.web.waterfall import waterfall

if TYPE_CHECKING:
    from starlette.requests import Request

    from otel_sqlite_exporter.reading import Database

TRACES_PER_PAGE: Final = 50


def list_page(request: Request, database: Database) -> Response:
    """Show traces, those with the newest steps first."""
    filters = filters_of(request)
    before = request.query_params.get("before") or None
    sort = choice_of(request, "sort", SORTS)
    traces = database.traces(filters, limit=TRACES_PER_PAGE, sort=sort, before=before)
    return render(
        request,
        "traces.html",
        traces=traces,
        longest=max((trace.duration_ms or 0 for trace in traces), default=0),
        given=filters.values(),
        before=before,
        sort=sort,
        sorts=SORTS,
        is_full=sort == SORTS[0] and len(traces) == TRACES_PER_PAGE,
        choices={"agent": database.names("agent"), "tool": database.names("tool")},
        sql=sql_of_traces(
            asked(database, filters, traces, of_sorted_traces=sort != SORTS[0]), limit=TRACES_PER_PAGE, sort=sort
        ),
    )


def trace_page(request: Request, database: Database) -> Response:
    """Show one trace, with the step that was chosen."""
    tree = database.trace(request.path_params["id"])
    opened = numbers_of(request, "open")
    chosen = number_of(request, "span")
    detail = database.call(chosen) if chosen is not None else None
    changes = database.changes(detail.call.id) if detail is not None and detail.messages else None
    return render(
        request,
        "trace.html",
        shown=shown(tree),
        fall=waterfall(tree, opened),
        opened=opened,
        chosen=chosen,
        detail=detail,
        changes=changes,
        groups=groups_of(detail.messages, changes.kept if changes else 0) if detail is not None else [],
        sql=sql_of_trace(tree.trace.trace_id),
    )


def share(request: Request, database: Database) -> Response:
    """Give a trace as one file that opens anywhere."""
    trace_id = request.path_params["id"]
    html = trace_file(database, trace_id)
    name = "".join(character for character in trace_id if character.isalnum() or character == "-")[:36]
    if not name:
        raise NotFoundError(f"there is no trace {trace_id[:40]!r}")
    return HTMLResponse(
        html.encode("utf-8", "replace"), headers={"content-disposition": f'attachment; filename="trace-{name}.html"'}
    )
