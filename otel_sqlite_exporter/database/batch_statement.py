"""A whole batch in one statement: a temporary view whose triggers put every row where it belongs.

``sqlite3`` gives the GIL away in every statement, and a CPU-bound thread of the application then keeps it for 5 ms, or
10 where the statement is reset as well. One statement per table and one for each step of a transaction made a batch
wait 100 ms in all; this one, which is a transaction by itself, waits once (``python -m benchmarks lossless``).
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import Final

from otel_sqlite_exporter.database.schema import LEDGER_COLUMNS, MAY_BE_NULL, SPAN_COLUMNS, USAGE_SUMS

# SQLite before 3.32 takes 999 parameters in one statement.
MAX_PARAMETERS: Final = 32_000 if sqlite3.sqlite_version_info >= (3, 32) else 999

STATEMENTS: Final = 96
"""How many sizes of batches to keep a prepared statement for, of up to some 150 kB each."""

INSERTED_SPAN_COLUMNS: Final = tuple(column for column in SPAN_COLUMNS if column != "id")
"""What :meth:`Insertion.add_span` takes, in order; of ``duplicate_of`` how many spans before this one, 0 for none."""

KNOWN_MESSAGE: Final[tuple[object, ...]] = ("", "", "", -1, 0)
"""The columns of a message that is in the file already: only its hash is needed."""

_LINK: Final = (
    "back",  # how many spans after the message's were inserted
    "hash",
    "role",
    "text",
    "parts",
    "full_bytes",
    "kept_bytes",
    "direction",
    "position",
    "finish_reason",
)
_LINKS_IN_A_ROW: Final = 4  # every row has the width of a span's, and a chat has more messages than spans
_NOTHING, _SPAN, _LINKS, _USAGE, _LEDGER = range(5)
_NO_SPAN: Final = (_NOTHING, *[""] * len(INSERTED_SPAN_COLUMNS))
_NO_LINK: Final = (0, "", *KNOWN_MESSAGE, "", 0, "")
_WIDTH: Final = max(len(INSERTED_SPAN_COLUMNS), len(_LINK) * _LINKS_IN_A_ROW, len(LEDGER_COLUMNS) + 1)

_LAST_SPAN: Final = "(SELECT max(id) FROM spans)"


def _new(index: int, column: str = "") -> str:
    """Return a row's value, NULL for the empty text where the column means that.

    ``sqlite3`` takes ten times as long to bind None as to bind text: it looks for an adapter every time
    (``python -m benchmarks cpu``).
    """
    value = f"NEW.c{index}"
    return f"nullif({value}, '')" if column in MAY_BE_NULL else value


def _insert_link(slot: int) -> str:
    new = {column: _new(slot * len(_LINK) + index, column) for index, column in enumerate(_LINK)}
    columns = _LINK[1:7]
    return f"""
        INSERT OR IGNORE INTO messages ({", ".join(columns)})
          SELECT {", ".join(new[column] for column in columns)} WHERE {new["full_bytes"]} >= 0;
        INSERT INTO span_messages (span_id, direction, position, message_id, finish_reason)
          SELECT
            {_LAST_SPAN} - {new["back"]},
            {new["direction"]},
            {new["position"]},
            CASE changes()
              WHEN 1 THEN last_insert_rowid()
              ELSE (SELECT id FROM messages WHERE hash = {new["hash"]})
            END,
            {new["finish_reason"]}
          WHERE {new["hash"]} <> '';
        UPDATE messages SET text = {new["text"]}, parts = {new["parts"]}, kept_bytes = {new["kept_bytes"]}
          WHERE hash = CASE WHEN {new["full_bytes"]} >= 0 THEN {new["hash"]} END AND kept_bytes < {new["kept_bytes"]};
    """


def _span_value(index: int, column: str) -> str:
    if column == "duplicate_of":
        return f"CASE WHEN NEW.c{index} > 0 THEN {_LAST_SPAN} + 1 - NEW.c{index} END"
    return _new(index, column)


# Retention deletes rows that nothing refers to, and so may a user; who remembers one then has to add it again.
_REFERENCES: Final = "".join(
    f"SELECT RAISE(ABORT, 'a row of {table} is gone') WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE id = "
    f"NEW.c{INSERTED_SPAN_COLUMNS.index(column)});"
    for table, column in (("resources", "resource_id"), ("scopes", "scope_id"), ("recorders", "recorder_id"))
)
_INSERT_SPAN: Final = f"""
    INSERT INTO spans ({", ".join(INSERTED_SPAN_COLUMNS)})
      VALUES ({", ".join(_span_value(index, column) for index, column in enumerate(INSERTED_SPAN_COLUMNS))});
    {_REFERENCES}
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
        {", ".join(f"{column} = {_new(index, column)}" for index, column in enumerate(LEDGER_COLUMNS, 1))}
      WHERE id = NEW.c0;
