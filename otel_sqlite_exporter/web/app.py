"""The application: which address is answered by what, behind which gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from otel_sqlite_exporter.reading import ReadingError, open_database
from otel_sqlite_exporter.web.access import STATIC_PATH, AccessMiddleware
from otel_sqlite_exporter.web.page import SECONDS, page, render
from otel_sqlite_exporter.web.pages import calls, compare, conversations, lists, overview, sql, traces, usage
from otel_sqlite_exporter.web.pages import status as status_page
from otel_sqlite_exporter.web.templating import static_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from otel_sqlite_exporter.web.access import Keys

_STATIC_TYPES = {"app.css": "text/css", "app.js": "text/javascript", "icon.svg": "image/svg+xml"}
_FOR_EVER = {"cache-control": "max-age=31536000, immutable"}


def create_app(path: str, *, keys: Keys | None, hosts: Sequence[str]) -> Starlette:
    """Return the pages over one file.

    Args:
        path: The file; it is opened for each request.
        keys: Who is let in; None for everybody.
        hosts: The names under which the pages may be asked for; ``*`` for any.
    """
    app = Starlette(
        routes=[
            Route("/", page(overview.overview)),
            Route("/calls", page(calls.list_page)),
            Route("/calls/{id:int}", page(calls.call_page)),
            Route("/calls/{id:int}.{form:str}", page(calls.copy)),
            Route("/calls/{id:int}/{direction:str}/{position:int}", page(calls.whole_text)),
            Route("/traces", page(traces.list_page)),
            Route("/traces/{id:str}", page(traces.trace_page)),
            Route("/traces/{id:str}/file", page(traces.share)),
            Route("/conversations", page(conversations.list_page)),
            Route("/conversation", page(conversations.conversation_page)),
            Route("/usage", page(usage.usage_page)),
            Route("/tools", page(lists.tools_page)),
            Route("/errors", page(lists.errors_page)),
            Route("/compare", page(compare.compare_page)),
            Route("/sql", page(sql.sql_page)),
            Route("/status", page(status_page.status_page)),
            Route("/mark", _mark),
            Route(STATIC_PATH + "{tag:str}/{name:str}", _static),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(AccessMiddleware, keys=keys),
        ],
        exception_handlers={404: _not_found, 500: _failed},
    )
    app.state.path = path
    return app


def _mark(request: Request) -> Response:
    """Tell whether anything has changed: pages ask every second."""
    try:
        with open_database(request.app.state.path, seconds=SECONDS) as database:
            return PlainTextResponse(database.mark())
    except ReadingError as error:
        # A file that goes, comes, or is damaged is a change as well.
        return PlainTextResponse(type(error).__name__)


def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC_TYPES:
        return PlainTextResponse("Not found.\n", 404)
    content, tag = static_file(name)
    headers = _FOR_EVER if request.path_params["tag"] == tag else None
    return Response(content, media_type=_STATIC_TYPES[name], headers=headers)


def _not_found(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    return render(request, "error.html", status_code=404, title="Not found", message="There is no such page.")


def _failed(request: Request, error: Exception) -> Response:
    message = f"{type(error).__name__} while this page was made; the terminal has the details."
    return render(request, "error.html", status_code=500, title="A fault of these pages", message=message)
