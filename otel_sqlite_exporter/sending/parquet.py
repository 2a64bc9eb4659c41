"""Parquet out of a file: by day, in blocks of ids, so that a repeated export writes the same files again."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from otel_sqlite_exporter.database.essentials import DAY_NANOSECONDS
from otel_sqlite_exporter.reading.connection import ReadConnection
from otel_sqlite_exporter.reading.moments import date_of
from otel_sqlite_exporter.reading.stored import PageRules, Place, identity, next_page
from otel_sqlite_exporter.sending.parquet_calls import CALLS_SCHEMA, call_row
from otel_sqlite_exporter.sending.parquet_otel import OTEL_SCHEMA, otel_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from otel_sqlite_exporter.reading.stored import StoredSpan

LAYOUTS: Final = {"calls": (CALLS_SCHEMA, call_row), "otel": (OTEL_SCHEMA, otel_row)}
"""For each layout the columns, and what makes a row of a span; None for a span that is not in it."""

BLOCK: Final = 100_000
"""Ids of one file: those that are named in its name, whether there are rows for all of them or not."""

_PAGE: Final = PageRules(max_spans=2_000, max_bytes=8_000_000)
_BUFFERED_ROWS: Final = 20_000
_BUFFERED_BYTES: Final = 64_000_000
_BUSY_SECONDS: Final = 60.0


def export_parquet(
    path: str, directory: str, layout: str, *, block: int = BLOCK, advance: Callable[[int], None] = lambda _: None
) -> tuple[int, int]:
    """Write ``day=YYYY-MM-DD/<file id>-<first id>-<last id>.parquet`` below a directory.

    Args:
        path: The recorded file; it may be recorded into meanwhile.
        directory: Where to; made where there is none.
        layout: One of :data:`LAYOUTS`.
        block: Ids of one file.
        advance: Told how many spans were read.

    Returns:
        How many rows were written, and into how many files.

    Raises:
        ReadingError: The file can't be read.
        OSError: The directory can't be written to.
    """
    schema, make = LAYOUTS[layout]
    rows = files = 0
    connection = ReadConnection(path, seconds=None, busy_seconds=_BUSY_SECONDS)
    try:
        file_id = identity(connection) or "unknown"
        for first, spans in _blocks(connection, block):
            with _Days(Path(directory), f"{file_id}-{first:012d}-{first + block - 1:012d}", schema) as days:
                for span in spans:
                    row = make(span, file_id)
                    if row is not None:
                        days.add(_day(span.start_time_unix_nano), row, len(span.attributes) + _message_bytes(span))
                    advance(1)
            rows += days.rows
            files += days.files
    finally:
        connection.close()
    return rows, files


def _blocks(connection: ReadConnection, block: int) -> Iterator[tuple[int, Iterator[StoredSpan]]]:
    """Yield the first id of each block that has rows, and its rows."""
    spans = _all(connection)
    following = next(spans, None)
    while following is not None:
        first = (following.id - 1) // block * block + 1
        held = [following]

        def of_block(last: int = first + block - 1, held: list[StoredSpan] = held) -> Iterator[StoredSpan]:
            yield held.pop()
            for span in spans:
                if span.id > last:
                    held.append(span)
                    return
                yield span

        yield first, of_block()
        following = held.pop() if held else None


def _all(connection: ReadConnection) -> Iterator[StoredSpan]:
    # Nothing is "changed" for somebody who has seen every change that there can be.
    place = Place(0, (1 << 63) - 1)
    while True:
        page = next_page(connection, place, _PAGE)
        if page.after == place:
            return
        yield from page.spans
        place = page.after


class _Days:
    """The files of one block, one for each day; they get their names once they are whole."""

    def __init__(self, directory: Path, name: str, schema: pa.Schema) -> None:
        self._directory = directory
        self._name = name
        self._schema = schema
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._buffers: defaultdict[str, list[Mapping[str, object]]] = defaultdict(list)
        self._buffered_rows = self._buffered_bytes = 0
        self.rows = 0

    @property
    def files(self) -> int:
        """How many days there are."""
        return len(self._writers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._flush()
        with ExitStack() as stack:
            for writer in self._writers.values():
                stack.callback(writer.close)
        for day in self._writers:
            if error is None:
                self._path(day, ".tmp").replace(self._path(day))
            else:
                self._path(day, ".tmp").unlink(missing_ok=True)

    def add(self, day: str, row: Mapping[str, object], size: int) -> None:
        """Add a row to the file of its day."""
        self._buffers[day].append(row)
        self._buffered_rows += 1
        self._buffered_bytes += size
        if self._buffered_rows >= _BUFFERED_ROWS or self._buffered_bytes >= _BUFFERED_BYTES:
            self._flush()

    def _flush(self) -> None:
        for day, rows in self._buffers.items():
            if rows:
                self._writer(day).write_table(pa.Table.from_pylist(rows, schema=self._schema))
                self.rows += len(rows)
                rows.clear()
        self._buffered_rows = self._buffered_bytes = 0

    def _writer(self, day: str) -> pq.ParquetWriter:
        if day not in self._writers:
            self._path(day).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = self._path(day, ".tmp")
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))  # prompts are nobody else's
            self._writers[day] = pq.ParquetWriter(temporary, self._schema, compression="zstd")
        return self._writers[day]

    def _path(self, day: str, suffix: str = "") -> Path:
        return self._directory / f"day={day}" / f"{self._name}.parquet{suffix}"


def _day(unix_nano: int) -> str:
    return date_of(max(unix_nano, 0) // DAY_NANOSECONDS)


def _message_bytes(span: StoredSpan) -> int:
    return sum(len(message.text or "") + len(message.parts or "") for message in span.messages)
