"""Which files of a directory were recorded by this package: for those who look for calls in the wrong one."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.database import open_database
from otel_sqlite_exporter.reading.failures import ReadingError

if TYPE_CHECKING:
    from pathlib import Path

_LOOKED_AT: Final = 100


def recorded_files(directory: Path) -> list[str]:
    """Return the paths of the recorded files in a directory, by name; the first 100 ``*.db`` are looked at."""
    candidates = sorted(islice(directory.glob("*.db"), _LOOKED_AT)) if directory.is_dir() else []
    return [str(path) for path in candidates if is_recorded(path)]


def is_recorded(path: str | Path) -> bool:
    """Tell whether a file is there and was recorded by this package."""
    try:
        with closing(open_database(path)):
            return True
    except ReadingError:
        return False
