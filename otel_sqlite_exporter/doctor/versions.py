"""The versions below everything, held against the oldest that are supported."""

from __future__ import annotations

import platform
import sqlite3
import sys
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter._version import __version__
from otel_sqlite_exporter.database.schema import OLDEST_SQLITE
from otel_sqlite_exporter.doctor.findings import Finding
from otel_sqlite_exporter.sources.installed import numbers_of, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

OLDEST_PYTHON: Final = (3, 10, 0)
OLDEST_OPENTELEMETRY: Final = (1, 30, 0)


def versions() -> list[Finding]:
    """Look at Python, SQLite and OpenTelemetry."""
    found = [Finding("versions", "ok", f"otel-sqlite-exporter {__version__}")]
    found.append(judged("Python", platform.python_version(), sys.version_info[:3], OLDEST_PYTHON, "use a newer Python"))
    found.append(
        judged(
            "SQLite",
            sqlite3.sqlite_version,
            sqlite3.sqlite_version_info,
            OLDEST_SQLITE,
            "use a Python whose sqlite3 module has a newer SQLite; a newer image of the same Python mostly does",
        )
    )
    for name in ("opentelemetry-api", "opentelemetry-sdk"):
        version = version_of(name) or "none"
        remedy = f'pip install --upgrade "{name}"'
        found.append(judged(name, version, numbers_of(version), OLDEST_OPENTELEMETRY, remedy))
    return found


def judged(name: str, version: str, numbers: Sequence[int], oldest: tuple[int, int, int], remedy: str) -> Finding:
    """Return what is to be said of one version."""
    if tuple(numbers) >= oldest:
        return Finding("versions", "ok", f"{name} {version}")
    floor = ".".join(map(str, oldest))
    return Finding("versions", "problem", f"{name} {version} is too old: nothing is recorded below {floor}", remedy)
