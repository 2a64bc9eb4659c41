"""While no span comes: the ledger says again and again that the process lives, and that nothing waits."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.essentials import HEARTBEAT_SECONDS

if TYPE_CHECKING:
    from otel_sqlite_exporter.database.writer import DatabaseWriter
    from otel_sqlite_exporter.pipeline.counts import Tally

_RETRY_SECONDS: Final = 1.0
_FOREVER: Final = -1.0
_QUIET_DELAYS: Final = 2.0  # a stream of single spans, each a delay after the other, then costs nothing more


class Heartbeat:
    """Tell how much a process may have lost that was killed.

    A batch tells what had been received when it was written; of what came later nobody knows. So a ledger that is
    silent after a batch may lack what gathered for the next one. It is soon told that nothing did.

    Args:
        database: The file.
        tally: The processor's counts.
        delay_seconds: How long spans gather.
    """

    def __init__(self, database: DatabaseWriter, tally: Tally, delay_seconds: float) -> None:
        self._database = database
        self._tally = tally
        self._delay = delay_seconds
        self._idle_from = self._due = time.monotonic()

    def delay_no_more(self) -> None:
        """Take note that nothing gathers any more. Any thread, any time."""
        self._delay = 0.0
        self._idle_from = self._due = time.monotonic()

    def wrote(self) -> None:
        """Take note that the ledger was written just now, with a batch."""
        now = time.monotonic()
        self._idle_from = now + self._delay
        self._due = now + min(_QUIET_DELAYS * self._delay, HEARTBEAT_SECONDS)

    @property
    def seconds_to_next(self) -> float:
        """How long the ledger needs nothing, -1 where that is forever: nothing was ever written."""
        return max(self._due - time.monotonic(), 0.0) if self._database.has_ledger else _FOREVER

    @property
    def is_due(self) -> bool:
        """Whether the ledger is to be written now."""
        return self.seconds_to_next == 0

    def run(self, *, is_writable: bool) -> None:
        """Write the ledger where that is possible. What goes wrong is no loss, and tried again."""
        now = time.monotonic()
        self._due = now + _RETRY_SECONDS
        if not is_writable:
            return
        try:
            self._database.beat(replace(self._tally.counts(), is_idle=now >= self._idle_from))
            self._due = now + HEARTBEAT_SECONDS
        except Exception:  # noqa: BLE001 - a batch that can't be written either reports it
            return
