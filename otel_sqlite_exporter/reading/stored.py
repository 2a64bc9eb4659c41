"""Spans as they are stored, page by page in the order of commit: for whoever hands them on whole."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import as_int, as_text, build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value

_ROW_BYTES: Final = 600
"""What the columns of a row take besides its texts, about."""

_ONE_STATEMENT: Final = 900
"""Parameters of one statement: SQLite before 3.32 takes 999."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """One message of a span: a row of ``span_messages`` with its ``messages``."""

    direction: str
    role: str | None = None
    text: str | None = None
    parts: str | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSpan:
    """A row of ``spans``, whole, with its resource, its scope and its messages.

    Args:
        duplicate_of_span: The OpenTelemetry span id of the row that stands for this call; None for a row that counts.
        duplicate_of_trace: That row's trace.
        has_raw_content: Whether ``attributes`` hold what the emitter wrote of the messages (``keep_raw_content``).
        messages: In reading order: system, input, output.
    """

    id: int
    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    parent_is_remote: bool = False
    trace_state: str | None = None
    trace_flags: int = 1
    name: str = ""
    otel_kind: str = "INTERNAL"
    kind: str = "other"
    operation: str | None = None
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    status: str = "unset"
    otel_status: str = "unset"
    status_message: str | None = None
    error_type: str | None = None
    convention: str | None = None
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    finish_reasons: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    cost_source: str | None = None
    time_to_first_token_ms: float | None = None
    streaming: bool | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    agent_name: str | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None
    duplicate_of: int | None = None
    duplicate_of_span: str | None = None
    duplicate_of_trace: str | None = None
    shown_in_trace_id: str | None = None
    resource_id: int = 0
    scope_id: int = 0
    recorder_id: int = 0
    has_raw_content: bool = False
    attributes: str = "{}"
    events: str = "[]"
    links: str = "[]"
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0
    truncated_bytes: int = 0
    resource_attributes: str = "{}"
    resource_schema_url: str = ""
    service_name: str | None = None
    scope_name: str = ""
    scope_version: str = ""
    scope_schema_url: str = ""
    scope_attributes: str = "{}"
    messages: Sequence[StoredMessage] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """How far somebody has read.

    Args:
        span_id: ``spans.id`` up to which every row was read.
        change_seq: ``span_changes.seq`` up to which every change was seen.
    """

    span_id: int = 0
    change_seq: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """What is next for somebody who has read up to a place.

    Args:
        spans: Changed rows, or new ones; never both.
        after: The place to be at once they are dealt with.
        is_amendment: Whether the rows were read before, and changed since.
        held_back: New rows that are in the file but have to settle first, as far as was looked.
    """

    spans: Sequence[StoredSpan]
    after: Place
    is_amendment: bool = False
    held_back: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRules:
    """What goes on a page.

    Args:
        max_spans: Rows of one page.
        max_bytes: Bytes of texts of one page, about; a row that is larger alone is a page.
        since: Rows that started before, in Unix nanoseconds, are passed over.
        settled_before: Rows that ended later, in Unix nanoseconds, and whose trace has no root yet, have to wait, and
            all behind them; None where nothing waits.
        now: Rows that ended later than that have not: a clock was changed, and nobody waits for it.
    """

    max_spans: int = 512
    max_bytes: int = 3_000_000
    since: int | None = None
    settled_before: int | None = None
    now: int = (1 << 63) - 1


_DERIVED: Final = {
    "duplicate_of_span": "(SELECT d.span_id FROM spans d WHERE d.id = s.duplicate_of)",
    "duplicate_of_trace": "(SELECT d.trace_id FROM spans d WHERE d.id = s.duplicate_of)",
    "has_raw_content": "(SELECT json_extract(c.settings, '$.keep_raw_content') FROM recorders c"
    " WHERE c.id = s.recorder_id AND json_valid(c.settings))",
    "resource_attributes": "r.attributes",
    "resource_schema_url": "r.schema_url",
    "service_name": "r.service_name",
    "scope_name": "c.name",
    "scope_version": "c.version",
    "scope_schema_url": "c.schema_url",
    "scope_attributes": "c.attributes",
}
_COLUMNS: Final = tuple(field.name for field in fields(StoredSpan) if field.name != "messages")
_SOURCES: Final = {name: _DERIVED.get(name, f"s.{name}") for name in _COLUMNS}
_SELECT: Final = (
    f"SELECT {', '.join(f'{_SOURCES[name]} AS {name}' for name in _COLUMNS)} FROM spans s "
    "JOIN resources r ON r.id = s.resource_id JOIN scopes c ON c.id = s.scope_id"
)
_MESSAGES: Final = (
    "SELECT sm.span_id, sm.direction, m.role, m.text, m.parts, sm.finish_reason "
    "FROM span_messages sm JOIN messages m ON m.id = sm.message_id"
)
_IN_READING_ORDER: Final = (
    "ORDER BY sm.span_id, CASE sm.direction WHEN 'system' THEN 0 WHEN 'input' THEN 1 ELSE 2 END, sm.position"
)
_SIZE: Final = (
    f"{_ROW_BYTES} + length(s.attributes) + length(s.events) + length(s.links) + coalesce((SELECT sum("
    "m.kept_bytes + coalesce(length(m.parts), 0)) FROM span_messages sm "
    "JOIN messages m ON m.id = sm.message_id WHERE sm.span_id = s.id), 0)"
)
_IS_SETTLED: Final = (
    "(:settled_before IS NULL OR s.end_time_unix_nano NOT BETWEEN :settled_before AND :now "
    "OR EXISTS (SELECT 1 FROM spans root WHERE root.trace_id = s.trace_id "
    "AND (root.parent_span_id IS NULL OR root.parent_is_remote = 1)))"
)
_NEW: Final = (
    f"SELECT s.id, {_SIZE}, {_IS_SETTLED}, s.start_time_unix_nano FROM spans s "
    "WHERE s.id > :after ORDER BY s.id LIMIT :limit"
)
_CHANGED: Final = (
    f"SELECT c.seq, s.id, {_SIZE}, s.start_time_unix_nano FROM span_changes c LEFT JOIN spans s ON s.id = c.span_id "
    "WHERE c.seq > :seq AND c.span_id <= :last ORDER BY c.seq LIMIT :limit"
)


def next_page(connection: ReadConnection, place: Place, rules: PageRules) -> Page:
    """Return what is next after a place, read in one transaction: changed rows first, then new ones.

    Where nothing that was read has changed, every change so far is of rows that are still to come: these are read as
    they are by then, so that the place moves past all of them.

    Args:
        connection: The file.
        place: How far everything was read.
        rules: What goes on a page.
    """
    with connection.snapshot():
        last_seq = max(place.change_seq, last_change(connection))
        changed = connection.rows(
            _CHANGED, {"seq": place.change_seq, "last": place.span_id, "limit": 8 * rules.max_spans}
        )
        if changed:
            return _changed_page(connection, place, rules, changed)
        return _new_page(connection, place, rules, last_seq)


def spans_between(connection: ReadConnection, first: int, last: int) -> list[StoredSpan]:
    """Return the rows whose ids are in a range, both ends included, in order."""
    names, rows = connection.table(f"{_SELECT} WHERE s.id BETWEEN ? AND ? ORDER BY s.id", (first, last))
    messages = connection.rows(f"{_MESSAGES} WHERE sm.span_id BETWEEN ? AND ? {_IN_READING_ORDER}", (first, last))
    return _built(names, rows, messages)


def waiting_after(connection: ReadConnection, place: Place) -> int:
    """Return how many rows are to come after a place, new and changed, at most."""
    found = connection.row(
        "SELECT (SELECT count(*) FROM spans WHERE id > :id) + "
        "(SELECT count(DISTINCT span_id) FROM span_changes WHERE seq > :seq AND span_id <= :id)",
        {"id": place.span_id, "seq": place.change_seq},
    )
    return as_int(found[0]) or 0 if found else 0


def place_of(connection: ReadConnection, name: str) -> Place:
    """Return how far the outbox of a name has come; the beginning where there is none."""
    found = connection.row("SELECT last_span_id, last_change_seq FROM outboxes WHERE name = ?", (name,))
    return Place(as_int(found[0]) or 0, as_int(found[1]) or 0) if found else Place()


def last_change(connection: ReadConnection) -> int:
    """Return the seq of the last change, 0 where nothing has changed."""
    found = connection.row("SELECT max(seq) FROM span_changes")
    return as_int(found[0]) or 0 if found else 0


def spans_up_to(connection: ReadConnection, last: int, *, limit: int) -> list[StoredSpan]:
    """Return the last rows up to an id, in order."""
    found = connection.rows("SELECT id FROM spans WHERE id <= ? ORDER BY id DESC LIMIT ?", (last, limit))
    return spans_with_ids(connection, sorted(as_int(row[0]) or 0 for row in found))


def identity(connection: ReadConnection) -> str | None:
    """Return which file it is."""
    found = connection.row("SELECT file_id FROM file")
    return as_text(found[0]) if found else None


def first_id_since(connection: ReadConnection, since: int) -> int | None:
    """Return the lowest id of a row that started at a time or later, None where there is none."""
    found = connection.row("SELECT min(id) FROM spans WHERE start_time_unix_nano >= ?", (since,))
    return as_int(found[0]) if found else None


def _new_page(connection: ReadConnection, place: Place, rules: PageRules, last_seq: int) -> Page:
    rows = connection.rows(
        _NEW,
        {
            "after": place.span_id,
            "limit": rules.max_spans,
            "settled_before": rules.settled_before,
            "now": rules.now,
        },
    )
    chosen: list[int] = []
    last, size, held_back = place.span_id, 0, 0
    for number, (found, row_size, is_settled, start) in enumerate(rows):
        size += as_int(row_size) or 0
        if not is_settled:
            held_back = len(rows) - number
            break
        if chosen and size > rules.max_bytes:
            break
        last = as_int(found) or 0
        if _is_wanted(rules, start):
            chosen.append(last)
    wanted = set(chosen)
    spans = [span for span in spans_between(connection, chosen[0], chosen[-1]) if span.id in wanted] if chosen else []
    return Page(spans, Place(last, last_seq if last > place.span_id else place.change_seq), held_back=held_back)


def _changed_page(
    connection: ReadConnection, place: Place, rules: PageRules, changed: Sequence[tuple[Value, ...]]
) -> Page:
    chosen: dict[int, None] = {}
    last, size = place.change_seq, 0
    for seq, found, row_size, start in changed:
        number = as_int(found)
        if number is not None and number not in chosen and _is_wanted(rules, start):
            size += as_int(row_size) or 0
            if chosen and (size > rules.max_bytes or len(chosen) == rules.max_spans):
                break
            chosen[number] = None
        last = as_int(seq) or 0
    return Page(spans_with_ids(connection, sorted(chosen)), Place(place.span_id, last), is_amendment=True)


def _is_wanted(rules: PageRules, start: Value) -> bool:
    return rules.since is None or (as_int(start) or 0) >= rules.since


def spans_with_ids(connection: ReadConnection, ids: Sequence[int]) -> list[StoredSpan]:
    """Return some rows by their ids, however many; in the order of the ids, where these are sorted."""
    spans: list[StoredSpan] = []
    for at in range(0, len(ids), _ONE_STATEMENT):
        some = ids[at : at + _ONE_STATEMENT]
        marks = ", ".join("?" * len(some))
        names, rows = connection.table(f"{_SELECT} WHERE s.id IN ({marks}) ORDER BY s.id", some)
        messages = connection.rows(f"{_MESSAGES} WHERE sm.span_id IN ({marks}) {_IN_READING_ORDER}", some)
        spans += _built(names, rows, messages)
    return spans


def _built(
    names: Sequence[str], rows: Sequence[tuple[Value, ...]], messages: Sequence[tuple[Value, ...]]
) -> list[StoredSpan]:
    by_span: defaultdict[object, list[StoredMessage]] = defaultdict(list)
    for span_id, *message in messages:
        by_span[span_id].append(build(StoredMessage, _MESSAGE_COLUMNS, message))
    at = names.index("id")
    return [build(StoredSpan, names, row, messages=by_span.get(row[at], ())) for row in rows]


_MESSAGE_COLUMNS: Final = ("direction", "role", "text", "parts", "finish_reason")
