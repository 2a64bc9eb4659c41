"""Run benchmarks: ``python -m benchmarks [--quick] [--json FILE] [NAME ...]``."""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Final

from benchmarks.report import Figure, as_json, environment, table

NAMES: Final = (
    "on_end",
    "cpu",
    "instructions",
    "kept",
    "lossless",
    "feel",
    "growth",
    "alike",
    "reading",
    "commands",
    "pages",
    "memory",
    "startup",
)


def main() -> int:
    """Run the benchmarks that were asked for, print one table, and return 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(NAMES)}; all by default")
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds and smaller files: a minute, rougher figures"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    for name in arguments.names or NAMES:
        started = time.monotonic()
        figures += import_module(f"benchmarks.{name}").run(quick=arguments.quick)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    print(", ".join(f"{key} {value}" for key, value in environment().items()) + "\n")
    print(table(figures))
    if arguments.json is not None:
        arguments.json.write_text(as_json(figures) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
