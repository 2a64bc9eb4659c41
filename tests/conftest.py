"""The demonstration file, made once for everything that reads, where files are made, and how examples are drawn."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from otel_sqlite_exporter import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes is the machine's affair.
settings.register_profile("anew", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples every time: who changes something else is not told what a lucky draw has found out about old code.
settings.register_profile("whole", settings.get_profile("anew"), derandomize=True)  # 100, in CI
settings.register_profile("quick", settings.get_profile("whole"), max_examples=25)
settings.load_profile("quick")

# Tests make thousands of files: where there is a directory in memory with room for them, no disk is waited for.
_MEMORY = Path("/dev/shm")
if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2 << 30:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


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
