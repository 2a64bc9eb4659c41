"""Calls that several processes report, each into a file of its own: found once their files are one.

The rules are those by which a recorder finds the reports of one process. What it found stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.calls.duplicates import Duplicate, RecentCalls
from otel_sqlite_exporter.calls.report import CALL_KINDS, CallReport, SpanKey
from otel_sqlite_exporter.database.completion import Completions, Row, row_of
from otel_sqlite_exporter.ids import span_key_text, uuid_to_trace_id
from otel_sqlite_exporter.reading.connection import ReadConnection
from otel_sqlite_exporter.reading.stored import StoredSpan, spans_with_ids

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from otel_sqlite_exporter.database.rows import RowKey

_COMPARED_CHARACTERS: Final = 2048
_SPANS_AT_ONCE: Final = 4_000

# One trace of two processes, or one response that two processes report: else two calls are two.
_CANDIDATES: Final = (
    "SELECT trace_id, id FROM spans WHERE trace_id IN "
    "(SELECT trace_id FROM spans GROUP BY trace_id HAVING min(recorder_id) <> max(recorder_id)) "
    "UNION SELECT response_id, id FROM spans WHERE response_id IN (SELECT response_id FROM spans "
    "WHERE response_id IS NOT NULL GROUP BY response_id HAVING min(recorder_id) <> max(recorder_id)) ORDER BY 1, 2"
)


def link_reports(connection: sqlite3.Connection, path: str) -> int:
    """Find the calls that were reported by several processes, and have one row stand for each.

    Args:
        connection: The file, open for writing, without a transaction.
        path: The same, to read from.

    Returns:
        How many reports turned out to be second ones.
    """
    reader = ReadConnection(path, seconds=None, busy_seconds=60.0)
    linked = 0
    try:
        for ids in _groups(connection):
            rows = spans_with_ids(reader, ids)
            links = [link for link in _reports(rows) if link.inner is not None]
            if links:
                connection.execute("BEGIN IMMEDIATE")
                recorders = {span_key_text(_key(row)): row.recorder_id for row in rows}
                linked += sum(_link(connection, link, recorders) for link in links)
                connection.execute("COMMIT")
    finally:
        reader.close()
    return linked


def _groups(connection: sqlite3.Connection) -> Iterator[list[int]]:
    """Yield the ids of rows that may report one call, whole traces and responses, not too many at once."""
    group: dict[int, None] = {}
    last = None
    for word, row_id in connection.execute(_CANDIDATES).fetchall():
        if word != last and len(group) >= _SPANS_AT_ONCE:
            yield list(group)
            group = {}
        group[row_id] = None
        last = word
    if group:
        yield list(group)


def _reports(rows: Sequence[StoredSpan]) -> list[Duplicate]:
    recent = RecentCalls(capacity=2 * _SPANS_AT_ONCE)
    found: dict[SpanKey, Duplicate] = {}
    for row in sorted(rows, key=lambda row: (row.end_time_unix_nano, -row.start_time_unix_nano, row.id)):
        parent = int(row.parent_span_id, 16) if row.parent_span_id else None
        if row.kind in CALL_KINDS:
            news = recent.observe(_report(row, parent))
        else:
            news = recent.observe_span(recent.descent.add(_key(row), parent, row.kind)[1])
        found.update((duplicate.outer, duplicate) for duplicate in news)
    return list(found.values())


def _link(connection: sqlite3.Connection, link: Duplicate, recorders: dict[RowKey, int]) -> bool:
    """Have a row be a second report, where it stood for itself so far and the other one is of another process."""
    if link.inner is None:
        return False
    outer_key, inner_key = span_key_text(link.outer), span_key_text(link.inner)
    if recorders.get(outer_key) == recorders.get(inner_key):
        return False
    outer, inner = row_of(connection, outer_key), _standing(connection, inner_key)
    if outer is None or inner is None or inner.id == outer.id or not _stands(connection, outer.id):
        return False
    connection.execute(
        "UPDATE spans SET duplicate_of = ? WHERE id = ? OR duplicate_of = ?", (inner.id, outer.id, outer.id)
    )
    if link.is_complete:
        Completions().complete(connection, outer, inner)
    if outer_key[0] != inner_key[0]:
        connection.execute(
            "UPDATE spans SET shown_in_trace_id = coalesce((SELECT shown_in_trace_id FROM spans WHERE id = ?), ?) "
            "WHERE id = ?",
            (outer.id, outer_key[0], inner.id),
        )
    return True


def _standing(connection: sqlite3.Connection, key: RowKey) -> Row | None:
    """Return the row that stands for the call that a span reports."""
    found = connection.execute(
        "SELECT coalesce(d.trace_id, s.trace_id), coalesce(d.span_id, s.span_id) FROM spans s "
        "LEFT JOIN spans d ON d.id = s.duplicate_of WHERE s.trace_id = ? AND s.span_id = ?",
        key,
    ).fetchone()
    return None if found is None else row_of(connection, (found[0], found[1]))


def _stands(connection: sqlite3.Connection, row_id: int) -> bool:
    found = connection.execute("SELECT duplicate_of IS NULL FROM spans WHERE id = ?", (row_id,)).fetchone()
    return bool(found and found[0])


def _key(row: StoredSpan) -> SpanKey:
    return uuid_to_trace_id(row.trace_id), int(row.span_id, 16)


def _report(row: StoredSpan, parent: int | None) -> CallReport:
    asked = [m.text for m in row.messages if m.direction == "input" and m.role in {"user", None} and m.text]
    answered = [m.text for m in row.messages if m.direction == "output" and m.text]
    return CallReport(
        key=_key(row),
        parent_span_id=parent,
        scope_name=row.scope_name,
        start=row.start_time_unix_nano,
        end=row.end_time_unix_nano,
        kind=row.kind,
        provider=row.provider,
        request_model=row.request_model,
        response_model=row.response_model,
        response_id=row.response_id,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cached_tokens=(row.cache_read_tokens or 0) + (row.cache_write_tokens or 0),
        reasoning_tokens=row.reasoning_tokens or 0,
        is_failed=row.status == "error",
        has_output=any(m.direction == "output" for m in row.messages),
        prompt=asked[-1][:_COMPARED_CHARACTERS] if asked else None,
        answer=" ".join(answered)[:_COMPARED_CHARACTERS] or None,
    )
