"""The templates, with what they need to show numbers and texts: for pages, and for files that need no server."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from otel_sqlite_exporter._version import __version__
from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.reading.blocks import media_bytes
from otel_sqlite_exporter.reading.moments import parse_moment
from otel_sqlite_exporter.web import charts, links, rendering

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_sqlite_exporter.reading import Call

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
        counted=units.counted,
        tokens=units.tokens,
        duration=units.duration,
        rate=units.rate,
        size=units.size,
        failure=units.failure,
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
