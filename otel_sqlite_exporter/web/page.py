"""What every page has in common: the file is opened for the request, errors become pages that say what to do."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from starlette.responses import HTMLResponse, Response

from otel_sqlite_exporter.reading import (
    FileRefusedError,
    FilterError,
    NotFoundError,
    ReadingError,
    TimeBudgetError,
    open_database,
)
from otel_sqlite_exporter.reading.filters import NAMES, Filters
from otel_sqlite_exporter.reading.limits import SEARCH_SECONDS
from otel_sqlite_exporter.reading.nearby import recorded_files
from otel_sqlite_exporter.web.templating import environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from otel_sqlite_exporter.reading import Database
    from otel_sqlite_exporter.reading.sequence import Rows

SECONDS: Final = 5.0
"""How long one question of a page may take."""

_DIGITS: Final = 18
"""What SQLite's integers hold for sure."""

_STATUS_CODES: Final = (
    (NotFoundError, 404, "Not found"),
    (FilterError, 400, "That means nothing"),
    (TimeBudgetError, 503, "That took too long"),
    (FileRefusedError, 503, "The file can't be read"),
)

Handler: TypeAlias = "Callable[[Request, Database], Response]"


def page(handler: Handler) -> Callable[[Request], Response]:
    """Make an endpoint of a function of a request and the open file.

    A connection for each request costs a millisecond, and never holds on to a file that was deleted or replaced.
    """

    @wraps(handler)
    def endpoint(request: Request) -> Response:
        try:
            with open_database(request.app.state.path, seconds=SECONDS, search_seconds=SEARCH_SECONDS) as database:
                return handler(request, database)
        except ReadingError as error:
            if not Path(request.app.state.path).exists():
                directory = Path(request.app.state.path).absolute().parent
                return render(request, "waiting.html", nearby=recorded_files(directory))
            code, title = next(
                ((code, title) for kind, code, title in _STATUS_CODES if isinstance(error, kind)), (500, "That failed")
            )
            return render(request, "error.html", status_code=code, title=title, message=str(error))

    return endpoint


def filters_of(request: Request) -> Filters:
    """Return the filters of an address.

    Raises:
        FilterError: One of them means nothing.
    """
    return Filters.parse({name: value for name, value in request.query_params.items() if name in NAMES})


def asked(database: Database, filters: Filters, answer: Rows[Any], *, of_sorted_traces: bool = False) -> Filters:
    """Return what an answer is about, for the SQL that finds the same: with the period that its note tells of.

    A note of a search tells how far it came, which SQL need not stop at.
    """
    is_search = filters.text is not None or filters.tool is not None
    return filters if answer.note is None or is_search else database.period(filters, of_sorted_traces=of_sorted_traces)


def number_of(request: Request, name: str) -> int | None:
    """Return a whole number of an address, None where there is none.

    Raises:
        FilterError: It is no number.
    """
    value = request.query_params.get(name)
    if value is None or value == "":
        return None
    if not _is_number(value):
        raise FilterError(f"{name}: {value[:40]!r} is no whole number")
    return int(value)


def numbers_of(request: Request, name: str) -> list[int]:
    """Return the whole numbers of a list in an address; what is none is left out."""
    texts = request.query_params.get(name, "").split(",")
    return [int(text) for text in texts if _is_number(text)]


def _is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) <= _DIGITS


def choice_of(request: Request, name: str, choices: tuple[str, ...]) -> str:
    """Return a choice of an address; the first one by default.

    Raises:
        FilterError: It is none of them.
    """
    value = request.query_params.get(name) or choices[0]
    if value not in choices:
        raise FilterError(f"{name}: {value[:40]!r} is none of {', '.join(choices)}")
    return value


def render(request: Request, template: str, *, status_code: int = 200, **values: object) -> HTMLResponse:
    """Return a page.

    Args:
        request: What was asked for.
        template: Name of its template.
        status_code: HTTP's.
        **values: What the template shows.
    """
    theme = request.cookies.get("theme")
    html = (
        environment()
        .get_template(template)
        .render(
            path=request.url.path,
            file_name=Path(request.app.state.path).name,
            file_path=str(request.app.state.path),
            theme=theme if theme in {"light", "dark"} else None,
            **values,
        )
    )
    # A lone surrogate of a text is no UTF-8.
    return HTMLResponse(html.encode("utf-8", "replace"), status_code)
