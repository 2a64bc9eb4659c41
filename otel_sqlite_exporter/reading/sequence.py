"""Answers of several rows: a sequence that becomes a DataFrame, JSON, or a table in a notebook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from otel_sqlite_exporter.reading.building import Json, json_text, plain
from otel_sqlite_exporter.reading.failures import ReadingError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_Row_co = TypeVar("_Row_co", covariant=True)


class Rows(Sequence[_Row_co], Generic[_Row_co]):
    """Rows of one kind, newest or largest first. Immutable.

    Args:
        row_type: The rows' dataclass.
        rows: The rows.
        note: What to know about them in one line, such as the period that they are of; None for nothing.
    """

    __slots__ = ("_rows", "note", "row_type")

    def __init__(self, row_type: type[_Row_co], rows: Sequence[_Row_co], note: str | None = None) -> None:
        self._rows = tuple(rows)
        self.row_type = row_type
        self.note = note

    @overload
    def __getitem__(self, index: int) -> _Row_co: ...
    @overload
    def __getitem__(self, index: slice) -> Rows[_Row_co]: ...
    def __getitem__(self, index: int | slice) -> _Row_co | Rows[_Row_co]:
        if isinstance(index, slice):
            return Rows(self.row_type, self._rows[index], self.note)
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<{len(self)} rows of {self.row_type.__name__}>"

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [field.name for field in fields(self.row_type)]  # type: ignore[arg-type]

    def dicts(self) -> list[dict[str, Json]]:
        """Return the rows as dictionaries that JSON can hold."""
        return [row for row in map(plain, self._rows) if isinstance(row, dict)]

    def json(self, *, indent: int | None = None) -> str:
        """Return the rows as the text of one JSON array."""
        return json_text(self._rows, indent=indent)

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

    def flat(self) -> list[dict[str, bool | int | float | str | None]]:
        """Return the rows as dictionaries of plain values: nested ones as JSON text, for tables and CSV."""
        return [
            {
                name: json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
                for name, value in row.items()
            }
            for row in self.dicts()
        ]
