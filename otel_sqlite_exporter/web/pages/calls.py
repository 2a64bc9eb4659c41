"""The list of calls, and one call: its numbers, its transcript, and what is new in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response

from otel_sqlite_exporter.reading import NotFoundError
from otel_sqlite_exporter.reading.blocks import blocks_of
from otel_sqlite_exporter.reading.building import json_text
from otel_sqlite_exporter.reading.calls import SORTS
from otel_sqlite_exporter.reading.equivalents import sql_of_call, sql_of_calls
from otel_sqlite_exporter.reading.filters import NAMES
from otel_sqlite_exporter.reading.openai_form import fine_tuning_line
from otel_sqlite_exporter.reading.python_form import python_code
from otel_sqlite_exporter.web.page import asked, choice_of, filters_of, number_of, render
from otel_sqlite_exporter.web.transcript import groups_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from otel_sqlite_exporter.reading import Database
    from otel_sqlite_exporter.reading.transcript import CallDetail

CALLS_PER_PAGE: Final = 50


def list_page(request: Request, database: Database) -> Response:
    """Show calls, newest or largest first."""
    filters = filters_of(request)
    sort = choice_of(request, "sort", tuple(SORTS))
    before = number_of(request, "before")
    calls = database.calls(filters, limit=CALLS_PER_PAGE, sort=sort, before=before)
    given = filters.values()
    return render(
        request,
        "calls.html",
        calls=calls,
        given=given,
        filter_names=NAMES,
        sort=sort,
        sorts=tuple(SORTS),
        before=before,
        is_full=len(calls) == CALLS_PER_PAGE,
        choices={"model": database.names("model"), "agent": database.names("agent")},
        has_calls=bool(calls) or database.last_id() > 0,
        sql=sql_of_calls(asked(database, filters, calls), sort=sort, limit=CALLS_PER_PAGE),
    )


def call_page(request: Request, database: Database) -> Response:
    """Show one call, or another step."""
    detail = database.call(request.path_params["id"])
    changes = database.changes(detail.call.id)
    is_whole = request.query_params.get("whole") == "1"
    return render(
        request,
        "call.html",
        detail=detail,
        call=detail.call,
        changes=changes,
        groups=groups_of(detail.messages, 0 if is_whole else changes.kept),
        is_whole=is_whole,
        neighbours=database.neighbours(detail.call),
        status=database.status() if not detail.messages else None,
        sql=sql_of_call(detail.call.id),
    )


def whole_text(request: Request, database: Database) -> Response:
    """Show all of one message, as plain text."""
    direction, position = request.path_params["direction"], request.path_params["position"]
    for message in database.messages(request.path_params["id"]):
        if message.direction == direction and message.position == position:
            text = "\n\n".join(block.text for block in blocks_of(message))
            return PlainTextResponse(text.encode("utf-8", "replace"))
    raise NotFoundError(f"there is no {direction} message {position} of this call any more")


def copy(request: Request, database: Database) -> Response:
    """Give a call as text that is of use elsewhere."""
    detail = database.call(request.path_params["id"])
    form = request.path_params["form"]
    if form not in _FORMS:
        raise NotFoundError(f"a call can't be given as {form[:20]!r}; there are {', '.join(_FORMS)}")
    media_type, write = _FORMS[form]
    text = write(detail)
    if text is None:
        raise NotFoundError(f"call {detail.call.id} has no answer to learn from")
    return PlainTextResponse(text.encode("utf-8", "replace"), media_type=media_type)


def _openai_line(detail: CallDetail) -> str | None:
    line = fine_tuning_line(detail)
    return None if line is None else json_text(line) + "\n"


_FORMS: Final[dict[str, tuple[str, Callable[[CallDetail], str | None]]]] = {
    "md": ("text/plain", lambda detail: detail.markdown()),
    "json": ("application/json", lambda detail: detail.json(indent=2)),
    "py": ("text/plain", python_code),
    "jsonl": ("text/plain", _openai_line),
}
"""How a call can be given: media type, and what writes it."""
