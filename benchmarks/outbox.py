"""What leaves the file costs: Parquet, and many files into one.

Run as ``python -m benchmarks.outbox parquet [calls]`` (a million by default) or ``... merge [spans of each of ten]``.
Each part is measured in a process of its own; sums are compared by every engine that is installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import TYPE_CHECKING, Any, Final

from benchmarks.filling import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FILES: Final = 10
_SUMS: Final = "count(*), sum(input_tokens), sum(output_tokens), sum(total_tokens), sum(cost_usd)"
_ONE_PART: Final = 3
_COUNTED: Final = ("spans", "messages", "span_messages", "recorders", "usage")


def main(what: str, spans: int) -> None:
    """Measure with files of so many spans, a multiple of 1,000."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        if what == "parquet":
            fill(directory / "0.db", spans)
            size = (directory / "0.db").stat().st_size
            print(f"file: {spans:,} calls, {size / 1e6:,.0f} MB, {size / spans:.0f} B a call", flush=True)
            for layout in ("calls", "otel"):
                _apart("layout", str(directory), layout)
            _compare(directory / "0.db", directory / "calls")
        else:
            for number in range(_FILES):
                fill(directory / f"{number}.db", spans)
                _tell_apart(directory / f"{number}.db", number)
            for turn in ("first", "second"):
                _apart("merge", str(directory), turn)


def _apart(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "benchmarks.outbox", *words], check=True)


def _layout(directory: Path, layout: str) -> None:
    from otel_sqlite_exporter.sending.parquet import export_parquet

    lake = directory / layout
    rows = 0

    def export() -> None:
        nonlocal rows
        rows, _ = export_parquet(str(directory / "0.db"), str(lake), layout)

    told = _measured(export)
    files = list(lake.rglob("*.parquet"))
    size = sum(file.stat().st_size for file in files)
    print(
        f"parquet {layout}: {rows:,} rows, {told(rows)}, {size / 1e6:,.0f} MB ({size / rows:.0f} B a row)", flush=True
    )


def _merge(directory: Path, turn: str) -> None:
    from otel_sqlite_exporter.sending.merge import merge_files

    out = directory / "out" / "all.db"
    out.parent.mkdir(mode=0o700, exist_ok=True)
    files = sorted(str(file) for file in directory.glob("*.db"))
    spans = sum(_counts(Path(file))[0] for file in files)
    before = _counts(out) if out.exists() else None
    told = _measured(lambda: merge_files(str(out), files, merged=lambda *_: None, advance=lambda _: None))
    after = _counts(out)
    print(
        f"merge, {turn} time: {spans:,} spans of {len(files)} files, {told(spans)}, {after[0]:,} spans there",
        flush=True,
    )
    if before is not None:
        print(f"rows of {', '.join(_COUNTED)} as before: {before == after}")


def _compare(file: Path, lake: Path) -> None:
    """Print whether every engine finds the sums that SQLite finds."""
    with closing(connect(file)) as connection:
        expected = connection.execute(f"SELECT {_SUMS} FROM llm_calls").fetchone()
    print(f"sums by SQLite: {expected}")
    pattern = f"{lake}/*/*.parquet"
    for name, ask in (("duckdb", _by_duckdb), ("chdb", _by_chdb), ("polars", _by_polars)):
        if importlib.util.find_spec(name) is not None:
            started = time.perf_counter()
            found = ask(pattern)
            is_same = all(
                math.isclose(float(one or 0), float(other or 0)) for one, other in zip(expected, found, strict=True)
            )
            print(
                f"sums by {name}: the same: {is_same}, {time.perf_counter() - started:.2f} s with its import",
                flush=True,
            )


def _by_duckdb(pattern: str) -> Sequence[float]:
    duckdb: Any = importlib.import_module("duckdb")
    found: Sequence[float] = duckdb.sql(f"SELECT {_SUMS} FROM read_parquet('{pattern}')").fetchall()[0]
    return found


def _by_chdb(pattern: str) -> Sequence[float]:
    chdb: Any = importlib.import_module("chdb")
    answer = chdb.query(f"SELECT {_SUMS} FROM file('{pattern}', Parquet)", "TabSeparated").bytes().decode()
    return [0.0 if value == r"\N" else float(value) for value in answer.split()]


def _by_polars(pattern: str) -> Sequence[float]:
    polars: Any = importlib.import_module("polars")
    columns = [polars.col(name).sum() for name in ("input_tokens", "output_tokens", "total_tokens", "cost_usd")]
    found: Sequence[float] = polars.scan_parquet(pattern).select(polars.len(), *columns).collect().row(0)
    return found


def _measured(action: Callable[[], object]) -> Callable[[int], str]:
    """Do something and return what tells the time that each of a number of rows took, and the memory."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = _most_memory() / 1e6
    return lambda rows: f"{cpu:.0f} s of CPU ({cpu / rows * 1e6:.0f} us each), {wall:.0f} s, at most {memory:.0f} MB"


def _most_memory() -> int:
    """Return the most bytes that this process had; ``getrusage`` knows those of the one that it was forked from."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _counts(file: Path) -> tuple[int, ...]:
    with closing(connect(file)) as connection:
        return tuple(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _COUNTED)


def _tell_apart(file: Path, number: int) -> None:
    """Give the spans of a file ids of their own: all were filled from one template."""
    with closing(connect(file)) as connection, connection:
        connection.execute("UPDATE spans SET trace_id = printf('%08x', ?) || substr(trace_id, 9)", (number,))


if __name__ == "__main__":
    if len(sys.argv) > _ONE_PART:
        {"layout": _layout, "merge": _merge}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
    else:
        main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == _ONE_PART else 1_000_000)
