"""A whole batch in one statement: it fills a temporary table, and its last row has all of it moved to where it belongs.

``sqlite3`` gives the GIL away in every statement, and a CPU-bound thread of the application then keeps it for 5 ms, or
10 where the statement is reset as well. One statement per table and one for each step of a transaction made a batch
wait 100 ms in all; this one, which is a transaction by itself, waits once (``python -m benchmarks lossless``). Triggers
that put each row in its place opened the tables anew for every row, which took longer than to move the rows table by
table (``python -m benchmarks instructions``).
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.bound_columns import BoundColumns, Row
from otel_sqlite_exporter.database.rows import HASH
from otel_sqlite_exporter.database.schema import LEDGER_COLUMNS, MAY_BE_NULL, SPAN_COLUMNS, USAGE_SUMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.database.rows import MessageLink, MessageRow

# SQLite before 3.32 takes 999 parameters in one statement.
MAX_PARAMETERS: Final = 32_000 if sqlite3.sqlite_version_info >= (3, 32) else 999

STATEMENTS: Final = 96
"""How many sizes of batches to keep a prepared statement for, of up to some 150 kB each."""

INSERTED_SPAN_COLUMNS: Final = tuple(column for column in SPAN_COLUMNS if column != "id")
"""What :meth:`Insertion.add_span` takes, in order; of ``duplicate_of`` how many spans before this one, 0 for none."""

_MESSAGE: Final = ("hash", "role", "text", "parts", "full_bytes", "kept_bytes")
_RUN: Final = (
    "hashes",  # of messages that follow each other, in one
    "direction",
    "finish_reason",
    "back",  # how many spans were inserted after theirs
    "position",  # of the first
)
_NO_MESSAGE: Final = ("", "", "", "", 0, 0)
_NO_RUN: Final = ("", "", "", 0, 0)
_HASH_BYTES: Final = 16
_LONGEST_RUN: Final = 256

_NO_LEDGER: Final = ("",) * (1 + len(LEDGER_COLUMNS))
_SHARED: Final = -1
"""The number of the row with what all spans of a statement share."""

_HEAD_PARAMETERS: Final = 2 + len(_NO_LEDGER)
_HEAD: Final = (
    *("last_span", "last_message", "last_run"),  # the last row of each kind; after the spans there may be empty ones
    *("spans", "used"),  # how many were inserted, and which of the last ones of the table count as used
    *("recorder_id", *LEDGER_COLUMNS),
)
"""What the first row of a statement says, its row 0; the rows of spans, messages and runs follow in this order."""

# Every row has the width of a span's, and a chat has more messages than spans.
_WIDTH: Final = len(INSERTED_SPAN_COLUMNS)
_MESSAGES_IN_A_ROW: Final = _WIDTH // len(_MESSAGE)
_RUNS_IN_A_ROW: Final = _WIDTH // len(_RUN)

_LAST_SPAN: Final = "(SELECT max(id) FROM spans)"


def _value(column: str, value: str) -> str:
    """Return what is stored of a value, in SQL: NULL for the empty text where the column means that.

    ``sqlite3`` takes ten times as long to bind None as to bind text: it looks for an adapter every time
    (``python -m benchmarks cpu``).
    """
    return f"CASE WHEN {value} <> '' THEN {value} END" if column in MAY_BE_NULL else value


def _head(name: str) -> str:
    """Return, in SQL, what the first row says."""
    return f"NEW.c{_HEAD.index(name)}"


def _span_value(column: str) -> str:
    """Return what is stored of a span: its own value, or that of the row with what all spans share."""
    own, shared = (f"{row}.c{INSERTED_SPAN_COLUMNS.index(column)}" for row in ("batch", "shared"))
    if column == "duplicate_of":
        # Ids follow each other from the last one that was ever given, and the spans come first in the batch.
        last = "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'spans'), 0)"
        return f"CASE WHEN ifnull({own}, {shared}) > 0 THEN {last} + batch.number - ifnull({own}, {shared}) END"
    if column in MAY_BE_NULL:
        return f"CASE WHEN {own} <> '' THEN {own} WHEN {shared} <> '' THEN {shared} END"
    return f"ifnull({own}, {shared})"


_SPANS: Final = (
    f"batch AS shared CROSS JOIN batch WHERE shared.number = {_SHARED} AND batch.number BETWEEN 1 AND {_head('spans')}"
)
_INSERT_SPANS: Final = f"""
    INSERT INTO spans ({", ".join(INSERTED_SPAN_COLUMNS)})
      SELECT {", ".join(map(_span_value, INSERTED_SPAN_COLUMNS))} FROM {_SPANS};
