"""What was committed since the file was last seen at its place: it is written again where the file turns out gone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.batch import Batch
from otel_sqlite_exporter.database.transactions import Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_sqlite_exporter.database.ledger import Counts

_LOOK_SECONDS: Final = 0.1


class Unseen:
    """Batches that were committed to a file which nobody has seen at its path since.

    Looking takes hardly any processor time, but it gives the GIL away for each file that is looked at, and a CPU-bound
    thread keeps it for 5 ms each time (``python -m benchmarks kept``). So it waits while one batch follows another.
    """

    def __init__(self) -> None:
        self._committed: list[tuple[list[Batch], Written]] = []
        self._lost: list[Batch] = []
        self._seen = Written()
        self._next_look = 0.0

    def __bool__(self) -> bool:
        """Whether there is anything of which the caller was not told what became of it."""
        return bool(self._committed or self._lost or self._seen.written or self._seen.failed)

    @property
    def may_wait(self) -> bool:
        """Whether the last look was not long ago."""
        return time.monotonic() < self._next_look

    def before(self, batch: Batch) -> Batch:
        """Return what has to be written: a batch, and with it those that are lost."""
        return Batch.joined([*self._lost, batch]) if self._lost else batch

    def counting(self, counts_after: Callable[[int, int], Counts]) -> Callable[[int, int], Counts]:
        """Return what counts the next batch's spans together with those of which the caller was not told yet."""
        untold = self._untold()
        return lambda written, failed: counts_after(untold.written + written, untold.failed + failed)

    def commit(self, batch: Batch, result: Written) -> None:
        """Take note of what :meth:`before` returned: it is committed."""
        self._committed.append(([*self._lost, batch], result))
        self._lost = []

    def take_back(self) -> None:
        """Forget the last batch: it will be written again."""
        batches, _ = self._committed.pop()
        self._lost = batches[:-1]

    def found(self) -> None:
        """Take note that the file was seen, or is kept: what is in it can't be lost any more."""
        self._seen = self._untold()
        self._committed = []
        self._next_look = time.monotonic() + _LOOK_SECONDS

    def lose(self) -> None:
        """Take note that the file is gone, and what was committed to it has to be written again."""
        self._lost = [*(batch for batches, _ in self._committed for batch in batches), *self._lost]
        self._committed = []

    def take(self) -> Written:
        """Return what became of everything but what has to be written again, and forget it."""
        untold = self._untold()
        self._committed, self._seen = [], Written()
        return untold

    def give_up(self) -> Written:
        """Return what becomes of what has to be written again where it is not."""
        given_up = sum(len(batch.records) for batch in self._lost)
        self._lost = []
        return Written(0, given_up)

    def _untold(self) -> Written:
        untold = self._seen
        for _, result in self._committed:
            untold = untold.plus(result)
        return untold
