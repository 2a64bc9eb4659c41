"""A whole batch in one statement: it fills a temporary table, whose last row has all of it moved to where it belongs.

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

from otel_sqlite_exporter.database.bound_columns import BoundColumns
from otel_sqlite_exporter.database.schema import LEDGER_COLUMNS, MAY_BE_NULL, SPAN_COLUMNS, USAGE_SUMS

if TYPE_CHECKING:
    from collections.abc import Sequence

# SQLite before 3.32 takes 999 parameters in one statement.
MAX_PARAMETERS: Final = 32_000 if sqlite3.sqlite_version_info >= (3, 32) else 999

STATEMENTS: Final = 96
"""How many sizes of batches to keep a prepared statement for, of up to some 150 kB each."""

INSERTED_SPAN_COLUMNS: Final = tuple(column for column in SPAN_COLUMNS if column != "id")
"""What :meth:`Insertion.add_span` takes, in order; of ``duplicate_of`` how many spans before this one, 0 for none."""

_PLACE: Final = (
    "back",  # how many spans after the message's were inserted
    "hash",
    "direction",
    "position",
    "finish_reason",
)
_MESSAGE: Final = ("role", "text", "parts", "full_bytes", "kept_bytes")
_LINK: Final = (*_PLACE, *_MESSAGE)
_NOTHING, _SPAN, _LINKS, _KNOWN_LINKS, _END = range(5)
_NO_PLACE: Final = (0, "", "", 0, "")
_NO_LINK: Final = (*_NO_PLACE, "", "", "", 0, 0)
_NO_LEDGER: Final = ("",) * (1 + len(LEDGER_COLUMNS))
_END_PARAMETERS: Final = 1 + len(_NO_LEDGER)

# Every row has the width of a span's, and a chat has more messages than spans.
_LINKS_IN_A_ROW: Final = 4
_KNOWN_IN_A_ROW: Final = 10
_WIDTH: Final = max(
    len(INSERTED_SPAN_COLUMNS), len(_LINK) * _LINKS_IN_A_ROW, len(_PLACE) * _KNOWN_IN_A_ROW, _END_PARAMETERS
)

_LAST_SPAN: Final = "(SELECT max(id) FROM spans)"


def _value(index: int, column: str, table: str = "batch") -> str:
    """Return a row's value, NULL for the empty text where the column means that.

    ``sqlite3`` takes ten times as long to bind None as to bind text: it looks for an adapter every time
    (``python -m benchmarks cpu``).
    """
    value = f"{table}.c{index}"
    return f"CASE WHEN {value} <> '' THEN {value} END" if column in MAY_BE_NULL else value


def _span_value(index: int, column: str) -> str:
    if column == "duplicate_of":
        # Ids follow each other from the last one that was ever given, and the spans come first in the batch.
        last = "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'spans'), 0)"
        return f"CASE WHEN batch.c{index} > 0 THEN {last} + batch.rowid - batch.c{index} END"
    return _value(index, column)


_INSERT_SPANS: Final = f"""
    INSERT INTO spans ({", ".join(INSERTED_SPAN_COLUMNS)})
      SELECT {", ".join(_span_value(index, column) for index, column in enumerate(INSERTED_SPAN_COLUMNS))}
        FROM batch WHERE step = {_SPAN};
"""

# Retention deletes rows that nothing refers to, and so may a user; who remembers one then has to add it again.
_CHECK_REFERENCES: Final = "".join(
    f"SELECT RAISE(ABORT, 'a row of {table} is gone') WHERE EXISTS (SELECT 1 FROM batch WHERE step = {_SPAN} "
    f"AND c{INSERTED_SPAN_COLUMNS.index(column)} NOT IN (SELECT id FROM {table}));"
    for table, column in (("resources", "resource_id"), ("scopes", "scope_id"), ("recorders", "recorder_id"))
)


def _of_links(step: int, link: tuple[str, ...], places: int, columns: tuple[str, ...], **instead: str) -> str:
    """Return a query for every message of the batch, in order: all in the first place of the rows, in the second ...

    Args:
        step: The kind of rows that hold them.
        link: What such a row says of each message, in order.
        places: How many messages there are in a row.
        columns: Which of its columns; each may be replaced by an expression with others in braces.
        instead: By column, such an expression.
    """
    queries = []
    for place in range(places):
        values = {column: _value(place * len(link) + index, column) for index, column in enumerate(link)}
        shown = ", ".join(instead.get(column, f"{{{column}}}").format_map(values) for column in columns)
        queries.append(f"SELECT {shown} FROM batch WHERE step = {step} AND {values['hash']} <> ''")
    return " UNION ALL ".join(queries)


def _insert_places(step: int, link: tuple[str, ...], places: int) -> str:
    row_ids = {"back": f"{_LAST_SPAN} - {{back}}", "hash": "(SELECT id FROM messages WHERE hash = {hash})"}
    return f"""
    INSERT INTO span_messages (span_id, message_id, direction, position, finish_reason)
      {_of_links(step, link, places, _PLACE, **row_ids)};