"""

# Retention deletes rows that nothing refers to, and so may a user; who remembers one then has to add it again.
_GONE: Final = " OR ".join(
    f"c{INSERTED_SPAN_COLUMNS.index(column)} NOT IN (SELECT id FROM {table})"
    for table, column in (("resources", "resource_id"), ("scopes", "scope_id"), ("recorders", "recorder_id"))
)
_CHECK_REFERENCES: Final = f"""
    SELECT RAISE(ABORT, 'a resource, scope or recorder is gone')
      WHERE EXISTS (
        SELECT 1 FROM batch WHERE number BETWEEN {_SHARED} AND {_head("spans")} AND number <> 0 AND ({_GONE})
      );
"""


def _all_of(columns: Sequence[str], places: int, first: str, last: str) -> str:
    """Return a query for what stands in a range of rows, in order: all in their first place, in their second ...

    Args:
        columns: The names of what stands in one place.
        places: How many of these there are in a row.
        first: After which row the range begins.
        last: Its last row.
    """
    queries = []
    for place in range(places):
        values = ", ".join(f"c{place * len(columns) + index} AS {column}" for index, column in enumerate(columns))
        queries.append(f"SELECT {values} FROM batch WHERE number > {_head(first)} AND number <= {_head(last)}")
    return " UNION ALL ".join(queries)


_INSERT_MESSAGES: Final = f"""
    INSERT INTO messages ({", ".join(_MESSAGE)})
      SELECT {", ".join(_value(column, column) for column in _MESSAGE)}
        FROM ({_all_of(_MESSAGE, _MESSAGES_IN_A_ROW, "last_span", "last_message")}) WHERE hash <> ''
      ON CONFLICT (hash) DO UPDATE
        SET text = excluded.text, parts = excluded.parts, kept_bytes = excluded.kept_bytes
        WHERE kept_bytes < excluded.kept_bytes;
    INSERT INTO span_messages (span_id, direction, position, message_id, finish_reason)
      SELECT {_LAST_SPAN} - back, direction, position + number, messages.id, {_value("finish_reason", "finish_reason")}
        FROM ({_all_of(_RUN, _RUNS_IN_A_ROW, "last_message", "last_run")})
          CROSS JOIN batch_numbers ON number < length(hashes) / {_HASH_BYTES}
          LEFT JOIN messages ON hash = substr(hashes, number * {_HASH_BYTES} + 1, {_HASH_BYTES});
"""

# The writer holds the write lock, so the spans that it inserted last have the highest ids, one after another.
_ADD_USAGE: Final = f"""
    INSERT INTO usage (day, provider, model, {", ".join(USAGE_SUMS)})
      SELECT day, provider, model, {", ".join(f"sum({column})" for column in USAGE_SUMS)} FROM span_usage
        WHERE id > {_LAST_SPAN} - {_head("used")} GROUP BY day, provider, model
      ON CONFLICT (day, provider, model) DO UPDATE SET
        {", ".join(f"{column} = {column} + excluded.{column}" for column in USAGE_SUMS)};
"""

_UPDATE_LEDGER: Final = f"""
    UPDATE recorders SET
        {", ".join(f"{column} = {_value(column, _head(column))}" for column in LEDGER_COLUMNS)}
      WHERE id = {_head("recorder_id")};
