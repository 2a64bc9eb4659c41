"""Delete old traces from a file by hand, beside whatever records into it: by the same rules as retention."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.connection import DatabaseRefusedError, Failure, failure_of, open_for_writing
from otel_sqlite_exporter.database.essentials import DAY_NANOSECONDS
from otel_sqlite_exporter.database.retention import Retention

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_sqlite_exporter.config import ExporterOptions

_PAUSE_SECONDS: Final = 0.02


class PruneError(Exception):
    """The file can't be pruned now; its text is one line that says why."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did, or would do.

    Args:
        spans: How many spans went; of a dry run about how many would go.
        bytes_before: How large the file was.
        bytes_after: How large it is.
        is_over_cap: Whether it is larger than was asked for, with nothing left that could be deleted.
    """

    spans: int
    bytes_before: int
    bytes_after: int
    is_over_cap: bool


def prune_file(options: ExporterOptions) -> Pruned:
    """Delete what is older than ``retention_days``, then the oldest beyond ``max_database_bytes``, in small slices.

    Args:
        options: The file and its limits. A lock is waited for as long as ``busy_timeout_millis`` says.

    Raises:
        PruneError: The file is not ours, or was locked for too long.
    """
    with _open(options) as connection:
        before = _spans(connection)
        bytes_before = _bytes(options.path)
        retention = Retention(options)
        deadline = time.monotonic() + options.busy_timeout_millis / 1000
        while retention.seconds_to_next_pass == 0:
            try:
                retention.prune(connection)
                deadline = time.monotonic() + options.busy_timeout_millis / 1000
            except sqlite3.Error as error:
                if failure_of(error) is not Failure.BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_SECONDS)
        with contextlib.suppress(sqlite3.Error):  # a reader may hold it up; the recorder's next one shrinks the log
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return Pruned(before - _spans(connection), bytes_before, _bytes(options.path), retention.is_over_cap)


def would_prune(options: ExporterOptions) -> Pruned:
    """Return about what :func:`prune_file` would delete: a trace that goes on after its beginning stays whole.

    Raises:
        PruneError: The file is not ours, or was locked for too long.
    """
    with _open(options) as connection:
        size = _bytes(options.path)
        spans = _spans(connection)
        going = 0
        if options.retention_days is not None:
            cutoff = time.time_ns() - int(options.retention_days * DAY_NANOSECONDS)
            (going,) = connection.execute(
                "SELECT count(*) FROM spans WHERE start_time_unix_nano < ?", (cutoff,)
            ).fetchone()
        kept = size * (spans - going) / spans if spans else 0.0
        if options.max_database_bytes is not None and kept > options.max_database_bytes:
            going += int((spans - going) * (1 - options.max_database_bytes / kept))
        return Pruned(going, size, int(size * (spans - going) / spans) if spans else size, is_over_cap=False)


@contextlib.contextmanager
def _open(options: ExporterOptions) -> Iterator[sqlite3.Connection]:
    try:
        _, connection = open_for_writing(options.path)
    except (DatabaseRefusedError, sqlite3.Error, OSError) as error:
        raise PruneError(str(error)) from None
    with contextlib.closing(connection):
        try:
            yield connection
        except sqlite3.Error as error:
            raise PruneError(f"{options.path}: {error}; what was deleted so far is gone, the rest is whole") from None


def _spans(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])


def _bytes(path: str) -> int:
    return Path(path).stat().st_size
