"""The pages in a real browser: how they look, their keys, live refresh, access for everybody, and attacks."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otel_sqlite_exporter import open_database
from otel_sqlite_exporter.demo.file import write_demo
from tests.web.support import CALL, record_spans, serving

pytest.importorskip("playwright", reason="the environment browser has it")

from otel_sqlite_exporter.web.sharing import call_file, trace_file
from tests.web.browser import SCHEMES, WIDTHS, Served, opened, served, until, violations
from tests.web.hostile import ATTACKS, EVIL, write_hostile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

_FOREIGN = "iframe, object, embed, base, meta[http-equiv], style, link[href^=http], [onerror], [onload], [style]"

_CUT = """[...document.querySelectorAll('.scroll:not([tabindex])'), ...document.querySelectorAll('.nav a')]
  .filter(part => part.scrollWidth > part.clientWidth || part.getBoundingClientRect().right > innerWidth)
  .map(part => part.textContent.trim().slice(0, 60))"""
"""Tables that are not meant to be scrolled by keys and do not fit, and links to pages that are out of sight."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the demonstration file."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    write_demo(path, days=12)
    with served(path) as site:
        yield site


@pytest.fixture(scope="module", params=[False, True], ids=["texts", "everything"])
def hostile(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Served]:
    """Serve a file whose every text attacks."""
    path = tmp_path_factory.mktemp("hostile") / "hostile.db"
    write_hostile(path, breaks_meanings=request.param)
    with served(path) as site:
        yield site


