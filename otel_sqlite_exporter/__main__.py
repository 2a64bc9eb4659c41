"""The command ``otel-sqlite``, also as ``python -m otel_sqlite_exporter``; here without what it needs installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_NEEDED = ("click", "rich")


def main() -> int:
    """Run the command line.

    Returns:
        The exit status: 0, 1 for a failure, 2 for a command line that means nothing.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"otel-sqlite needs {' and '.join(missing)}: pip install 'otel-sqlite-exporter[cli]'\n",
        )
        return 1
    from otel_sqlite_exporter.cli.app import run  # noqa: PLC0415 - not without the extra

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
