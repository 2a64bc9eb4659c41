"""What leaves the file costs: Parquet, and many files into one. Run as ``python -m benchmarks.outbox [spans]``."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import TYPE_CHECKING

from benchmarks.filling import fill
from otel_sqlite_exporter.sending.merge import merge_files
from otel_sqlite_exporter.sending.parquet import export_parquet

if TYPE_CHECKING:
    from collections.abc import Callable

_FILES = 4


def main(spans: int) -> None:
    """Measure with files of so many spans, a multiple of 1,000."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        files = [directory / f"{number}.db" for number in range(_FILES)]
        for file in files:
            fill(file, spans)
        for layout in ("calls", "otel"):
            lake = directory / layout
            seconds = _cpu(lambda layout=layout, lake=lake: export_parquet(str(files[0]), str(lake), layout))  # type: ignore[misc]
            size = sum(file.stat().st_size for file in lake.rglob("*.parquet"))
            print(f"parquet {layout}: {seconds / spans * 1e6:.0f} us CPU and {size / spans:.0f} B a span", flush=True)
        print(f"file: {files[0].stat().st_size / spans:.0f} B a span")
        out = directory / "out.db"

        def merge() -> None:
            merge_files(str(out), [str(file) for file in files], merged=lambda *_: None, advance=lambda _: None)

        for what in ("merge", "merge again"):
            seconds = _cpu(merge)
            print(f"{what}: {seconds / spans / _FILES * 1e6:.0f} us CPU a span", flush=True)
        with closing(connect(out)) as connection:
            print(f"merged: {connection.execute('SELECT count(*) FROM spans').fetchone()[0]:,} spans")
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB of memory")


def _cpu(action: Callable[[], object]) -> float:
    before = time.process_time()
    action()
    return time.process_time() - before


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
