"""What happens to open pages: files that go and come, hundreds of refreshes, prompts of any size, paper."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otel_sqlite_exporter.demo.file import write_demo
from tests.web.support import CALL, record_spans

pytest.importorskip("playwright", reason="the environment browser has it")

from tests.web.browser import Served, opened, served, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

_RENEW = """async () => {
  for (let number = 0; number < 40; number++) { await (await fetch("/mark")).text(); await renew(); }
}"""


@pytest.fixture(scope="module")
def live_calls() -> int:
    """Return how many calls the file begins with: each may become a prompt of 50 MB."""
    return 30


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def test_a_file_that_goes_and_comes_is_followed(browser: Browser, live: Served) -> None:
    """A page that is open says when its file is deleted, and shows the file that takes its place by itself."""
    with opened(browser, live.address("/calls")) as (page, seen):
        until(page, "mark !== null")
        _remove(live.path)
        page.wait_for_selector("text=There is no file yet")
        record_spans(live.path, {**CALL, "gen_ai.request.model": "after-the-deletion"})
        page.wait_for_selector("tr >> text=after-the-deletion")
        other = live.path.with_name("other.db")
        record_spans(other, {**CALL, "gen_ai.request.model": "in-its-place"})
        _remove(live.path)
        other.replace(live.path)
        page.wait_for_selector("tr >> text=in-its-place")
        assert page.locator("tr >> text=after-the-deletion").count() == 0
        assert seen.complaints == []


def _nodes(page: Page) -> int:
    """Return the nodes that a tab holds when it holds least: a page that is just being renewed is there twice."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    counts = []
    for _ in range(8):
        session.send("HeapProfiler.collectGarbage")
        metrics = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
        counts.append(int(metrics["Nodes"]))
        page.wait_for_timeout(250)
    session.detach()
    return min(counts)


def _server_sizes(pid: int) -> tuple[int, int]:
    """Return how many descriptors and kilobytes a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()), kilobytes


def test_two_tabs_that_refresh_for_long_grow_nowhere(browser: Browser, live: Served) -> None:
    """Hundreds of refreshes beside a recorder leave no nodes in a tab, and no descriptors or memory in the server."""
    with opened(browser, live.address("/calls")) as (page, seen):
        other = page.context.new_page()
        other.goto(f"{live.root}/")
        until(other, "mark !== null")
        found = []
        for _ in range(3):
            record_spans(live.path, CALL)
            for tab in (page, other):
                tab.evaluate(_RENEW)
            found.append((_nodes(page), _nodes(other), *_server_sizes(live.pid)))
        # The first round fills caches; what grows with each one is a leak.
        first, *_, last = (dict(zip(("nodes", "others", "files", "memory"), sizes, strict=True)) for sizes in found)
        assert last["nodes"] < first["nodes"] * 1.5
        assert last["others"] < first["others"] * 1.5
        assert last["files"] <= first["files"] + 5
        assert last["memory"] < first["memory"] + 16_384
        assert seen.complaints == []


def test_a_prompt_of_any_size_is_a_page(browser: Browser, live: Served) -> None:
    """Fifty megabytes in one message, or ten thousand messages, are a page, which says what it leaves out."""
    with closing(sqlite3.connect(live.path)) as connection, connection:
        first, second = (row[0] for row in connection.execute("SELECT id FROM spans ORDER BY id LIMIT 2"))
        for number, text in ((first, "many words " * 5_000_000), (second, "once more")):
            connection.execute("DELETE FROM span_messages WHERE span_id = ?", [number])
            connection.execute(
                "INSERT INTO messages (hash, role, text, full_bytes, kept_bytes) VALUES (?, 'user', ?, 9, 9)",
                [str(number).encode(), text],
            )
            connection.execute("INSERT INTO span_messages VALUES (?, 'input', 0, last_insert_rowid(), NULL)", [number])
        connection.execute("DELETE FROM span_messages WHERE span_id = ?", [second])
        connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) "
            "INSERT INTO span_messages (span_id, direction, position, message_id) "
            "SELECT ?, 'input', i, (SELECT max(id) FROM messages) FROM n",
            [second],
        )
    with opened(browser, live.address(f"/calls/{first}")) as (page, _):
        assert "many words" in page.inner_text("main")
        assert len(page.content()) < 1_000_000
        assert page.locator("main >> text=/more|whole/").count() > 0
        page.goto(f"{live.root}/calls/{second}")
        assert "once more" in page.inner_text("main")
        assert len(page.content()) < 3_000_000
        page.goto(f"{live.root}/calls")
        assert page.locator("tr.row").count() == 30


def test_pages_can_be_printed(browser: Browser, tmp_path: Path) -> None:
    """On paper there is what was recorded, without what only a screen can use."""
    path = tmp_path / "demo.db"
    write_demo(path, days=2)
    with served(path) as site, opened(browser, site.address("/"), width=794) as (page, _):
        for address in (f"/calls/{site.call}", f"/traces/{site.trace}", "/conversation?id=-1", "/usage"):
            page.emulate_media(media="screen")
            page.goto(site.root + address)
            if page.evaluate("document.documentElement.dataset.theme") != "dark":
                page.keyboard.press("d")  # somebody who chose the dark prints on white paper as well
            page.emulate_media(media="print")
            assert not page.locator(".top").is_visible()
            assert page.locator("h1").first.is_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            ink = page.evaluate("getComputedStyle(document.body).color")
            assert (ground, ink) == ("rgb(255, 255, 255)", "rgb(25, 26, 29)"), address
            assert page.pdf()[:5] == b"%PDF-"


def test_a_list_on_paper_has_its_texts_whole(browser: Browser, tmp_path: Path) -> None:
    """On any paper the lists show whole questions: nobody can open a row there."""
    path = tmp_path / "demo.db"
    write_demo(path, days=2)
    cut = "[...document.querySelectorAll('.line1, .line2')].filter(line => line.scrollWidth > line.clientWidth).length"
    with served(path) as site, opened(browser, site.address("/")) as (page, _):
        page.emulate_media(media="print")
        for width, address in product((700, 794, 1047), ("/", "/calls", "/tools", "/errors")):
            page.set_viewport_size({"width": width, "height": 1000})
            page.goto(site.root + address)
            assert page.evaluate(cut) == 0, address
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
            text = "document.querySelector('.c-text')"
            assert page.evaluate(f"!{text} || {text}.clientWidth > innerWidth * 0.35"), address
