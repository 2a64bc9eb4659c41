"""A client for the pages of the demonstration file, a browser, and a file that is served while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.support import CALL, client_of, record_spans

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser
    from starlette.testclient import TestClient

    from tests.web.browser import Served


@pytest.fixture
def client(demo_path: Path) -> TestClient:
    """Return a client for the pages of the demonstration file."""
    return client_of(demo_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return the browser."""
    from tests.web.browser import chromium

    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def live_calls() -> int:
    """Return how many calls the file that grows begins with: more than a screen shows, so that its list scrolls."""
    return 60


@pytest.fixture
def live(tmp_path: Path, live_calls: int) -> Iterator[Served]:
    """Serve a file of one's own."""
    from tests.web.browser import served

    path = tmp_path / "live.db"
    record_spans(path, *[CALL] * live_calls)
    with served(path) as site:
        yield site
