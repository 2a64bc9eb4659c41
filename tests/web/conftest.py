"""A client for the pages of the demonstration file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.support import client_of

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient


@pytest.fixture
def client(demo_path: Path) -> TestClient:
    """Return a client for the pages of the demonstration file."""
    return client_of(demo_path)
