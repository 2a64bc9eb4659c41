"""The statements of one transaction: span records become rows, every message once.

Only a few statements per batch, because ``sqlite3`` gives the GIL away at every row of ``executemany``, and a busy
application then takes 5 ms to give it back: ``python -m benchmarks lossless`` shows the difference.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from otel_sqlite_exporter.changes import Amendment, Change
from otel_sqlite_exporter.conversion import SpanRecord
from otel_sqlite_exporter.schema import MAY_BE_NULL, MESSAGE_COLUMNS, SPAN_COLUMNS, SPAN_MESSAGE_COLUMNS, USAGE_SUMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otel_sqlite_exporter.provenance import ResourceRow, ScopeRow
    from otel_sqlite_exporter.text import MessageRow

# SQLite before 3.32 takes 999 parameters in one statement.
_MAX_PARAMETERS: Final = 32_000 if sqlite3.sqlite_version_info >= (3, 32) else 999
_SPANS_IN_ONE_STATEMENT: Final = _MAX_PARAMETERS // len(SPAN_COLUMNS)
_CACHED_MESSAGES: Final = 4096
_OR_NULL: Final = "nullif(?, '')"
_T = TypeVar("_T")

_ADD_USAGE: Final = (
    f"INSERT INTO usage SELECT day, provider, model, {', '.join(f'sum({column})' for column in USAGE_SUMS)} "
    "FROM span_usage WHERE id > ? GROUP BY day, provider, model ON CONFLICT (day, provider, model) DO UPDATE SET "
    + ", ".join(f"{column} = {column} + excluded.{column}" for column in USAGE_SUMS)
)


@dataclass(slots=True)
class Batch:
    """What one transaction writes: first the records, then the changes, some of which refer to them."""

    records: list[SpanRecord] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def steps(self) -> list[SpanRecord | Change]:
        """Everything that is written, in order."""
        return [*self.records, *self.changes]


class Statements:
    """Write records, and remember the ids of what repeats: resources, scopes and the messages seen last.

    The ids hold as long as no other connection changes the file; :meth:`forget` is called when one did, and whenever a
    transaction is rolled back.
    """

    def __init__(self) -> None:
        self._resources: dict[ResourceRow, int] = {}
        self._scopes: dict[ScopeRow, int] = {}
        self._messages: OrderedDict[bytes, int] = OrderedDict()

    def forget(self) -> None:
        """Forget every id."""
        self._resources.clear()
        self._scopes.clear()
        self._messages.clear()

    def write(self, connection: sqlite3.Connection, step: SpanRecord | Change, recorder_id: int) -> None:
        """Write one step of a batch."""
        if isinstance(step, SpanRecord):
            self.insert(connection, [step], recorder_id)
        elif isinstance(step, Amendment):
            self._amend(connection, step)
        else:
            step.apply(connection)

    def insert(self, connection: sqlite3.Connection, records: Sequence[SpanRecord], recorder_id: int) -> None:
        """Insert the records whose span has no row yet."""
        if not records:
            return
        (last_id,) = connection.execute(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'spans'), 0)"
        ).fetchone()
        new = records
        try:
            if len(new) > _SPANS_IN_ONE_STATEMENT:
                new = self._without_known(connection, new)
            self._insert_spans(connection, new, last_id, recorder_id)
        except sqlite3.IntegrityError:
            # Looking for known spans first would cost every batch a tenth of its time (python -m benchmarks cpu).
            new = self._without_known(connection, new)
            self._insert_spans(connection, new, last_id, recorder_id)
        message_ids = self._message_ids(connection, [link.message for record in new for link in record.messages])
        links: list[object] = []
        for span_id, record in enumerate(new, last_id + 1):
            for link in record.messages:
                links += (span_id, link.direction, link.position, message_ids[link.message.hash], link.finish_reason)
        _insert_rows(connection, "span_messages", SPAN_MESSAGE_COLUMNS, links)
        connection.execute(_ADD_USAGE, (last_id,))
        self._remember(message_ids)

    def _insert_spans(
        self, connection: sqlite3.Connection, records: Sequence[SpanRecord], last_id: int, recorder_id: int
    ) -> None:
        values: list[object] = []
        for span_id, record in enumerate(records, last_id + 1):
            values += (span_id, record.trace_id, record.span_id)
            values += record.identity
            values += record.facts
            values += (None, self._resource_id(connection, record.resource), self._scope_id(connection, record.scope))
            values.append(recorder_id)
            values += record.details
        _insert_rows(connection, "spans", SPAN_COLUMNS, values)

    @staticmethod
    def _without_known(connection: sqlite3.Connection, records: Sequence[SpanRecord]) -> list[SpanRecord]:
        """Return the records whose span is neither in the file nor earlier in the batch."""
        unique = {(record.trace_id, record.span_id): record for record in reversed(records)}
        keys = list(unique)
        known: set[tuple[str, str]] = set()
        for chunk in _chunks(keys, _MAX_PARAMETERS // 2):
            known.update(
                connection.execute(
                    "SELECT trace_id, span_id FROM spans WHERE (trace_id, span_id) IN "
                    f"(VALUES {', '.join(['(?, ?)'] * len(chunk))})",
                    [value for key in chunk for value in key],
                )
            )
        return [record for key, record in reversed(unique.items()) if key not in known]

    def _message_ids(self, connection: sqlite3.Connection, messages: Iterable[MessageRow]) -> dict[bytes, int]:
        """Return the ids of messages by their hash, storing those that are new."""
        rows = {message.hash: message for message in messages}
        ids: dict[bytes, int] = {}
        unknown = []
        for digest in rows:
            message_id = self._messages.get(digest)
            if message_id is None:
                unknown.append(digest)
            else:
                ids[digest] = message_id
        for chunk in _chunks(unknown, _MAX_PARAMETERS):
            ids.update(
                connection.execute(
                    f"SELECT hash, id FROM messages WHERE hash IN ({', '.join('?' * len(chunk))})",
                    [bytearray(digest) for digest in chunk],
                )
            )
        new = [digest for digest in unknown if digest not in ids]
        if new:
            (last_id,) = connection.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()
            values: list[object] = []
            for message_id, digest in enumerate(new, last_id + 1):
                row = rows[digest]
                values += (message_id, bytearray(digest), row.role, row.text, row.parts, row.full_bytes, row.kept_bytes)
                ids[digest] = message_id
            _insert_rows(connection, "messages", MESSAGE_COLUMNS, values)
        return ids

    def _remember(self, message_ids: dict[bytes, int]) -> None:
        known = self._messages
        known.update(message_ids)
        while len(known) > _CACHED_MESSAGES:
            known.popitem(last=False)

    def _resource_id(self, connection: sqlite3.Connection, row: ResourceRow) -> int:
        resource_id = self._resources.get(row)
        if resource_id is None:
            connection.execute(
                "INSERT OR IGNORE INTO resources (attributes, schema_url, service_name) VALUES (?, ?, ?)",
                (row.attributes, row.schema_url, row.service_name),
            )
            (resource_id,) = connection.execute(
                "SELECT id FROM resources WHERE attributes = ?", (row.attributes,)
            ).fetchone()
            self._resources[row] = resource_id
        return resource_id

    def _scope_id(self, connection: sqlite3.Connection, row: ScopeRow) -> int:
        scope_id = self._scopes.get(row)
        if scope_id is None:
            key = (row.name, row.version, row.schema_url, row.attributes)
            connection.execute(
                "INSERT OR IGNORE INTO scopes (name, version, schema_url, attributes) VALUES (?, ?, ?, ?)", key
            )
            (scope_id,) = connection.execute(
                "SELECT id FROM scopes WHERE name = ? AND version = ? AND schema_url = ? AND attributes = ?", key
            ).fetchone()
            self._scopes[row] = scope_id
        return scope_id

    def _amend(self, connection: sqlite3.Connection, amendment: Amendment) -> None:
        span_id = amendment.apply(connection)
        if span_id is None:
            return
        if amendment.is_whole:
            connection.execute("DELETE FROM span_messages WHERE span_id = ?", (span_id,))
        present = {
            direction
            for (direction,) in connection.execute(
                "SELECT DISTINCT direction FROM span_messages WHERE span_id = ?", (span_id,)
            )
        }
        missing = [link for link in amendment.messages if link.direction not in present]
        ids = self._message_ids(connection, [link.message for link in missing])
        values: list[object] = []
        for link in missing:
            values += (span_id, link.direction, link.position, ids[link.message.hash], link.finish_reason)
        _insert_rows(connection, "span_messages", SPAN_MESSAGE_COLUMNS, values)
        self._remember(ids)


def _insert_rows(connection: sqlite3.Connection, table: str, columns: Sequence[str], values: Sequence[object]) -> None:
    """Insert rows, given as one flat sequence of values, in as few statements as SQLite's parameter limit allows."""
    width = len(columns)
    for chunk in _chunks(["" if value is None else value for value in values], _MAX_PARAMETERS // width * width):
        connection.execute(_insertion(table, columns, len(chunk) // width), chunk)


@lru_cache(maxsize=256)
def _insertion(table: str, columns: Sequence[str], rows: int) -> str:
    """Return the statement that inserts a number of rows.

    ``sqlite3`` takes ten times as long to bind None as to bind text: it looks for an adapter every time. Where a column
    may be NULL, the empty text stands for it (``python -m benchmarks cpu``).
    """
    row = f"({', '.join([_OR_NULL if column in MAY_BE_NULL else '?' for column in columns])})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"


def _chunks(items: Sequence[_T], size: int) -> Iterable[Sequence[_T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
