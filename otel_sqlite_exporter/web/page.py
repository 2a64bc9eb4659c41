"""What every page has in common: the file is opened for the request, errors become pages that say what to do."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from functools import lru_cache, wraps
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from otel_sqlite_exporter._version import __version__
from otel_sqlite_exporter.reading import (
    FileRefusedError,
    FilterError,
    NotFoundError,
    ReadingError,
    TimeBudgetError,
    open_database,
    units,
)
from otel_sqlite_exporter.reading.blocks import media_bytes
from otel_sqlite_exporter.reading.filters import NAMES, Filters
from otel_sqlite_exporter.reading.moments import parse_moment
from otel_sqlite_exporter.reading.nearby import recorded_files
from otel_sqlite_exporter.web import charts, links, rendering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request

    from otel_sqlite_exporter.reading import Call, Database

SECONDS: Final = 5.0
"""How long one question of a page may take."""

NAVIGATION: Final = (
    ("/", "Overview", "o"),
    ("/calls", "Calls", "c"),
    ("/traces", "Traces", "t"),
    ("/conversations", "Conversations", "v"),
    ("/usage", "Usage", "g"),
    ("/tools", "Tools", "w"),
    ("/errors", "Errors", "e"),
    ("/sql", "SQL", "s"),
    ("/status", "Status", "f"),
)
"""The pages of the navigation: path, name, and the key that goes there after ``g``."""

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
            with open_database(request.app.state.path, seconds=SECONDS) as database:
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


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates, with what they need to show numbers and texts."""
    made = Environment(
        loader=PackageLoader("otel_sqlite_exporter.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        money=units.money,
        count=units.count,
        tokens=units.tokens,
        duration=units.duration,
        rate=units.rate,
        size=units.size,
        one_line=units.one_line,
        visible=units.visible,
        full_time=units.full_time,
        local_time=units.local_time,
        clock=_clock,
        day=_day,
        iso_local=_iso_local,
        groupby_day=_by_day,
        media_bytes=media_bytes,
        json_tree=rendering.json_tree,
        markdown=rendering.markdown,
    )
    made.globals.update(
        version=__version__,
        navigation=NAVIGATION,
        link=links.link,
        call_link=links.call_link,
        trace_link=links.trace_link,
        conversation_link=links.conversation_link,
        static=static_link,
        pattern_defs=charts.pattern_defs,
    )
    return made


@lru_cache(maxsize=8)
def static_file(name: str) -> tuple[bytes, str]:
    """Return a static file and the tag of its content."""
    content = (files("otel_sqlite_exporter.web") / "static" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


def static_link(name: str) -> str:
    """Return the address of a static file; it changes with the content."""
    return f"/static/{static_file(name)[1]}/{name}"


def _iso_local(text: str | None) -> str:
    """Return a time of the views in the local zone."""
    if text is None:
        return units.NONE
    return units.local_time(parse_moment(text, "time").unix_nano)


def _by_day(calls: Iterable[Call]) -> list[tuple[str, list[Call]]]:
    return [(day, list(rows)) for day, rows in groupby(calls, key=lambda call: _day(call.start_time_unix_nano))]


def _moment(unix_nano: int | None) -> datetime | None:
    return units.local_datetime(unix_nano)


def _clock(unix_nano: int | None) -> str:
    moment = _moment(unix_nano)
    return units.NONE if moment is None else moment.strftime("%H:%M:%S")


def _day(unix_nano: int | None) -> str:
    moment = _moment(unix_nano)
    if moment is None:
        return "No time"
    days = (datetime.now(timezone.utc).astimezone().date() - moment.date()).days
    name = {0: "Today", 1: "Yesterday"}.get(days)
    text = f"{moment.strftime('%A')} {moment.day} {moment.strftime('%B %Y')}"
    return f"{name}, {text}" if name else text
