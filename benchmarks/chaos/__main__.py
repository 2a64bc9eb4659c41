"""``python -m benchmarks.chaos [--minutes 10] [--seed 1]``: print what was found; exit status 1 where it disagrees."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks import chaos
from benchmarks.chaos.books import balance
from benchmarks.chaos.driver import Chaos
from benchmarks.measure import scratch
from benchmarks.report import Figure, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def _small_disk(directory: Path) -> Iterator[bool]:
    """Mount a disk with room for ten minutes on a directory; give whether that was possible, which takes root."""
    directory.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", "size=512m,mode=700", "tmpfs", str(directory)]
    is_mounted = os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(directory)], check=True)


def _kept(place: Path, seed: int) -> Path:
    """Copy everything to where it stays when the disk is gone."""
    evidence = place.with_name(f"otel-sqlite-chaos-{seed}-{os.getpid()}")
    evidence.mkdir(mode=0o700)
    for part in ("disk", "journals"):
        shutil.copytree(place / part, evidence / part)
    return evidence


def main() -> int:
    """Soak, print a table, and return 0 where journals, ledgers and rows agree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=chaos.__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: the time")
    asked = parser.parse_args()
    with scratch() as place, _small_disk(place / "disk") as is_own_disk:
        (place / "journals").mkdir()
        driver = Chaos(place / "disk", place / "journals", asked.seed, is_own_disk=is_own_disk)
        files = driver.run(asked.minutes * 60)
        evidence = _kept(place, asked.seed)  # looking at a file takes its log in
        books = balance(driver.lives, files)
        left = len(list((place / "disk").glob("*.left-*-wal")))
    figures = [Figure("chaos", name, count, "times") for name, count in sorted(driver.harms.items())]
    figures += [
        Figure("chaos", "producers", len(driver.lives), ""),
        Figure("chaos", "files", len(files), ""),
        Figure("chaos", "logs set aside", left, ""),
        Figure("chaos", "spans ended", books.ended, "spans"),
        Figure("chaos", "rows", books.rows, "rows"),
        Figure("chaos", "of them in two files, which were moved meanwhile", books.twice, "rows"),
        Figure("chaos", "dropped, by the ledgers", books.dropped, "spans"),
        Figure("chaos", "gone with killed producers", books.killed, "spans"),
        Figure("chaos", "of them foretold by the ledgers", books.foretold, "spans"),
        Figure("chaos", "journals, ledgers and rows that disagree", len(books.faults), "", target=0),
    ]
    print(f"seed {asked.seed}")
    print(table(figures))
    for fault in books.faults:
        print(fault)
    if books.faults:
        print(
            f"seed {asked.seed}: the files as the producers left them, and what was done when, are kept in {evidence}"
        )
    else:
        shutil.rmtree(evidence)
    return 1 if books.faults else 0


if __name__ == "__main__":
    sys.exit(main())
