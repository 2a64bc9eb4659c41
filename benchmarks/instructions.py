"""Instructions that one stored span takes, against the OTLP JSON file exporter: what no other process can disturb.

``valgrind --tool=callgrind`` counts what the processor executes in user space, so that a change of one percent shows on
the noisiest machine. Kernel time is not in it, and an instruction of SQLite takes longer than one of Python: what users
feel is what :mod:`benchmarks.cpu` measures. Where there is no valgrind there are no figures.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.json.file import FileSpanExporter

from benchmarks.measure import scratch
from benchmarks.report import Figure
from benchmarks.workloads import WORKLOADS, ended_spans
from otel_sqlite_exporter import SQLiteSpanExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace.export import SpanExporter

_BATCH: Final = 50
_WARM_UP: Final = 2
_MEASURED: Final = 2
_LONG_WARM_UP: Final = 100
_LATER: Final = f" after {_BATCH * _LONG_WARM_UP:,}"
"""Of workloads that are measured once the recorder has as many calls to compare with as it ever remembers."""
_TOTALS: Final = re.compile(r"^totals: (\d+)$", re.MULTILINE)

# A function of the C library that Python calls for nothing else: before each call of it callgrind writes down what was
# executed since the one before.
_MARK: Final = "ctermid"


def run(*, quick: bool) -> list[Figure]:
    """Count for every workload, one after another in one process."""
    if shutil.which("valgrind") is None:
        return []
    names = [name for name in WORKLOADS if not name.startswith("200 kB")][: 1 if quick else None]
    figures = []
    for name, ours, otlp in _counted(names if quick else [*names, f"{names[0]}{_LATER}"]):
        figures.append(
            Figure("instructions", f"instructions per span, {name}", ours / 1e3, "k", otlp / 1e3, "OTLP JSON file")
        )
    return figures


def _counted(names: Sequence[str]) -> list[tuple[str, float, float]]:
    with scratch() as directory:
        command = ["valgrind", "--tool=callgrind", f"--dump-before={_MARK}", "--callgrind-out-file=parts"]
        command += [sys.executable, "-m", __spec__.name, *names]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).parents[1])}
        subprocess.run(command, cwd=directory, env=environment, check=True, capture_output=True)
        parts = [_total(directory / f"parts.{number}") for number in range(1, 4 * len(names) + 1)]
    spans = _BATCH * _MEASURED
    # Each workload gives four parts: what came before, ours, what lies between, the peer's.
    return [
        (name, parts[at + 1] / spans, parts[at + 3] / spans)
        for at, name in zip(range(0, len(parts), 4), names, strict=True)
    ]


def _total(part: Path) -> int:
    found = _TOTALS.search(part.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{part} has no total")
    return int(found[1])


def _work(names: Sequence[str], mark: Callable[[], object]) -> None:
    """Export batches of each workload, with a mark before and after those that count."""
    gc.disable()  # whose turn it is to collect depends on what was done before
    for name in names:
        make = WORKLOADS[name.removesuffix(_LATER)]
        warm_up = _LONG_WARM_UP if name.endswith(_LATER) else _WARM_UP
        directory = Path(name)
        directory.mkdir()
        exporters: tuple[SpanExporter, ...] = (
            SQLiteSpanExporter(directory / "ours.db"),
            FileSpanExporter(directory / "otlp.jsonl"),
        )
        for exporter in exporters:
            for _ in range(warm_up):
                exporter.export(ended_spans(make, _BATCH))
            batches = [ended_spans(make, _BATCH) for _ in range(_MEASURED)]  # later than those before, as spans come
            mark()
            for batch in batches:
                exporter.export(batch)
            mark()
            exporter.shutdown()


if __name__ == "__main__":
    _work(sys.argv[1:], os.ctermid)
