"""Write batches of span records: one transaction, few statements, every row once.

Only a few statements per batch, because ``sqlite3`` gives the GIL away at every row of ``executemany``, and a busy
application then takes 5 ms to give it back: ``python -m benchmarks lossless`` shows the difference.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from otel_sqlite_exporter.connection import Failure, failure_of, open_database, rollback
from otel_sqlite_exporter.conversion import MessageLink, ResourceRow, ScopeRow, SpanRecord
from otel_sqlite_exporter.ledger import Counts, LedgerRow
from otel_sqlite_exporter.retention import Retention
from otel_sqlite_exporter.schema import MESSAGE_COLUMNS, SPAN_COLUMNS, SPAN_MESSAGE_COLUMNS

# SQLite before 3.32 takes 999 parameters in one statement.
_MAX_PARAMETERS: Final = 32_000 if sqlite3.sqlite_version_info >= (3, 32) else 999
_CACHED_MESSAGES: Final = 4096
SpanKey: TypeAlias = tuple[str, str]
"""(trace_id, span_id) as the columns hold them."""

_FIRST_FACT: Final = SPAN_COLUMNS.index("provider")
_LAST_FACT: Final = SPAN_COLUMNS.index("tool_call_id")
_FACT_COLUMNS: Final = SPAN_COLUMNS[_FIRST_FACT : _LAST_FACT + 1]

_AMEND: Final = (
    f"UPDATE spans SET {', '.join(f'{column} = coalesce({column}, ?)' for column in _FACT_COLUMNS)} WHERE id = ?"
)
_COMPLETE_INNER: Final = (
    f"UPDATE spans SET ({', '.join(_FACT_COLUMNS)}) = "
    f"(SELECT {', '.join(f'coalesce(spans.{column}, o.{column})' for column in _FACT_COLUMNS)} "
    "FROM spans o WHERE o.id = ?1) WHERE id = ?2"
)
_COPY_MISSING_MESSAGES: Final = (
    "INSERT INTO span_messages SELECT ?2, direction, position, message_id, finish_reason FROM span_messages "
    "WHERE span_id = ?1 AND direction NOT IN (SELECT direction FROM span_messages WHERE span_id = ?2)"
)

# Connections that a forked child inherited, kept for as long as it lives.
_inherited: list[sqlite3.Connection] = []


@dataclass(frozen=True, slots=True)
class DuplicateLink:
    """Span ``outer`` reports the call that span ``inner`` stands for.

    Args:
        outer: The span whose ``duplicate_of`` is set.
        inner: The span it is set to; None when ``outer`` stands for itself after all.
        is_complete: Whether what ``inner`` left open is filled with what ``outer`` reported.
    """

    outer: SpanKey
    inner: SpanKey | None
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Amendment:
    """What became known of a span after it was read: its NULL columns are filled, missing messages added.

    Args:
        span: The span.
        facts: Columns ``provider`` to ``tool_call_id``.
        messages: Its messages; a direction that has some already is left alone.
    """

    span: SpanKey
    facts: tuple[object, ...]
    messages: Sequence[MessageLink]


@dataclass(slots=True)
class Batch:
    """What one transaction writes: first the records, then what refers to them."""

    records: list[SpanRecord] = field(default_factory=list)
    amendments: list[Amendment] = field(default_factory=list)
    duplicates: list[DuplicateLink] = field(default_factory=list)

    @property
    def steps(self) -> list[SpanRecord | Amendment | DuplicateLink]:
        """Everything that is written, in order."""
        return [*self.records, *self.amendments, *self.duplicates]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: how many of its records are in the file, how many could not be stored."""

    written: int
    failed: int
    error: Exception | None = None


