"""Many files into one, slice by slice: each is a transaction, and what is there already is left as it is.

A span is known by its ids, a message by its hash, a recorder by its uuid: to merge a file again, or to go on after an
interruption, adds what is missing and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.completion import FACT_COLUMNS
from otel_sqlite_exporter.database.connection import DatabaseRefusedError, open_for_writing, rollback
from otel_sqlite_exporter.database.schema import COUNT_COLUMNS, SPAN_COLUMNS, USAGE_SUMS
from otel_sqlite_exporter.reading.building import as_int
from otel_sqlite_exporter.reading.connection import ReadConnection
from otel_sqlite_exporter.sending.failures import SendingError
from otel_sqlite_exporter.sending.reported_twice import link_reports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_SLICE: Final = 2_000
_BUSY_MILLISECONDS: Final = 60_000
_MAPPED: Final = ("id", "duplicate_of", "resource_id", "scope_id", "recorder_id")
_COPIED: Final = tuple(column for column in SPAN_COLUMNS if column not in _MAPPED)
_RECORDER: Final = (
    "uuid",
    "pid",
    "host_name",
    "version",
    "settings",
    "started_unix_nano",
    "last_heartbeat_unix_nano",
    "idle",
    "ended_unix_nano",
    "clean_exit",
    *COUNT_COLUMNS,
    "last_error",
)

_RESOURCES: Final = (
    "INSERT OR IGNORE INTO resources (attributes, schema_url, service_name) "
    "SELECT attributes, schema_url, service_name FROM source.resources"
)
_SCOPES: Final = (
    "INSERT OR IGNORE INTO scopes (name, version, schema_url, attributes) "
    "SELECT name, version, schema_url, attributes FROM source.scopes"
)
_RECORDERS: Final = (
    f"INSERT INTO recorders ({', '.join(_RECORDER)}) SELECT {', '.join(_RECORDER)} FROM source.recorders WHERE true "
    f"ON CONFLICT (uuid) DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in _RECORDER[5:])} "
    "WHERE excluded.last_heartbeat_unix_nano > last_heartbeat_unix_nano"
)
_TEMPORARY: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS slice (source_id INTEGER PRIMARY KEY, id INTEGER, is_new INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS temp.slice_id ON slice (id)",
)
_CHOOSE: Final = (
    "INSERT INTO slice (source_id, id, is_new) SELECT s.id, m.id, m.id IS NULL FROM source.spans s "
    "LEFT JOIN main.spans m ON m.trace_id = s.trace_id AND m.span_id = s.span_id "
    "WHERE s.id > ? ORDER BY s.id LIMIT ?"
)
_INSERT: Final = (
    f"INSERT INTO spans ({', '.join(_COPIED)}, resource_id, scope_id, recorder_id) "
    f"SELECT {', '.join(f's.{column}' for column in _COPIED)}, r.id, c.id, o.id "
    "FROM slice JOIN source.spans s ON s.id = slice.source_id "
    "JOIN source.resources sr ON sr.id = s.resource_id JOIN source.scopes sc ON sc.id = s.scope_id "
    "JOIN source.recorders so ON so.id = s.recorder_id "
    "JOIN main.resources r ON r.attributes = sr.attributes AND r.schema_url = sr.schema_url "
    "JOIN main.scopes c ON c.name = sc.name AND c.version = sc.version AND c.schema_url = sc.schema_url "
    "AND c.attributes = sc.attributes JOIN main.recorders o ON o.uuid = so.uuid "
    "WHERE slice.is_new ORDER BY s.id"
)
_FIND: Final = (
    "UPDATE slice SET id = (SELECT m.id FROM source.spans s JOIN main.spans m ON m.trace_id = s.trace_id "
    "AND m.span_id = s.span_id WHERE s.id = slice.source_id) WHERE is_new"
)
_FILL: Final = (
    f"UPDATE spans SET ({', '.join(FACT_COLUMNS)}) = "
    f"(SELECT {', '.join(f'coalesce(spans.{column}, s.{column})' for column in FACT_COLUMNS)} "
    "FROM slice JOIN source.spans s ON s.id = slice.source_id WHERE slice.id = spans.id) "
    "WHERE id IN (SELECT m.id FROM slice JOIN main.spans m ON m.id = slice.id "
    "JOIN source.spans s ON s.id = slice.source_id WHERE NOT slice.is_new AND ("
    + " OR ".join(f"(m.{column} IS NULL AND s.{column} IS NOT NULL)" for column in FACT_COLUMNS)
    + "))"
)
_MESSAGES: Final = (
    "INSERT INTO messages (hash, role, text, parts, full_bytes, kept_bytes) "
    "SELECT hash, role, text, parts, full_bytes, kept_bytes FROM source.messages WHERE id IN "
    "(SELECT message_id FROM source.span_messages WHERE span_id IN (SELECT source_id FROM slice)) "
    "ON CONFLICT (hash) DO UPDATE SET text = excluded.text, parts = excluded.parts, "
    "kept_bytes = excluded.kept_bytes WHERE excluded.kept_bytes > kept_bytes"
)
# A direction that has messages already keeps them: lists of two states must not be mixed.
_MESSAGE_LINKS: Final = (
    "INSERT INTO span_messages (span_id, direction, position, message_id, finish_reason) "
    "SELECT slice.id, sm.direction, sm.position, m.id, sm.finish_reason FROM slice "
    "JOIN source.span_messages sm ON sm.span_id = slice.source_id JOIN source.messages x ON x.id = sm.message_id "
    "JOIN main.messages m ON m.hash = x.hash WHERE slice.is_new OR NOT EXISTS (SELECT 1 FROM main.span_messages k "
    "WHERE k.span_id = slice.id AND k.direction = sm.direction)"
)
_USAGE: Final = (
    f"INSERT INTO usage (day, provider, model, {', '.join(USAGE_SUMS)}) "
    f"SELECT day, provider, model, {', '.join(f'sum({column})' for column in USAGE_SUMS)} FROM span_usage "
    "WHERE id IN (SELECT id FROM slice WHERE is_new) GROUP BY day, provider, model "
    "ON CONFLICT (day, provider, model) DO UPDATE SET "
    + ", ".join(f"{column} = {column} + excluded.{column}" for column in USAGE_SUMS)
)
# The report that a row stands for may come in another slice, and from another file: both are found by their ids.
_LINKS: Final = (
    "SELECT outer_row.id, inner_row.id FROM source.spans s JOIN source.spans i ON i.id = s.duplicate_of "
    "JOIN main.spans outer_row ON outer_row.trace_id = s.trace_id AND outer_row.span_id = s.span_id "
    "JOIN main.spans inner_row ON inner_row.trace_id = i.trace_id AND inner_row.span_id = i.span_id "
    "WHERE outer_row.duplicate_of IS NULL AND s.id IN (SELECT source_id FROM slice UNION SELECT d.id "
    "FROM source.spans d WHERE d.duplicate_of IN (SELECT source_id FROM slice))"
)


@dataclass(slots=True)
class Merged:
    """What merging a file did.

    Args:
        spans: Spans that it has.
        new: How many of them were not there before.
        duplicates: Calls that were found to be reported in several files.
    """

    spans: int = 0
    new: int = 0
    duplicates: int = 0


def merge_files(
    out: str, inputs: Sequence[str], *, merged: Callable[[str, Merged], None], advance: Callable[[int], None]
) -> None:
    """Bring everything that is in some files into another one.

    Args:
        out: The file; made where there is none, added to where there is one.
        inputs: The files that are read. They may be recorded into meanwhile.
        merged: Told what came of each file once it is done, and of calls that several files report (of ``out``).
        advance: Told how many spans of the inputs were dealt with.

    Raises:
        SendingError: A file can't be merged; everything up to the last slice is in ``out``.
        ReadingError: An input is not one of ours.
    """
    for path in inputs:
        ReadConnection(path, seconds=None, busy_seconds=1.0).close()
        if os.path.exists(out) and os.path.samefile(path, out):  # noqa: PTH110, PTH121 - os.stat keeps SQLite's locks
            raise SendingError(f"{path} can't be merged into itself")
    try:
        _, connection = open_for_writing(os.path.abspath(out))  # noqa: PTH100 - as everywhere, without links resolved
    except (DatabaseRefusedError, sqlite3.Error, OSError) as error:
        raise SendingError(f"{out}: {error}") from None
    with contextlib.closing(connection):
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        for statement in _TEMPORARY:
            connection.execute(statement)
        total = Merged()
        for path in inputs:
            try:
                found = _merge(connection, path, advance)
            except sqlite3.Error as error:
                raise SendingError(f"{path}: {error}; what was merged so far stays, do it again to go on") from None
            total.new += found.new
            merged(path, found)
        if total.new:
            total.duplicates = link_reports(connection, out)
            merged(out, total)


def count_spans(path: str) -> int:
    """Return how many spans a file has to merge, about: the ids from the first to the last one.

    Raises:
        ReadingError: It is not one of ours.
    """
    connection = ReadConnection(path, seconds=None, busy_seconds=1.0)
    try:
        found = connection.row("SELECT coalesce(max(id) - min(id) + 1, 0) FROM spans")
    finally:
        connection.close()
    return as_int(found[0]) or 0 if found else 0


def _merge(connection: sqlite3.Connection, path: str, advance: Callable[[int], None]) -> Merged:
    uri = f"file:{urllib.parse.quote(os.fsencode(os.path.abspath(path)))}?mode=ro"  # noqa: PTH100 - as above
    connection.execute("ATTACH ? AS source", (uri,))
    result = Merged()
    try:
        after = 0
        while True:
            with _transaction(connection):
                for statement in (_RESOURCES, _SCOPES, _RECORDERS):
                    connection.execute(statement)
                connection.execute("DELETE FROM slice")
                connection.execute(_CHOOSE, (after, _SLICE))
                count, new, last = connection.execute(
                    "SELECT count(*), coalesce(sum(is_new), 0), max(source_id) FROM slice"
                ).fetchone()
                if not count:
                    return result
                _merge_slice(connection, has_new=new > 0)
            after = last
            result.spans += count
            result.new += new
            advance(count)
    finally:
        connection.execute("DETACH source")


def _merge_slice(connection: sqlite3.Connection, *, has_new: bool) -> None:
    if has_new:
        connection.execute(_INSERT)
        connection.execute(_FIND)
    connection.execute(_FILL)
    connection.execute(_MESSAGES)
    connection.execute(_MESSAGE_LINKS)
    if has_new:
        connection.execute(_USAGE)
    for outer, inner in connection.execute(_LINKS).fetchall():
        connection.execute("UPDATE spans SET duplicate_of = ? WHERE id = ?", (inner, outer))


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        rollback(connection)
        raise
