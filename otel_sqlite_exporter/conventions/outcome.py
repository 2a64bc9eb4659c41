"""How a call ended: its status, and what the error was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from otel_sqlite_exporter.conventions.values import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_sqlite_exporter.conventions.call import Call, EventFacts, SpanFacts

_ERROR_LEVELS: Final = ("ERROR", "error", "Error")
_FIRST_HTTP_ERROR: Final = 400


def fill(call: Call, columns: Mapping[str, Any], facts: SpanFacts) -> None:
    """Fill status, status message and error type.

    Args:
        call: The call.
        columns: What the attributes said.
        facts: The span.
    """
    http_status = columns.get("http_status")
    failed_http = http_status is not None and http_status >= _FIRST_HTTP_ERROR
    call.status = facts.status
    if facts.status == "ok" and "error_type" in columns and _exception(facts.events):
        call.status = "error"  # an emitter that sets every span to ok has said twice that this one failed
    if facts.status == "unset" and (
        "error_type" in columns
        or failed_http
        or columns.get("error_level") in _ERROR_LEVELS
        or "failed" in columns
        or "error_told" in columns
    ):
        call.status = "error"
    call.status_message = facts.status_message or None
    if call.status != "error":
        return
    exception = _exception(facts.events)
    call.error_type = columns.get("error_type") or text(exception.get("exception.type"))
    if call.error_type is None and failed_http:
        call.error_type = str(http_status)
    if call.status_message is None:
        call.status_message = columns.get("error_message") or text(exception.get("exception.message"))


def _exception(events: Any) -> Mapping[str, object]:  # noqa: ANN401 - a sequence of EventFacts
    found: Mapping[str, object] = {}
    event: EventFacts
    for event in events:
        if event.name == "exception":
            found = event.attributes
    return found