class Database:
    """One connection to the file, opened at the first write. Used by one thread at a time.

    Args:
        path: Absolute path of the database file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._ledger = LedgerRow()
        self._resources: dict[ResourceRow, int] = {}
        self._scopes: dict[ScopeRow, int] = {}
        self._messages: OrderedDict[bytes, int] = OrderedDict()
        self._data_version = -1

    def write(self, batch: Batch, counts_after: Callable[[int, int], Counts]) -> Written:
        """Write a batch and the ledger in one transaction.

        Args:
            batch: What to write.
            counts_after: Called with (written, failed) inside the transaction; returns the process's cumulative counts.

        Raises:
            DatabaseRefusedError: The file must not be written.
            sqlite3.Error: Nothing of the batch was written; the caller may try again.
            OSError: As above.
        """
        connection = self._connect()
        try:
            result = self._transaction(connection, batch, counts_after)
        except Exception as error:
            rollback(connection)
            self._forget_ids()
            failure = failure_of(error)
            if failure is Failure.POISON and batch.records:
                return self._write_one_by_one(connection, batch, counts_after)
            if failure is not Failure.BUSY:
                self.close()
            raise
        if self._is_other_file():
            # The path was deleted or replaced under the open connection: what was just written went with the old
            # file. The new one gets it too; rows that are already there stay single.
            self.close()
            return self._transaction(self._connect(), batch, counts_after)
        return result

    def is_behind(self, counts: Counts) -> bool:
        """Tell whether the ledger in the file knows of fewer drops than ``counts``."""
        return self._ledger.is_behind(counts)

    def end(self, counts: Counts) -> None:
        """Write the last counts and that this process ended cleanly; do nothing where nothing was ever written.

        Raises:
            sqlite3.Error: The ledger could not be written.
        """
        if self.connection is None or self._is_other_file():
            return
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            self._ledger.write(self.connection, counts)
            self.connection.execute(
                "UPDATE recorders SET ended_unix_nano = ?, clean_exit = 1 WHERE id = ?",
                (time.time_ns(), self._ledger.recorder_id),
            )
            self.connection.execute("COMMIT")
        except BaseException:
            rollback(self.connection)
            raise

    def prune(self, retention: Retention) -> None:
        """Delete one slice of what has to go; do nothing where nothing was ever written.

        Raises:
            sqlite3.Error: Nothing of the slice was deleted.
        """
        if self.connection is not None:
            retention.prune(self.connection)
            self._forget_ids()  # of messages that may have gone: our own changes leave data_version as it is

    def close(self) -> None:
        """Close the connection; the next write opens another one."""
        connection, self.connection = self.connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def abandon(self) -> None:
        """Leave the connection alone for good, as a forked child must.

        Closing it would release locks and delete files that the parent still uses.
        """
        if self.connection is not None:
            _inherited.append(self.connection)
            self.connection = None

    def file_identity(self) -> tuple[int, ...] | None:
        """Return what tells one state of a broken file from another, None where there is no file."""
        try:
            info = os.stat(self.path)  # noqa: PTH116 - os.stat never takes SQLite's locks away
        except OSError:
            return None
        return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)

    def _connect(self) -> sqlite3.Connection:
        if self.connection is None:
            self.connection = open_database(self.path)
            info = os.stat(self.path)  # noqa: PTH116 - as above
            if self._file != (info.st_dev, info.st_ino):
                self._file = (info.st_dev, info.st_ino)
                self._ledger.start_new_file()
            self._forget_ids()
        return self.connection

    def _is_other_file(self) -> bool:
        try:
            info = os.stat(self.path)  # noqa: PTH116 - as above
        except OSError:
            return True
        return (info.st_dev, info.st_ino) != self._file or info.st_size == 0

    def _forget_ids(self) -> None:
        self._resources.clear()
        self._scopes.clear()
        self._messages.clear()

    def _transaction(
        self, connection: sqlite3.Connection, batch: Batch, counts_after: Callable[[int, int], Counts]
    ) -> Written:
        connection.execute("BEGIN IMMEDIATE")
        self._begin(connection)
        self._insert(connection, batch.records)
        for amendment in batch.amendments:
            self._amend(connection, amendment)
        for link in batch.duplicates:
            self._link_duplicate(connection, link)
        result = Written(len(batch.records), 0)
        self._ledger.write(connection, counts_after(result.written, result.failed))
        connection.execute("COMMIT")
        self._ledger.persisted()
        return result

    def _write_one_by_one(
        self, connection: sqlite3.Connection, batch: Batch, counts_after: Callable[[int, int], Counts]
    ) -> Written:
        """Write each record in a savepoint of its own, so that a value that can't be stored costs one row only."""
        written = failed = 0
        last_error: Exception | None = None
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._begin(connection)
            for step in batch.steps:
                connection.execute("SAVEPOINT one")
                try:
                    if isinstance(step, SpanRecord):
                        self._insert(connection, [step])
                        written += 1
                    elif isinstance(step, Amendment):
                        self._amend(connection, step)
                    else:
                        self._link_duplicate(connection, step)
                except Exception as error:
                    if failure_of(error) is not Failure.POISON:
                        raise
                    last_error = error
                    failed += isinstance(step, SpanRecord)
                    connection.execute("ROLLBACK TO one")
                    self._forget_ids()
                connection.execute("RELEASE one")
            self._ledger.write(connection, counts_after(written, failed))
            connection.execute("COMMIT")
        except BaseException:
            rollback(connection)
            self._forget_ids()
            raise
        self._ledger.persisted()
        return Written(written, failed, last_error)

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Forget ids that another connection may have changed, and register with the ledger."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._data_version:
            self._data_version = version
            self._forget_ids()
        self._ledger.register(connection)

    def _insert(self, connection: sqlite3.Connection, records: Sequence[SpanRecord]) -> None:
        if not records:
            return
        new = self._without_known(connection, records)
        if not new:
            return
        (last_id,) = connection.execute(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'spans'), 0)"
        ).fetchone()
        message_ids = self._message_ids(connection, [link.message for record in new for link in record.messages])
        recorder_id = self._ledger.recorder_id
        spans: list[object] = []
        links: list[object] = []
        for span_id, record in enumerate(new, last_id + 1):
            spans += (span_id, record.trace_id, record.span_id)
            spans += record.identity
            spans += record.facts
            spans += (None, self._resource_id(connection, record.resource), self._scope_id(connection, record.scope))
            spans.append(recorder_id)
            spans += record.details
            for link in record.messages:
                links += (span_id, link.direction, link.position, message_ids[link.message.hash], link.finish_reason)
        _insert_rows(connection, "spans", SPAN_COLUMNS, spans)
        _insert_rows(connection, "span_messages", SPAN_MESSAGE_COLUMNS, links)
        self._remember(message_ids)

    @staticmethod
    def _without_known(connection: sqlite3.Connection, records: Sequence[SpanRecord]) -> list[SpanRecord]:
        """Return the records whose span is neither in the file nor earlier in the batch."""
        unique = {(record.trace_id, record.span_id): record for record in reversed(records)}
        keys = list(unique)
        known: set[SpanKey] = set()
        for chunk in _chunks(keys, _MAX_PARAMETERS // 2):
            known.update(
                connection.execute(
                    "SELECT trace_id, span_id FROM spans WHERE (trace_id, span_id) IN "
                    f"(VALUES {', '.join(['(?, ?)'] * len(chunk))})",
                    [value for key in chunk for value in key],
                )
            )
        return [record for key, record in reversed(unique.items()) if key not in known]

    def _message_ids(self, connection: sqlite3.Connection, messages: Iterable[object]) -> dict[bytes, int]:
        """Return the ids of messages by their hash, storing those that are new."""
        rows = {message.hash: message for message in messages}  # type: ignore[attr-defined]
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
                    chunk,
                )
            )
        new = [digest for digest in unknown if digest not in ids]
        if new:
            (last_id,) = connection.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()
            values: list[object] = []
            for message_id, digest in enumerate(new, last_id + 1):
                row = rows[digest]
                values += (message_id, digest, row.role, row.text, row.parts, row.full_bytes, row.kept_bytes)
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
        span_id = _id_of(connection, amendment.span)
        if span_id is None:
            return
        connection.execute(_AMEND, (*amendment.facts, span_id))
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

    @staticmethod
    def _link_duplicate(connection: sqlite3.Connection, link: DuplicateLink) -> None:
        outer = _id_of(connection, link.outer)
        inner = _id_of(connection, link.inner) if link.inner is not None else None
        if outer is None or (link.inner is not None and inner is None):
            return
        connection.execute("UPDATE spans SET duplicate_of = ? WHERE id = ?", (inner, outer))
        if inner is not None and link.is_complete:
            connection.execute(_COMPLETE_INNER, (outer, inner))
            connection.execute(_COPY_MISSING_MESSAGES, (outer, inner))


def _id_of(connection: sqlite3.Connection, span: SpanKey) -> int | None:
    found = connection.execute("SELECT id FROM spans WHERE trace_id = ? AND span_id = ?", span).fetchone()
    return None if found is None else int(found[0])


def _insert_rows(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], values: Sequence[object]
) -> None:
    """Insert rows, given as one flat sequence of values, in as few statements as SQLite's parameter limit allows."""
    width = len(columns)
    row = f"({', '.join('?' * width)})"
    for chunk in _chunks(values, _MAX_PARAMETERS // width * width):
        rows = ", ".join([row] * (len(chunk) // width))
        connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {rows}", chunk)


def _chunks(items: Sequence[object], size: int) -> Iterable[Sequence[object]]:
    return (items[start : start + size] for start in range(0, len(items), size))
