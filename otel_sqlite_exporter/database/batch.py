"""The statements of one batch: span records become rows, every message once."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final, TypeVar

from otel_sqlite_exporter.database.amendments import Amendment, Change, DuplicateLink, ShownInTrace
from otel_sqlite_exporter.database.batch_statement import (
    MAX_LINKS,
    MAX_PARAMETERS,
    MAX_SPANS,
    Insertion,
    bound_columns,
)
from otel_sqlite_exporter.database.completion import Completions, row_of
from otel_sqlite_exporter.database.inherited_ids import INHERITED_COLUMNS, InheritedIds
from otel_sqlite_exporter.database.rows import DIRECTION, HASH, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otel_sqlite_exporter.database.ledger import Counts, LedgerRow
    from otel_sqlite_exporter.database.rows import MessageLink, ResourceRow, RowKey, ScopeRow

_KNOWN_MESSAGES: Final = 4096
_T = TypeVar("_T")


class RepeatedIdError(ValueError):
    """The file holds another span of the same ids, so there can be no row for this one."""

    def __init__(self) -> None:
        super().__init__("other spans in the file have the same ids, as when every run seeds the random module alike")


@dataclass(slots=True)
class Batch:
    """What one transaction writes: first the records, then the changes, some of which refer to them.

    Args:
        records: New spans.
        changes: What becomes known of spans beside that.
        completions: Which rows were completed by which others.
    """

    records: list[SpanRecord] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    completions: Completions = field(default_factory=Completions)
    _unwritten: dict[RowKey, SpanRecord] = field(default_factory=dict)
    _inherited: dict[str, InheritedIds] = field(default_factory=dict)

    def add(self, record: SpanRecord) -> None:
        """Add a span."""
        self._unwritten.setdefault(record.key, record)
        self.records.append(record)

    def link(self, outer: RowKey, inner: RowKey | None, *, is_complete: bool) -> None:
        """Have a span report the call that another one stands for; see :class:`DuplicateLink`.

        Where both are in the batch their records say so: that costs no statement, and the other way costs ten.
        """
        record = self._unwritten.get(outer)
        if record is not None and record.duplicate_of is not None:
            self.completions.take_back_record(record, record.duplicate_of)
            record.duplicate_of = None
        inner_record = self._unwritten.get(inner) if inner is not None else None
        if record is None or (inner is not None and inner_record is None):
            for span in (outer, inner):  # as they are, from now on: what becomes known of them is a change
                if span is not None:
                    self._unwritten.pop(span, None)
            self.changes.append(DuplicateLink(outer, inner, is_complete))
        elif inner_record is not None:
            record.duplicate_of = inner_record
            if is_complete:
                self.completions.complete_record(record, inner_record)

    def show(self, span: RowKey, trace_id: str | None) -> None:
        """Have a call shown in another trace; see :class:`ShownInTrace`."""
        record = self._unwritten.get(span)
        if record is None:
            self.changes.append(ShownInTrace(span, trace_id))
        else:
            record.shown_in_trace_id = trace_id

    def hand_down(self, span: RowKey, column: int, value: str) -> None:
        """Give an id to a span that has none; ``column`` is an index of :data:`INHERITED_COLUMNS`."""
        record = self._unwritten.get(span)
        if record is not None:
            ids = list(record.ids)
            ids[column] = ids[column] or value
            record.ids = (ids[0], ids[1], ids[2])
            return
        trace_id, span_id = span
        inherited = self._inherited.get(trace_id)
        if inherited is None:
            inherited = self._inherited[trace_id] = InheritedIds(trace_id)
            self.changes.append(inherited)
        inherited.heirs.setdefault((INHERITED_COLUMNS[column], value), []).append(span_id)

    @property
    def steps(self) -> list[SpanRecord | Change]:
        """Everything that is written, in order."""
        return [*self.records, *self.changes]


class Statements:
    """Write records, and remember what is in the file already: resources, scopes and the messages written last.

    Resources and scopes are never deleted. A message may be, by another process's retention; a batch that refers to
    one then fails, and is written again after :meth:`forget`, which is called whenever something failed.
    """

    def __init__(self) -> None:
        self.completions = Completions()
        self._resources: dict[ResourceRow, int] = {}
        self._scopes: dict[ScopeRow, int] = {}
        self._messages: set[bytes] = set()
        self._columns = bound_columns()

    def forget(self) -> None:
        """Take nothing for being in the file."""
        self._resources.clear()
        self._scopes.clear()
        self._messages.clear()

    def write(self, connection: sqlite3.Connection, step: SpanRecord | Change, recorder_id: int) -> None:
        """Write one step of a batch.

        Raises:
            RepeatedIdError: Another span has the ids of this one.
        """
        if isinstance(step, SpanRecord):
            if self.insert(connection, [step], recorder_id):
                raise RepeatedIdError
        elif isinstance(step, Amendment):
            self._amend(connection, step)
        elif isinstance(step, DuplicateLink):
            step.apply(connection, self.completions)
        else:
            step.apply(connection)

    def insert_alone(self, connection: sqlite3.Connection, batch: Batch, ledger: LedgerRow, counts: Counts) -> bool:
        """Write a batch and the ledger by one statement, which is a transaction of its own.

        Returns:
            False when nothing was done: there is more to write than new rows, or too much for one statement.

        Raises:
            Exception: Whatever made the statement fail. Nothing was written.
        """
        if batch.changes or not ledger.is_known_here:
            return False
        records = _inner_first(batch.records)
        insertion = Insertion(self._columns)
        try:
            numbers = _numbers_of(records)
            for number, record in enumerate(records):
                resource_id, scope_id = self._resources[record.resource], self._scopes[record.scope]
                back = _back(record, number, numbers)
                _add_span(insertion, record, back, (resource_id, scope_id, ledger.recorder_id))
        except KeyError:  # a resource or scope that is new here
            return False
        new = self._add_links(insertion, _links_of(records))
        if records:
            insertion.add_usage(len(records))
        insertion.set_ledger(ledger.recorder_id, ledger.update(counts))
        if insertion.is_too_long:
            return False
        insertion.execute(connection)
        self._remember(new)
        return True

    def insert(self, connection: sqlite3.Connection, records: Sequence[SpanRecord], recorder_id: int) -> int:
        """Insert the records whose span has no row yet, within the caller's transaction.

        Returns:
            How many can have no row, because other spans have their ids.
        """
        lost = 0
        records = _inner_first(records)
        if len(records) > MAX_SPANS:
            records, lost = _without_known(connection, records)
        try:
            self._insert_spans(connection, records, recorder_id)
        except sqlite3.IntegrityError:
            # Looking for known spans first would cost every batch a tenth of its time (python -m benchmarks cpu).
            records, lost = _without_known(connection, records)
            self._insert_spans(connection, records, recorder_id)
        self._insert_links(connection, _links_of(records))
        usage = Insertion()
        usage.add_usage(len(records))
        usage.execute(connection)
        return lost

    @staticmethod
    def write_ledger(connection: sqlite3.Connection, ledger: LedgerRow, counts: Counts) -> None:
        """Bring the process's row of ``recorders`` up to date, within the caller's transaction."""
        insertion = Insertion()
        insertion.set_ledger(ledger.recorder_id, ledger.update(counts))
        insertion.execute(connection)

    def _insert_spans(self, connection: sqlite3.Connection, records: Sequence[SpanRecord], recorder_id: int) -> None:
        numbers = _numbers_of(records)
        apart: list[SpanRecord] = []
        for first in range(0, len(records), MAX_SPANS):
            insertion = Insertion(self._columns)
            for number, record in enumerate(records[first : first + MAX_SPANS], first):
                resource_id = self._resource_id(connection, record.resource)
                scope_id = self._scope_id(connection, record.scope)
                back = _back(record, number, numbers)
                if record.duplicate_of is not None and not back:
                    apart.append(record)
                _add_span(insertion, record, back, (resource_id, scope_id, recorder_id))
            insertion.execute(connection)
        for record in apart:
            if record.duplicate_of is not None:
                inner = row_of(connection, record.duplicate_of.key)
                values = (inner.id if inner else None, *record.key)
                connection.execute("UPDATE spans SET duplicate_of = ? WHERE trace_id = ? AND span_id = ?", values)

    def _insert_links(self, connection: sqlite3.Connection, spans: Sequence[tuple[int, Sequence[MessageLink]]]) -> None:
        links = [(back, link) for back, links in spans for link in links]
        for chunk in _chunks(links, MAX_LINKS):
            insertion = Insertion()
            spans_of_chunk = groupby(chunk, key=itemgetter(0))
            new = self._add_links(insertion, [(back, [link for _, link in links]) for back, links in spans_of_chunk])
            insertion.execute(connection)
            self._remember(new)

    def _add_links(self, insertion: Insertion, spans: Iterable[tuple[int, Sequence[MessageLink]]]) -> set[bytes]:
        """Add messages, each with its text only where it is new, and return the hashes of these."""
        new: set[bytes] = set()
        known = self._messages
        for back, links in spans:
            for _, _, message, _ in links:
                digest = message[HASH]
                if digest not in known and digest not in new:
                    new.add(digest)
                    insertion.add_message(message)
            insertion.add_links(back, links)
        return new

    def _remember(self, digests: set[bytes]) -> None:
        if len(self._messages) > _KNOWN_MESSAGES:  # what is still in use is written once more, which changes nothing
            self._messages.clear()
        self._messages |= digests

    def _resource_id(self, connection: sqlite3.Connection, row: ResourceRow) -> int:
        resource_id = self._resources.get(row)
        if resource_id is None:
            connection.execute(
                "INSERT OR IGNORE INTO resources (attributes, schema_url, service_name) VALUES (?, ?, ?)",
                (row.attributes, row.schema_url, row.service_name),
            )
            (resource_id,) = connection.execute(
                "SELECT id FROM resources WHERE attributes = ? AND schema_url = ?", (row.attributes, row.schema_url)
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
        (last_id,) = connection.execute("SELECT max(id) FROM spans").fetchone()
        missing = [link for link in amendment.messages if link[DIRECTION] not in present]
        self._insert_links(connection, [(last_id - span_id, missing)])


def _add_span(insertion: Insertion, record: SpanRecord, back: int, ids: tuple[int, int, int]) -> None:
    place = (back, record.shown_in_trace_id)
    insertion.add_span((*record.key, *record.identity, *record.facts, *place, *ids, *record.details))


def _inner_first(records: Sequence[SpanRecord]) -> Sequence[SpanRecord]:
    """Return records so that each comes after the one that stands for its call: it refers to that by its place."""
    ordered: dict[int, SpanRecord] = {}
    for record in records:
        inner = record.duplicate_of
        if inner is not None:
            ordered.setdefault(id(inner), inner)
        ordered.setdefault(id(record), record)
    return list(ordered.values())


def _numbers_of(records: Sequence[SpanRecord]) -> dict[RowKey, int]:
    """Return the places of the records that others are duplicates of."""
    wanted = {record.duplicate_of.key for record in records if record.duplicate_of is not None}
    return {record.key: number for number, record in enumerate(records) if record.key in wanted} if wanted else {}


def _back(record: SpanRecord, number: int, numbers: dict[RowKey, int]) -> int:
    """Return how many records before this one that of its call is, 0 where it is none or not there."""
    if record.duplicate_of is None:
        return 0
    return max(number - numbers.get(record.duplicate_of.key, number), 0)


def _links_of(records: Sequence[SpanRecord]) -> list[tuple[int, Sequence[MessageLink]]]:
    """Return the messages of each record, with the number of records that follow it."""
    return [(back, record.messages) for back, record in zip(range(len(records) - 1, -1, -1), records, strict=True)]


def _without_known(connection: sqlite3.Connection, records: Sequence[SpanRecord]) -> tuple[list[SpanRecord], int]:
    """Return the records whose ids are neither in the file nor earlier in the batch, and how many others are lost.

    A span that comes twice starts at the same time twice, and is not lost: it has its row.
    """
    starts: dict[tuple[str, str], int] = {}
    for chunk in _chunks(records, MAX_PARAMETERS // 2):
        found = connection.execute(
            "SELECT trace_id, span_id, start_time_unix_nano FROM spans WHERE (trace_id, span_id) IN "
            f"(VALUES {', '.join(['(?, ?)'] * len(chunk))})",
            [value for record in chunk for value in (record.trace_id, record.span_id)],
        )
        starts.update(((trace_id, span_id), start) for trace_id, span_id, start in found)
    new: list[SpanRecord] = []
    lost = 0
    for record in records:
        key = (record.trace_id, record.span_id)
        if key not in starts:
            starts[key] = record.start
            new.append(record)
        elif starts[key] != record.start:
            lost += 1
    return new, lost


def _chunks(items: Sequence[_T], size: int) -> Iterable[Sequence[_T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
