"""Nothing is lost and nothing grows, for as long as you let it run: ``python -m benchmarks.soak [--minutes 10]``.

Four processes record into one file, which a fifth prunes. Meanwhile another one holds the write lock now and then, and
one more reads, in transactions long enough to keep the write-ahead log from being reset.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from benchmarks.measure import median, scratch
from benchmarks.processes import open_files, resident_bytes
from benchmarks.report import Figure, table
from benchmarks.stream import Pace, distinct_spans
from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future
    from pathlib import Path

_RECORDERS: Final = 4
_RATE: Final = 50
_PRUNER_RATE: Final = 1
_MAX_DATABASE_BYTES: Final = 20 << 20
_TICK_SECONDS: Final = 0.02
_SAMPLE_SECONDS: Final = 1.0
_LOCK_EVERY_SECONDS: Final = 3.0
_LOCK_SECONDS: Final = 0.4
_READ_SECONDS: Final = 2.0
_BETWEEN_READS_SECONDS: Final = 1.0
_SPANS_PER_CHUNK: Final = 500
_WARM_UP: Final = 0.25
_MEBIBYTE: Final = 1 << 20
_WAL_LIMIT_MEBIBYTES: Final = 64.0
_GROWTH_LIMIT_MEBIBYTES: Final = 4.0
_ON_END_LIMIT_MILLIS: Final = 50.0


@dataclass(frozen=True, slots=True)
class _Recording:
    """What one recording process saw.

    Args:
        pid: Its id.
        ended: Spans that it ended.
        received: What ``stats()`` says at the end.
        written: As above.
        dropped: As above.
        worst_on_end: The longest call, in seconds.
        resident: Bytes, sampled every second.
        files: Open file descriptors, sampled every second.
    """

    pid: int
    ended: int
    received: int
    written: int
    dropped: int
    worst_on_end: float
    resident: list[float]
    files: list[float]


def main() -> int:
    """Soak, print what was found as one table, and return 0 where every limit was kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    seconds = parser.parse_args().minutes * 60
    with scratch() as directory:
        figures = _soak(directory / "soak.db", seconds)
    print(table(figures))
    return 1 if any(figure.verdict == "MISSED" for figure in figures) else 0


def _soak(path: Path, seconds: float) -> list[Figure]:
    first = SQLiteSpanExporter(path)
    first.export(list(distinct_spans(1)))
    first.shutdown()
    until = time.time() + seconds
    with ProcessPoolExecutor(_RECORDERS + 3, mp_context=get_context("spawn")) as pool:
        recordings = [pool.submit(_record, path, until, _RATE, None) for _ in range(_RECORDERS)]
        recordings.append(pool.submit(_record, path, until, _PRUNER_RATE, _MAX_DATABASE_BYTES))
        others = [pool.submit(_hold_locks, path, until), pool.submit(_read, path, until)]
        sizes = _watch(path, [*recordings, *others])
        results = [recording.result() for recording in recordings]
        locks, reads = (other.result() for other in others)
    return [
        *_what_processes_saw(results),
        *_what_the_file_says(path, results),
        Figure("soak", "write-ahead log, largest", max(sizes), "MiB", target=_WAL_LIMIT_MEBIBYTES),
        Figure("soak", "file at the end", path.stat().st_size / _MEBIBYTE, "MiB"),
        Figure("soak", "times that the write lock was held", locks, "", target=1, at_least=True),
        Figure("soak", "times that everything was read", reads, "", target=1, at_least=True),
    ]


def _watch(path: Path, futures: Sequence[Future[_Recording] | Future[int]]) -> list[float]:
    """Return the sizes of the write-ahead log in MiB while the processes run."""
    log = path.with_name(f"{path.name}-wal")
    sizes = [0.0]
    while not all(future.done() for future in futures):
        time.sleep(_SAMPLE_SECONDS)
        with contextlib.suppress(FileNotFoundError):
            sizes.append(log.stat().st_size / _MEBIBYTE)
    return sizes