def _screenshot(page: Page, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_and_complains_about_nothing(browser: Browser, demo: Served, width: int, scheme: str) -> None:
    """At every width and in both schemes nothing is cut, breaks the page's policy, or asks anybody else."""
    with opened(browser, demo.address("/"), width=width, scheme=scheme) as (page, seen):
        for address in demo.pages:
            page.goto(demo.root + address)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
            assert page.evaluate(_CUT) == [], address
            _screenshot(page, f"{address.partition('?')[0]} {len(address)} {width} {scheme}")
        assert [line for line in seen.complaints if "404" not in line] == []
        assert seen.foreign(demo.root) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(browser: Browser, demo: Served, width: int, scheme: str) -> None:
    """No page has anything that keeps somebody from using it."""
    found: dict[str, list[str]] = {}
    with opened(browser, demo.address("/"), width=width, scheme=scheme) as (page, _):
        for address in demo.pages:
            page.goto(demo.root + address)
            page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
            if problems := violations(page):
                found[address] = problems
    assert found == {}


def test_keys_lead_through_the_pages(browser: Browser, demo: Served) -> None:
    """J and k walk rows, Enter opens, u goes up, g and a letter goes to a page, brackets to the calls around."""
    with opened(browser, demo.address("/calls")) as (page, seen):
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        first = page.locator(".row-link").first.get_attribute("href")
        assert page.evaluate("document.activeElement.getAttribute('href')") == first
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{first}")
        page.keyboard.press("u")
        page.wait_for_url("**/calls")
        page.keyboard.press("g")
        page.keyboard.press("t")
        page.wait_for_url("**/traces")
        page.goto(f"{demo.root}/calls/{demo.call}")
        page.keyboard.press("[")
        page.wait_for_url(lambda address: not address.endswith(f"/calls/{demo.call}"))
        page.keyboard.press("]")
        page.wait_for_url(f"**/calls/{demo.call}")
        assert seen.complaints == []


def test_the_help_lists_the_keys_and_goes_away(browser: Browser, demo: Served) -> None:
    """A question mark shows the keys, Escape puts them away; in a field both are only typed."""
    with opened(browser, demo.address("/calls")) as (page, _):
        page.keyboard.press("?")
        assert page.locator("#keys").is_visible()
        page.keyboard.press("Escape")
        assert not page.locator("#keys").is_visible()
        page.keyboard.press("/")
        page.keyboard.type("?jk")
        assert page.locator("input[type=search]").input_value() == "?jk"
        assert not page.locator("#keys").is_visible()


def test_a_step_is_shown_beside_the_tree_without_leaving_it(browser: Browser, demo: Served) -> None:
    """A chosen step stands in the address, keeps the scroll and the focus, and Escape and Back take it away."""
    with opened(browser, demo.address(f"/traces/{demo.trace}")) as (page, _):
        page.evaluate("document.body.style.minHeight = '3000px'; scrollTo(0, 200)")
        page.locator(".tree .row-link").last.evaluate("row => { row.focus({ preventScroll: true }); row.click(); }")
        page.wait_for_selector(".panel")
        assert "span=" in page.url
        assert page.evaluate("scrollY") == 200
        assert page.evaluate("document.activeElement.className") == "row-link"
        page.keyboard.press("Escape")
        page.wait_for_selector(".panel", state="detached")
        page.go_back()
        page.wait_for_selector(".panel")


def test_light_and_dark_follow_the_system_and_the_switch(browser: Browser, demo: Served) -> None:
    """The system decides until somebody presses the switch; then that holds on every page."""
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(browser, demo.address("/"), scheme="dark") as (page, _):
        dark = page.evaluate(ground)
        page.keyboard.press("d")
        light = page.evaluate(ground)
        assert light != dark
        page.goto(f"{demo.root}/calls")
        assert page.evaluate(ground) == light


def test_filters_apply_when_they_are_chosen(browser: Browser, demo: Served) -> None:
    """A choice is in the address at once, and nothing that is empty is."""
    with opened(browser, demo.address("/calls")) as (page, _):
        page.locator("select[name=status]").select_option("error")
        page.wait_for_url(f"{demo.root}/calls?status=error*")
        assert "text=" not in page.url
        assert page.locator("tr.row").count() == page.locator("tr.row.failed").count() > 0


def test_new_calls_appear_by_themselves(browser: Browser, live: Served) -> None:
    """A page that nobody reads in shows what was recorded meanwhile, marked as new."""
    with opened(browser, live.address("/calls")) as (page, seen):
        until(page, "mark !== null")
        record_spans(live.path, {**CALL, "gen_ai.request.model": "brand-new"})
        page.wait_for_selector("tr.is-new >> text=brand-new")
        assert page.locator("tr.is-new").count() == 1
        assert seen.complaints == []


def test_a_page_that_is_read_waits(browser: Browser, live: Served) -> None:
    """A page that was scrolled does not change under the eyes: it says that there is something new."""
    with opened(browser, live.address("/calls")) as (page, _):
        until(page, "mark !== null")
        page.evaluate("scrollTo(0, 400)")
        record_spans(live.path, {**CALL, "gen_ai.request.model": "brand-new"})
        page.wait_for_selector("#newer:visible")
        assert page.evaluate("scrollY") == 400
        assert page.locator("text=brand-new").count() == 0
        page.locator("#newer").click()
        page.wait_for_selector("tr >> text=brand-new")


def test_a_page_with_a_selection_waits(browser: Browser, live: Served) -> None:
    """Somebody who selects text to copy keeps the selection."""
    with opened(browser, live.address("/calls")) as (page, _):
        until(page, "mark !== null")
        page.evaluate("getSelection().selectAllChildren(document.querySelector('main'))")
        record_spans(live.path, CALL)
        page.wait_for_selector("#newer:visible")
        assert page.evaluate("String(getSelection()).length") > 100


def test_live_can_be_switched_off(browser: Browser, live: Served) -> None:
    """With l a page stays as it is, and asks for nothing."""
    with opened(browser, live.address("/calls")) as (page, seen):
        until(page, "mark !== null")
        page.keyboard.press("l")
        assert page.locator("#live").get_attribute("aria-pressed") == "false"
        page.wait_for_timeout(1100)
        asked = len(seen.requests)
        page.wait_for_timeout(1500)
        assert len(seen.requests) == asked


def test_a_page_says_when_its_server_does_not_answer(browser: Browser, live: Served) -> None:
    """A page says that its server is silent or gone and is live again with it; of a new one it wants the link."""
    with opened(browser, live.address("/calls")) as (page, _):
        until(page, "mark !== null")
        os.kill(live.pid, signal.SIGSTOP)
        page.wait_for_selector("#lost >> text=disconnected")
        assert not page.locator("#live").is_visible()
        os.kill(live.pid, signal.SIGCONT)
        page.wait_for_selector("#live:visible")
        os.kill(live.pid, signal.SIGKILL)
        page.wait_for_selector("#lost >> text=disconnected")
        with serving(live.path, "--port", live.root.rpartition(":")[2]) as (_, address):
            page.wait_for_selector("#lost >> text=needs the new link")
            page.context.new_page().goto(address)
            page.bring_to_front()
            page.wait_for_selector("#live:visible")


def test_a_page_that_stays_as_it_is_is_not_called_live(browser: Browser, demo: Served) -> None:
    """Where nothing appears by itself, nothing says that it does."""
    with opened(browser, demo.address("/sql")) as (page, _):
        assert not page.locator("#live").is_visible()


def test_the_page_of_a_missing_file_shows_the_first_call(browser: Browser, tmp_path: Path) -> None:
    """A page that was opened before anything was recorded shows the first call by itself."""
    path = tmp_path / "later.db"
    with serving(path) as (_, address), opened(browser, address.replace("/?", "/calls?")) as (page, _):
        assert page.locator("text=There is no file yet").count() == 1
        until(page, "mark !== null")
        record_spans(path, CALL)
        page.wait_for_selector("tr >> text=Is it there yet?")


def test_stored_attacks_are_inert(browser: Browser, hostile: Served) -> None:
    """On no page does a text of the file run, load, style or lead anywhere."""
    with opened(browser, hostile.address("/")) as (page, seen):
        for address in hostile.pages:
            page.goto(hostile.root + address)
            page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
            page.mouse.move(400, 400)
            assert page.evaluate("window.pwned") is None, address
            assert page.evaluate("document.scripts.length") == 1, address
            assert page.evaluate("document.images.length") == 1, address
            assert page.locator(_FOREIGN).count() == 0, address
            bad = "[...document.links].filter(a => !/^https?:|^mailto:/.test(a.href)).length"
            assert page.evaluate(bad) == 0, address
        assert [line for line in seen.complaints if "40" not in line and "500" not in line] == []
        assert seen.foreign(hostile.root) == []


def test_hostile_files_have_no_broken_page(browser: Browser, hostile: Served) -> None:
    """Whatever is in the texts, pages are made: none fails."""
    with opened(browser, hostile.address("/")) as (page, _):
        for address in hostile.pages:
            answer = page.goto(hostile.root + address)
            assert answer is not None
            assert answer.status < 500, address


def test_shared_files_open_anywhere_and_do_nothing(browser: Browser, hostile: Served, tmp_path: Path) -> None:
    """A trace or a call as one file opens without a server, asks nobody, and runs nothing."""
    with open_database(hostile.path) as database:
        (tmp_path / "trace.html").write_text(trace_file(database, hostile.trace), "utf-8")
        (tmp_path / "call.html").write_text(call_file(database, hostile.call), "utf-8")
    for name in ("trace.html", "call.html"):
        address = (tmp_path / name).as_uri()
        with opened(browser, address) as (page, seen):
            page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
            assert page.evaluate("document.scripts.length") == 0
            assert page.evaluate("getComputedStyle(document.querySelector('.kind')).display") == "inline-flex"
            assert seen.requests == [address]
            assert seen.complaints == []


def test_the_demonstration_as_a_file_is_accessible(browser: Browser, demo: Served, tmp_path: Path) -> None:
    """Axe finds nothing in the file to share, and it fits every width."""
    with open_database(demo.path) as database:
        (tmp_path / "trace.html").write_text(trace_file(database, demo.trace), "utf-8")
    for width in WIDTHS:
        with opened(browser, (tmp_path / "trace.html").as_uri(), width=width) as (page, _):
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert violations(page) == []
            _screenshot(page, f"file {width}")


def test_attacks_are_shown_as_they_are(browser: Browser, hostile: Served) -> None:
    """An attack is text that can be read, not something that is left out."""
    with opened(browser, hostile.address("/calls")) as (page, _):
        text = page.inner_text("body")
        assert any(attack[:18] in text for attack in ATTACKS[:4])
        assert EVIL in text
