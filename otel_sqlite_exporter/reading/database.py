"""A recorded file, and every question that can be asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.config import resolve_path
from otel_sqlite_exporter.reading.calls import list_calls
from otel_sqlite_exporter.reading.connection import ReadConnection
from otel_sqlite_exporter.reading.failures import FileRefusedError
from otel_sqlite_exporter.reading.filters import Filters, FilterValues

if TYPE_CHECKING:
    import os
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from otel_sqlite_exporter.reading.calls import Sort
    from otel_sqlite_exporter.reading.rows import Call
    from otel_sqlite_exporter.reading.sequence import Rows

DEFAULT_SECONDS: Final = 30.0
DEFAULT_BUSY_SECONDS: Final = 5.0


def open_database(
    path: str | os.PathLike[str] | None = None,
    *,
    seconds: float | None = DEFAULT_SECONDS,
    busy_seconds: float = DEFAULT_BUSY_SECONDS,
) -> Database:
    """Open a recorded file for reading, beside whatever records into it.

    Args:
        path: The file; else ``OTEL_EXPORTER_SQLITE_PATH``, else ``llm_traces.db`` in the working directory.
        seconds: How long one question may take; None for as long as it takes.
        busy_seconds: How long to wait for a lock.

    Raises:
        FileRefusedError: There is no such file, or it is not one of ours.
    """
    try:
        resolved = resolve_path(path)
    except ValueError as error:
        raise FileRefusedError(str(error)) from None
    return Database(ReadConnection(resolved, seconds=seconds, busy_seconds=busy_seconds))


class Database:
    """A recorded file, open for reading in the thread that opened it.

    Args:
        connection: The open file; :func:`open_database` makes it.
    """

    def __init__(self, connection: ReadConnection) -> None:
        self._connection = connection

    @property
    def path(self) -> str:
        """The path that was opened."""
        return self._connection.path

    def calls(
        self,
        filters: Filters | None = None,
        *,
        limit: int | None = 100,
        sort: Sort = "time",
        before: int | None = None,
        **named: Unpack[FilterValues],
    ) -> Rows[Call]:
        """Return LLM and embedding calls, newest or largest first.

        Args:
            filters: Which ones; ``named`` are added.
            limit: How many; None for all.
            sort: ``time``, ``cost``, ``duration`` or ``tokens``.
            before: Go on after the call of this id.
            **named: Filters by name, as :class:`Filters` has them.

        Raises:
            FilterError: A filter means nothing.
        """
        return list_calls(self._connection, _combined(filters, named), limit=limit, sort=sort, before=before)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({self.path!r})"


def _combined(filters: Filters | None, named: FilterValues) -> Filters:
    return Filters.parse({**(filters.values() if filters is not None else {}), **named})
