"""The demonstration file and a client for its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otel_sqlite_exporter import Database, open_database
from otel_sqlite_exporter.demo.file import write_demo
from tests.web.support import client_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def demo_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a demonstration file of eight days that end now."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    write_demo(path, days=8)
    return path


@pytest.fixture
def demo(demo_path: Path) -> Iterator[Database]:
    """Return the demonstration file, open for reading."""
    with open_database(demo_path) as database:
        yield database


@pytest.fixture
def client(demo_path: Path) -> TestClient:
    """Return a client for the pages of the demonstration file."""
    return client_of(demo_path)