"""

# Rounding up adds an eighth at most; see _rounded.
_MAX_ROW_PARAMETERS: Final = MAX_PARAMETERS * 8 // 9
MAX_SPANS: Final = _MAX_ROW_PARAMETERS // len(INSERTED_SPAN_COLUMNS)
"""How many spans fit in one statement without their messages."""
MAX_LINKS: Final = _MAX_ROW_PARAMETERS // (len(_MESSAGE) + len(_RUN)) - _MESSAGES_IN_A_ROW - _RUNS_IN_A_ROW
"""How many messages fit in one statement without their spans, all of them new and each a run of its own."""


def install(connection: sqlite3.Connection, schema_version: int) -> None:
    """Create the table and its trigger, for this connection only.

    Args:
        connection: The connection.
        schema_version: What they were made for. When another process migrates the file, batches fail from then on.
    """
    check = (
        "SELECT RAISE(ABORT, 'the schema version has changed') "
        f"WHERE (SELECT user_version FROM pragma_user_version) <> {schema_version};"
    )
    actions = f"{check} {_INSERT_SPANS} {_CHECK_REFERENCES} {_INSERT_MESSAGES} {_ADD_USAGE} {_UPDATE_LEDGER}"
    connection.execute("PRAGMA temp.auto_vacuum = FULL")  # gives the memory of a large batch back
    columns = ", ".join(f"c{index}" for index in range(_WIDTH))
    connection.execute(f"CREATE TEMP TABLE batch (number INTEGER PRIMARY KEY, {columns})")
    connection.execute("PRAGMA temp.secure_delete = OFF")  # it is memory, and emptied with every batch
    connection.execute("CREATE TEMP TABLE batch_numbers (number INTEGER PRIMARY KEY)")
    connection.execute(
        "WITH RECURSIVE numbers (number) AS "
        f"(SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number < {_LONGEST_RUN - 1}) "
        "INSERT INTO batch_numbers SELECT number FROM numbers"
    )
    # For a table with INSERT triggers SQLite stores all rows once more before it inserts the first; hence an upsert's.
    connection.execute(f"CREATE TEMP TRIGGER batch_move AFTER UPDATE ON batch BEGIN {actions} DELETE FROM batch; END")


def bound_columns() -> BoundColumns:
    """Return which columns of spans are bound before a span was seen."""
    return BoundColumns([column in MAY_BE_NULL for column in INSERTED_SPAN_COLUMNS])


class Insertion:
    """Rows that one statement inserts: spans, messages of spans, what the spans add to usage, and the ledger.

    Outside of a transaction the statement is one by itself, and takes the write lock before it reads anything.

    Args:
        columns: Which columns of spans are bound; needed where there are spans.
    """

    __slots__ = ("_columns", "_ledger", "_messages", "_runs", "_spans", "_usage")

    def __init__(self, columns: BoundColumns | None = None) -> None:
        self._columns = columns or bound_columns()
        self._spans: list[tuple[object, ...]] = []
        self._messages: list[tuple[object, ...]] = []
        self._runs: list[tuple[object, ...]] = []
        self._usage = 0
        self._ledger: tuple[object, ...] = _NO_LEDGER

    def add_span(self, values: tuple[object, ...]) -> None:
        """Add a span, with its values in the order of :data:`INSERTED_SPAN_COLUMNS`."""
        self._spans.append(values)

    def add_message(self, message: MessageRow) -> None:
        """Add a message that is not in the file."""
        digest, role, text, parts, full_bytes, kept_bytes = message
        self._messages.append((bytearray(digest), role or "", text or "", parts or "", full_bytes, kept_bytes))

    def add_links(self, back: int, links: Sequence[MessageLink]) -> None:
        """Add messages of a span, which are in the file already or were added.

        Args:
            back: How many spans were inserted after theirs.
            links: Which messages, where.
        """
        hashes = bytearray()
        of_run, reason_of_run, next_position = "", None, -1
        for direction, position, message, finish_reason in links:
            if (
                position == next_position
                and direction == of_run
                and finish_reason == reason_of_run
                and len(hashes) < _LONGEST_RUN * _HASH_BYTES
            ):
                hashes += message[HASH]
            else:
                hashes = bytearray(message[HASH])
                of_run, reason_of_run = direction, finish_reason
                self._runs.append((hashes, direction, finish_reason or "", back, position))
            next_position = position + 1

    def add_usage(self, spans: int) -> None:
        """Add what the spans that were inserted last, so many of them, used."""
        self._usage = spans

    def set_ledger(self, recorder_id: int, values: tuple[object, ...]) -> None:
        """Have a row of ``recorders`` updated to values in the order of ``LEDGER_COLUMNS``."""
        self._ledger = (recorder_id, *values)

    @property
    def is_too_long(self) -> bool:
        """Whether the rows take more parameters than SQLite allows in a statement."""
        spans = _rounded(len(self._spans)) * len(INSERTED_SPAN_COLUMNS)
        messages = _rows_for(self._messages, _MESSAGES_IN_A_ROW) * _MESSAGES_IN_A_ROW * len(_MESSAGE)
        runs = _rows_for(self._runs, _RUNS_IN_A_ROW) * _RUNS_IN_A_ROW * len(_RUN)
        return spans + messages + runs + _HEAD_PARAMETERS > MAX_PARAMETERS

    def execute(self, connection: sqlite3.Connection) -> None:
        """Insert everything.

        Raises:
            sqlite3.IntegrityError: A span has a row already, a message that was thought to be in the file is not, or
                another process has migrated the file.
            Exception: Of ``sqlite3`` or of a value that can't be bound. Nothing was inserted, here as above.
        """
        span_rows = _rounded(len(self._spans))
        message_rows = _rows_for(self._messages, _MESSAGES_IN_A_ROW)
        run_rows = _rows_for(self._runs, _RUNS_IN_A_ROW)
        columns = self._columns
        columns.grow(self._spans)
        values: list[object] = [
            len(self._spans),
            self._usage,
            *["" if value is None else value for value in self._ledger],
        ]
        if self._spans:
            values += _texts_for_null(columns.shared_values_of(self._spans[0]))
        for span in self._spans:
            values += _texts_for_null(columns.own_values_of(span))
        values += [""] * (columns.own_count * (span_rows - len(self._spans)))
        _add_rows(values, self._messages, _NO_MESSAGE, message_rows, _MESSAGES_IN_A_ROW)
        _add_rows(values, self._runs, _NO_RUN, run_rows, _RUNS_IN_A_ROW)
        # Not execute, which gives the GIL away once more, for the id of a row: each time a busy thread may keep it.
        connection.executemany(
            _statement(span_rows, columns.shared_marks, columns.own_marks, message_rows, run_rows),
            (values,),
        )


def _texts_for_null(values: Row) -> Sequence[object]:
    return ["" if value is None else value for value in values] if None in values else values


def _add_rows(
    values: list[object], items: Sequence[tuple[object, ...]], nothing: tuple[object, ...], rows: int, places: int
) -> None:
    """Add the values of rows of messages or runs: the first ones stand in the first place of the rows, and so on."""
    filled = [*items, *[nothing] * (rows * places - len(items))]
    for row in range(rows):
        for item in filled[row::rows]:
            values += item


def _rows_for(items: Sequence[object], places: int) -> int:
    """Return how many rows these take."""
    return _rounded(-(-len(items) // places))


def _rounded(rows: int) -> int:
    """Return up to an eighth more rows, so that batches of nearly the same size share a prepared statement."""
    step = 1 << max(rows.bit_length() - 4, 0)
    return -(-rows // step) * step


@lru_cache(maxsize=STATEMENTS)
def _statement(span_rows: int, shared_marks: str, own_marks: str, message_rows: int, run_rows: int) -> str:
    last_rows = (span_rows, span_rows + message_rows, span_rows + message_rows + run_rows)
    rows = [_row("0", *map(str, last_rows), *["?"] * _HEAD_PARAMETERS)]
    if span_rows:
        rows.append(f"({_SHARED}, {shared_marks})")
    rows += [f"(NULL, {own_marks})"] * span_rows
    rows += [_row("NULL", *["?"] * (_MESSAGES_IN_A_ROW * len(_MESSAGE)))] * message_rows
    rows += [_row("NULL", *["?"] * (_RUNS_IN_A_ROW * len(_RUN)))] * run_rows
    return f"INSERT INTO batch VALUES {', '.join(rows)}, {_row('0')} ON CONFLICT (number) DO UPDATE SET c0 = c0"


def _row(*values: str) -> str:
    return f"({', '.join([*values, *['NULL'] * (1 + _WIDTH - len(values))])})"
