"""Deleting what the retention limits ask for, without ever raising: what can't be deleted now is tried again later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_sqlite_exporter.database.connection import Failure, failure_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_sqlite_exporter.database.retention import Retention
    from otel_sqlite_exporter.database.writer import DatabaseWriter
    from otel_sqlite_exporter.pipeline.trouble_log import TroubleLog


class Pruner:
    """Keep a file within its limits, and say in the log where that is not possible.

    Args:
        database: The file.
        retention: What has to go.
        log: Where trouble is told.
    """

    def __init__(self, database: DatabaseWriter, retention: Retention, log: TroubleLog) -> None:
        self._database = database
        self._retention = retention
        self._log = log

    def run(self, is_enough: Callable[[], bool]) -> None:
        """Delete what has to go by now, in small slices.

        Args:
            is_enough: Asked after every slice whether to leave the rest for later.
        """
        database, retention = self._database, self._retention
        if not retention.is_wanted:
            return
        while database.connection is not None and retention.seconds_to_next_pass == 0:
            try:
                database.prune(retention)
            except Exception as error:  # noqa: BLE001 - recording goes on; the next pass tries again
                retention.postpone()
                if failure_of(error) is not Failure.BUSY:
                    self._report(error)
            if is_enough():
                break
        self._report_cap()

    def run_to_end(self, deadline: float) -> None:
        """Delete all that has to go, as the last thing before the file is closed.

        Args:
            deadline: When the file has to be closed, by ``time.monotonic``.
        """
        try:
            self._database.prune_to_end(self._retention, deadline)
        except Exception as error:  # noqa: BLE001 - the next process that uses the file tries again
            self._report(error)
        self._report_cap()

    def _report(self, error: Exception) -> None:
        self._log.trouble("retention", "%s: old traces could not be deleted (%s)", self._database.path, error)

    def _report_cap(self) -> None:
        path = self._database.path
        if self._retention.is_over_cap:
            self._log.trouble("cap", "%s: larger than max_database_bytes with nothing left to delete", path)
        else:
            self._log.over("cap", "%s: within max_database_bytes again", path)
