"""Answers of several rows: a sequence that becomes a DataFrame, JSON, or a table in a notebook."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from otel_sqlite_exporter.reading.building import Json, Plain, json_text, plain
from otel_sqlite_exporter.reading.failures import ReadingError
from otel_sqlite_exporter.reading.notes import SearchedTo
from otel_sqlite_exporter.reading.text_table import ROWS_SHOWN, shown_columns, text_table
from otel_sqlite_exporter.reading.units import counted

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_Row_co = TypeVar("_Row_co", covariant=True)


class Answer(ABC):
    """What every answer of several rows can become."""

    __slots__ = ()

    note: str | None
    """What to know about the rows in one line."""

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The names of the columns."""

    @abstractmethod
    def dicts(self) -> list[dict[str, Json]]:
        """Return the rows as dictionaries that JSON can hold."""

    def flat(self) -> list[dict[str, Plain]]:
        """Return the rows as dictionaries of plain values: nested ones as JSON text, for tables and CSV."""
        return [
            {
                name: json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
                for name, value in row.items()
            }
            for row in self.dicts()
        ]

    def json(self, *, indent: int | None = None) -> str:
        """Return the rows as the text of one JSON array."""
        return json_text(self.dicts(), indent=indent)

    def df(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame; nested values are JSON text.

        Raises:
            ReadingError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - where it is installed
        except ModuleNotFoundError:
            raise ReadingError("df() needs pandas: pip install pandas") from None
        return pd.DataFrame(self.flat(), columns=self.columns)

    def pl(self) -> pl.DataFrame:
        """Return the rows as a polars DataFrame; nested values are JSON text.

        Raises:
            ReadingError: polars is not installed.
        """
        try:
            import polars as pl  # noqa: PLC0415 - where it is installed
        except ModuleNotFoundError:
            raise ReadingError("pl() needs polars: pip install polars") from None
        rows = self.flat()
        return pl.DataFrame({name: [row[name] for row in rows] for name in self.columns}, strict=False)

    def _repr_html_(self) -> str:
        from otel_sqlite_exporter.reading.html import table_html  # noqa: PLC0415 - only a notebook needs it

        return table_html(self.columns, self.flat(), self.note)


class Rows(Sequence[_Row_co], Answer, Generic[_Row_co]):
    """Rows of one kind, newest or largest first. Immutable.

    Args:
        row_type: The rows' dataclass.
        rows: The rows.
        note: What to know about them in one line, such as the period that they are of; None for nothing.
        columns: The columns that say something; all fields by default.
    """

    __slots__ = ("_columns", "_rows", "note", "row_type")

    def __init__(
        self,
        row_type: type[_Row_co],
        rows: Sequence[_Row_co],
        note: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> None:
        self._rows = tuple(rows)
        self._columns = columns
        self.row_type = row_type
        self.note = note

    @overload
    def __getitem__(self, index: int) -> _Row_co: ...
    @overload
    def __getitem__(self, index: slice) -> Rows[_Row_co]: ...
    def __getitem__(self, index: int | slice) -> _Row_co | Rows[_Row_co]:
        if isinstance(index, slice):
            return Rows(self.row_type, self._rows[index], self.note, self._columns)
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        note = f", {self.note}" if self.note else ""
        head = f"<{counted(len(self), 'row')} of {self.row_type.__name__}{note}>"
        return text_table(head, self._shown_columns(), self[:ROWS_SHOWN].flat())

    def _shown_columns(self) -> list[str]:
        """Return the columns to look at: what a sum lacks only where one does."""
        columns = shown_columns(self.row_type.__name__, self.columns)
        return [
            name
            for name in columns
            if not name.startswith("calls_without_") or any(getattr(row, name) for row in self._rows)
        ]

    @property
    def is_partial(self) -> bool:
        """Whether a search was over before it had looked at everything: what stands further back is left out."""
        return isinstance(self.note, SearchedTo)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        if self._columns is not None:
            return list(self._columns)
        return [
            field.name
            for field in fields(self.row_type)  # type: ignore[arg-type]
            if not field.metadata or any(getattr(row, field.name) is not None for row in self._rows)
        ]

    def _repr_html_(self) -> str:
        from otel_sqlite_exporter.reading.html import table_html  # noqa: PLC0415 - as above

        return table_html(self._shown_columns(), self.flat(), self.note)

    def dicts(self) -> list[dict[str, Json]]:
        """Return the rows as dictionaries that JSON can hold."""
        columns = self.columns
        return [{name: plain(getattr(row, name)) for name in columns} for row in self._rows]


class Table(Sequence[tuple[Plain, ...]], Answer):
    """Rows of a query of one's own. Immutable.

    Args:
        columns: The names of the columns.
        rows: The rows.
        is_cut: Whether there are more rows than were asked for.
    """

    __slots__ = ("_columns", "_rows", "is_cut", "note")

    def __init__(self, columns: Sequence[str], rows: Sequence[tuple[Plain, ...]], *, is_cut: bool = False) -> None:
        self._columns = list(columns)
        self._rows = tuple(rows)
        self.is_cut = is_cut
        self.note = f"the first {counted(len(self._rows), 'row')}" if is_cut else None

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._columns)

    @overload
    def __getitem__(self, index: int) -> tuple[Plain, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> Table: ...
    def __getitem__(self, index: int | slice) -> tuple[Plain, ...] | Table:
        if isinstance(index, slice):
            return Table(self._columns, self._rows[index])
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return text_table(f"<{counted(len(self), 'row')}>", self._columns, self[:ROWS_SHOWN].flat())

    def dicts(self) -> list[dict[str, Json]]:
        """Return the rows as dictionaries; of columns with the same name the last one counts."""
        return [dict(zip(self._columns, map(plain, row), strict=True)) for row in self._rows]