"""


_INSERT_MESSAGES: Final = f"""
    INSERT INTO messages (hash, {", ".join(_MESSAGE)})
      {_of_links(_LINKS, _LINK, _LINKS_IN_A_ROW, ("hash", *_MESSAGE))}
      ON CONFLICT (hash) DO UPDATE
        SET text = excluded.text, parts = excluded.parts, kept_bytes = excluded.kept_bytes
        WHERE kept_bytes < excluded.kept_bytes;
    {_insert_places(_LINKS, _LINK, _LINKS_IN_A_ROW)}
    {_insert_places(_KNOWN_LINKS, _PLACE, _KNOWN_IN_A_ROW)}
"""

# The writer holds the write lock, so the spans that it inserted last have the highest ids, one after another.
_ADD_USAGE: Final = f"""
    INSERT INTO usage (day, provider, model, {", ".join(USAGE_SUMS)})
      SELECT day, provider, model, {", ".join(f"sum({column})" for column in USAGE_SUMS)} FROM span_usage
        WHERE id > {_LAST_SPAN} - NEW.c0 GROUP BY day, provider, model
      ON CONFLICT (day, provider, model) DO UPDATE SET
        {", ".join(f"{column} = {column} + excluded.{column}" for column in USAGE_SUMS)};
"""

_UPDATE_LEDGER: Final = f"""
    UPDATE recorders SET
        {", ".join(f"{column} = {_value(index, column, 'NEW')}" for index, column in enumerate(LEDGER_COLUMNS, 2))}
      WHERE id = NEW.c1;