"""

_ACTIONS: Final = {
    _SPAN: _INSERT_SPAN,
    _LINKS: "".join(_insert_link(slot) for slot in range(_LINKS_IN_A_ROW)),
    _USAGE: _ADD_USAGE,
}

# Rounding up adds an eighth at most; see _rounded.
_MAX_ROW_PARAMETERS: Final = MAX_PARAMETERS * 8 // 9
MAX_SPANS: Final = _MAX_ROW_PARAMETERS // (1 + len(INSERTED_SPAN_COLUMNS))
"""How many spans fit in one statement without their messages."""
MAX_LINKS: Final = _MAX_ROW_PARAMETERS // (_LINKS_IN_A_ROW * len(_LINK)) * _LINKS_IN_A_ROW
"""How many messages fit in one statement without their spans."""


def install(connection: sqlite3.Connection, schema_version: int) -> None:
    """Create the view and its triggers, for this connection only.

    Args:
        connection: The connection.
        schema_version: What they were made for. When another process migrates the file, batches fail from then on.
    """
    # In the trigger for the ledger, which is part of every transaction.
    check = (
        "SELECT RAISE(ABORT, 'the schema version has changed') "
        f"WHERE (SELECT user_version FROM pragma_user_version) <> {schema_version};"
    )
    actions = {**_ACTIONS, _LEDGER: check + _UPDATE_LEDGER}
    connection.execute(f"CREATE TEMP VIEW batch AS SELECT 0 AS step, {', '.join(f'0 AS c{i}' for i in range(_WIDTH))}")
    for step, action in actions.items():
        connection.execute(
            f"CREATE TEMP TRIGGER batch_{step} INSTEAD OF INSERT ON batch WHEN NEW.step = {step} BEGIN {action} END"
        )


class Insertion:
    """Rows that one statement inserts: spans, then messages of spans, what the spans add to usage, and the ledger.

    Outside of a transaction the statement is one by itself, and takes the write lock before it reads anything.
    """

    __slots__ = ("_last", "_links", "_span_count", "_spans")

    def __init__(self) -> None:
        self._spans: list[object] = []
        self._span_count = 0
        self._links: list[object] = []
        self._last: list[tuple[object, ...]] = []

    def add_span(self, *groups: tuple[object, ...]) -> None:
        """Add a span, whose values in the order of :data:`INSERTED_SPAN_COLUMNS` come in groups."""
        self._span_count += 1
        self._spans.append(_SPAN)
        for group in groups:
            self._spans += group

    def add_link(self, back: int, digest: bytes, message: tuple[object, ...], place: tuple[object, ...]) -> None:
        """Add a message of a span.

        Args:
            back: How many spans were inserted after the message's.
            digest: The message's hash.
            message: Its columns ``role`` to ``kept_bytes``, or :data:`KNOWN_MESSAGE`.
            place: ``direction``, ``position`` and ``finish_reason``.
        """
        self._links += (back, bytearray(digest))
        self._links += message
        self._links += place

    def add_usage(self, spans: int) -> None:
        """Add what the spans that were inserted last, so many of them, used."""
        self._last.append((_USAGE, spans))

    def set_ledger(self, recorder_id: int, values: tuple[object, ...]) -> None:
        """Have a row of ``recorders`` updated to values in the order of ``LEDGER_COLUMNS``."""
        self._last.append((_LEDGER, recorder_id, *values))

    @property
    def is_too_long(self) -> bool:
        """Whether the rows take more parameters than SQLite allows in a statement."""
        spans = _rounded(self._span_count) * (1 + len(INSERTED_SPAN_COLUMNS))
        links = _rounded(self._link_rows) * _LINKS_IN_A_ROW * len(_LINK)
        return spans + links + sum(map(len, self._last)) > MAX_PARAMETERS

    def execute(self, connection: sqlite3.Connection) -> None:
        """Insert everything.

        Raises:
            sqlite3.IntegrityError: A span has a row already, a message that was thought to be in the file is not, or
                another process has migrated the file.
            Exception: Of ``sqlite3`` or of a value that can't be bound. Nothing was inserted, here as above.
        """
        span_rows, link_rows = _rounded(self._span_count), _rounded(self._link_rows)
        values = self._spans
        values += _NO_SPAN * (span_rows - self._span_count)
        values += self._links
        values += _NO_LINK * (link_rows * _LINKS_IN_A_ROW - len(self._links) // len(_LINK))
        for row in self._last:
            values += row
        connection.execute(
            _statement(span_rows, link_rows, tuple(map(len, self._last))),
            ["" if value is None else value for value in values],
        )

    @property
    def _link_rows(self) -> int:
        return -(-len(self._links) // (_LINKS_IN_A_ROW * len(_LINK)))


def _rounded(rows: int) -> int:
    """Return up to an eighth more rows, so that batches of nearly the same size share a prepared statement."""
    step = 1 << max(rows.bit_length() - 4, 0)
    return -(-rows // step) * step


@lru_cache(maxsize=STATEMENTS)
def _statement(span_rows: int, link_rows: int, last: tuple[int, ...]) -> str:
    rows = [_row("?", len(INSERTED_SPAN_COLUMNS))] * span_rows
    rows += [_row(str(_LINKS), _LINKS_IN_A_ROW * len(_LINK))] * link_rows
    rows += [_row("?", length - 1) for length in last]
    return f"INSERT INTO batch VALUES {', '.join(rows)}"


def _row(step: str, parameters: int) -> str:
    return f"({step}{', ?' * parameters}{', NULL' * (_WIDTH - parameters)})"