def _what_processes_saw(results: list[_Recording]) -> list[Figure]:
    ended = sum(result.ended for result in results)
    lost = sum(abs(result.ended - result.received) + abs(result.received - result.written) for result in results)
    return [
        Figure("soak", "spans ended", ended, "spans"),
        Figure("soak", "lost, by stats()", lost, "spans", target=0),
        Figure("soak", "dropped, by stats()", sum(result.dropped for result in results), "spans", target=0),
        Figure(
            "soak",
            "on_end, the longest",
            max(result.worst_on_end for result in results) * 1e3,
            "ms",
            target=_ON_END_LIMIT_MILLIS,
        ),
        Figure(
            "soak",
            "resident memory, growth of the worst process",
            max(_growth(result.resident) for result in results) / _MEBIBYTE,
            "MiB",
            target=_GROWTH_LIMIT_MEBIBYTES,
        ),
        Figure(
            "soak",
            "open files, growth of the worst process",
            max(_growth(result.files) for result in results),
            "files",
            target=0,
        ),
    ]


def _what_the_file_says(path: Path, results: list[_Recording]) -> list[Figure]:
    connection = sqlite3.connect(path)
    disagreements = 0
    for result in results:
        rows = connection.execute(
            "SELECT received, written, dropped, clean_exit FROM recorders WHERE pid = ?", (result.pid,)
        ).fetchall()
        disagreements += rows != [(result.ended, result.ended, 0, 1)]
    (written,) = connection.execute("SELECT sum(written) FROM recorders").fetchone()
    (inserted,) = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'spans'").fetchone()
    (kept,) = connection.execute("SELECT count(*) FROM spans").fetchone()
    problems = sum(row != ("ok",) for row in connection.execute("PRAGMA integrity_check"))
    connection.close()
    return [
        Figure("soak", "processes whose ledger disagrees", disagreements, "", target=0),
        Figure("soak", "rows inserted less spans written", abs(inserted - written), "rows", target=0),
        Figure("soak", "rows pruned", inserted - kept, "rows"),
        Figure("soak", "problems of integrity_check", problems, "", target=0),
    ]


def _growth(samples: list[float]) -> float:
    """Return by how much the second half of what follows the warm-up is above the first."""
    warm = samples[int(len(samples) * _WARM_UP) :]
    half = len(warm) // 2
    return median(warm[half:]) - median(warm[:half])


def _record(path: Path, until: float, rate: float, max_database_bytes: int | None) -> _Recording:
    processor = SQLiteSpanProcessor(path, max_database_bytes=max_database_bytes)
    pace = Pace(rate)
    resident: list[float] = []
    files: list[float] = []
    ended, worst, next_sample = 0, 0.0, 0.0
    spans = distinct_spans(_SPANS_PER_CHUNK)
    while time.time() < until:
        for _ in range(pace.due()):
            if ended and ended % _SPANS_PER_CHUNK == 0:
                spans = distinct_spans(_SPANS_PER_CHUNK)
            span = next(spans)
            start = time.perf_counter()
            processor.on_end(span)
            worst = max(worst, time.perf_counter() - start)
            ended += 1
        if pace.elapsed >= next_sample:
            next_sample = pace.elapsed + _SAMPLE_SECONDS
            resident.append(resident_bytes())
            files.append(open_files())
        time.sleep(_TICK_SECONDS)
    processor.shutdown()
    stats = processor.stats()
    dropped = sum(stats.dropped.values())
    return _Recording(os.getpid(), ended, stats.received, stats.written, dropped, worst, resident, files)


def _hold_locks(path: Path, until: float) -> int:
    """Keep everybody from writing for a while, again and again; return how often."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    times = 0
    while time.time() + _LOCK_EVERY_SECONDS < until:
        time.sleep(_LOCK_EVERY_SECONDS)
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(_LOCK_SECONDS)
        connection.execute("ROLLBACK")
        times += 1
    connection.close()
    return times


def _read(path: Path, until: float) -> int:
    """Read the views in transactions that stay open for a while; return how many there were."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    times = 0
    while time.time() < until:
        connection.execute("BEGIN")
        for question in (
            "SELECT * FROM llm_calls ORDER BY id DESC LIMIT 50",
            "SELECT * FROM usage_by_model",
            "SELECT * FROM traces LIMIT 50",
            "SELECT count(*) FROM messages WHERE text LIKE '%invoices%'",
        ):
            connection.execute(question).fetchall()
        time.sleep(_READ_SECONDS)
        connection.execute("COMMIT")
        time.sleep(_BETWEEN_READS_SECONDS)
        times += 1
    connection.close()
    return times


if __name__ == "__main__":
    sys.exit(main())
