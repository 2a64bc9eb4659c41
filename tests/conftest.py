"""The demonstration file, made once for everything that reads, and how property tests draw their examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from otel_sqlite_exporter import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How long an example takes is the machine's affair.
settings.register_profile("anew", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples every time: who changes something else is not told what a lucky draw has found out about old code.
settings.register_profile("quick", settings.get_profile("anew"), derandomize=True)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def demo_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a demonstration file of eight days that end now."""
    from otel_sqlite_exporter.demo.file import write_demo

    path = tmp_path_factory.mktemp("demo") / "demo.db"
    write_demo(path, days=8)
    return path


@pytest.fixture
def demo(demo_path: Path) -> Iterator[Database]:
    """Return the demonstration file, open for reading."""
    with open_database(demo_path) as database:
        yield database