"""

# Rounding up adds an eighth at most; see _rounded.
_MAX_ROW_PARAMETERS: Final = MAX_PARAMETERS * 8 // 9
MAX_SPANS: Final = _MAX_ROW_PARAMETERS // (1 + len(INSERTED_SPAN_COLUMNS))
"""How many spans fit in one statement without their messages."""
MAX_LINKS: Final = _MAX_ROW_PARAMETERS // (_LINKS_IN_A_ROW * len(_LINK)) * _LINKS_IN_A_ROW
"""How many messages fit in one statement without their spans, all of them new."""


def install(connection: sqlite3.Connection, schema_version: int) -> None:
    """Create the table and its triggers, for this connection only.

    Args:
        connection: The connection.
        schema_version: What they were made for. When another process migrates the file, batches fail from then on.
    """
    check = (
        "SELECT RAISE(ABORT, 'the schema version has changed') "
        f"WHERE (SELECT user_version FROM pragma_user_version) <> {schema_version};"
    )
    actions = f"{check} {_INSERT_SPANS} {_CHECK_REFERENCES} {_INSERT_MESSAGES} {_ADD_USAGE} {_UPDATE_LEDGER}"
    end = [f"c{index}" for index in range(_END_PARAMETERS)]
    connection.execute("PRAGMA temp.auto_vacuum = FULL")  # gives the memory of a large batch back
    connection.execute(f"CREATE TEMP TABLE batch (step, {', '.join(f'c{index}' for index in range(_WIDTH))})")
    connection.execute("PRAGMA temp.secure_delete = OFF")  # it is memory, and emptied with every batch
    connection.execute(f"CREATE TEMP VIEW batch_end AS SELECT {', '.join(f'0 AS {column}' for column in end)}")
    connection.execute(
        f"CREATE TEMP TRIGGER batch_move INSTEAD OF INSERT ON batch_end BEGIN {actions} DELETE FROM batch; END"
    )
    # A trigger is entered for every row, and entering one takes longer the more it does: hence the step in between.
    connection.execute(
        f"CREATE TEMP TRIGGER batch_is_whole AFTER INSERT ON batch WHEN NEW.step = {_END} BEGIN "
        f"INSERT INTO batch_end VALUES ({', '.join(f'NEW.{column}' for column in end)}); END"
    )


def bound_columns() -> BoundColumns:
    """Return which columns of spans are bound before a span was seen."""
    return BoundColumns([column in MAY_BE_NULL for column in INSERTED_SPAN_COLUMNS])


class Insertion:
    """Rows that one statement inserts: spans, messages of spans, what the spans add to usage, and the ledger.

    Outside of a transaction the statement is one by itself, and takes the write lock before it reads anything.

    Args:
        columns: Which columns of spans are bound; needed where there are spans.
    """

    __slots__ = ("_columns", "_known", "_ledger", "_links", "_spans", "_usage")

    def __init__(self, columns: BoundColumns | None = None) -> None:
        self._columns = columns or bound_columns()
        self._spans: list[tuple[object, ...]] = []
        self._links: list[tuple[object, ...]] = []
        self._known: list[tuple[object, ...]] = []
        self._usage = 0
        self._ledger: tuple[object, ...] = _NO_LEDGER

    def add_span(self, values: tuple[object, ...]) -> None:
        """Add a span, with its values in the order of :data:`INSERTED_SPAN_COLUMNS`."""
        self._spans.append(values)

    def add_link(self, back: int, digest: bytes, place: tuple[object, ...], message: tuple[object, ...]) -> None:
        """Add a message of a span.

        Args:
            back: How many spans were inserted after the message's.
            digest: The message's hash.
            place: ``direction``, ``position`` and ``finish_reason``.
            message: Its columns ``role`` to ``kept_bytes``.
        """
        self._links.append((back, bytearray(digest), *place, *message))

    def add_known_link(self, back: int, digest: bytes, place: tuple[object, ...]) -> None:
        """Add a message of a span that is in the file already, or added before: only its hash is needed."""
        self._known.append((back, bytearray(digest), *place))

    def add_usage(self, spans: int) -> None:
        """Add what the spans that were inserted last, so many of them, used."""
        self._usage = spans

    def set_ledger(self, recorder_id: int, values: tuple[object, ...]) -> None:
        """Have a row of ``recorders`` updated to values in the order of ``LEDGER_COLUMNS``."""
        self._ledger = (recorder_id, *values)

    @property
    def is_too_long(self) -> bool:
        """Whether the rows take more parameters than SQLite allows in a statement."""
        spans = _rounded(len(self._spans)) * (1 + len(INSERTED_SPAN_COLUMNS))
        links = _rows_for(self._links, _LINKS_IN_A_ROW) * _LINKS_IN_A_ROW * len(_LINK)
        known = _rows_for(self._known, _KNOWN_IN_A_ROW) * _KNOWN_IN_A_ROW * len(_PLACE)
        return spans + links + known + _END_PARAMETERS > MAX_PARAMETERS

    def execute(self, connection: sqlite3.Connection) -> None:
        """Insert everything.

        Raises:
            sqlite3.IntegrityError: A span has a row already, a message that was thought to be in the file is not, or
                another process has migrated the file.
            Exception: Of ``sqlite3`` or of a value that can't be bound. Nothing was inserted, here as above.
        """
        span_rows = _rounded(len(self._spans))
        link_rows = _rows_for(self._links, _LINKS_IN_A_ROW)
        known_rows = _rows_for(self._known, _KNOWN_IN_A_ROW)
        columns = self._columns
        columns.grow(self._spans)
        values: list[object] = []
        for span in self._spans:
            values.append(_SPAN)
            values += columns.values_of(span)
        values += (_NOTHING, *[""] * columns.count) * (span_rows - len(self._spans))
        _add_rows(values, self._links, link_rows, _NO_LINK, _LINKS_IN_A_ROW)
        _add_rows(values, self._known, known_rows, _NO_PLACE, _KNOWN_IN_A_ROW)
        values.append(self._usage)
        values += self._ledger
        connection.execute(
            _statement(span_rows, columns.marks, link_rows, known_rows),
            ["" if value is None else value for value in values],
        )


def _rows_for(links: Sequence[tuple[object, ...]], places: int) -> int:
    """Return how many rows messages take."""
    return _rounded(-(-len(links) // places))


def _add_rows(
    values: list[object], links: Sequence[tuple[object, ...]], rows: int, nothing: tuple[object, ...], places: int
) -> None:
    """Add the values of rows of messages: the first ones stand in the first place of the rows, and so on."""
    filled = [*links, *[nothing] * (rows * places - len(links))]
    for row in range(rows):
        for link in filled[row::rows]:
            values += link


def _rounded(rows: int) -> int:
    """Return up to an eighth more rows, so that batches of nearly the same size share a prepared statement."""
    step = 1 << max(rows.bit_length() - 4, 0)
    return -(-rows // step) * step


@lru_cache(maxsize=STATEMENTS)
def _statement(span_rows: int, span_marks: str, link_rows: int, known_rows: int) -> str:
    rows = [f"(?, {span_marks}{', NULL' * (_WIDTH - len(INSERTED_SPAN_COLUMNS))})"] * span_rows
    rows += [_row(str(_LINKS), _LINKS_IN_A_ROW * len(_LINK))] * link_rows
    rows += [_row(str(_KNOWN_LINKS), _KNOWN_IN_A_ROW * len(_PLACE))] * known_rows
    rows.append(_row(str(_END), _END_PARAMETERS))
    return f"INSERT INTO batch VALUES {', '.join(rows)}"


def _row(step: str, parameters: int) -> str:
    return f"({step}{', ?' * parameters}{', NULL' * (_WIDTH - parameters)})"
