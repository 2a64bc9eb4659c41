"""A real browser, what it saw (requests, console, errors), and files that are served to it."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import axe_playwright_python
from playwright.sync_api import sync_playwright

from otel_sqlite_exporter import open_database
from tests.web.support import PAGES, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

WIDTHS: Final = (390, 820, 1280, 1920)
SCHEMES: Final = ("light", "dark")
_AXE: Final = Path(axe_playwright_python.__file__).with_name("axe.min.js")
_FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@dataclass(slots=True)
class Seen:
    """What a page did.

    Args:
        requests: The addresses that it asked for.
        complaints: What the console and scripts complained about, policy violations among it.
    """

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def foreign(self, root: str) -> list[str]:
        """Return the addresses that are not below a root."""
        return [address for address in self.requests if not address.startswith(root)]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(_FLAGS))
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser: Browser, address: str, *, width: int = 1280, scheme: str = "light") -> Iterator[tuple[Page, Seen]]:
    """Open a page in a profile of its own, and watch it."""
    context = browser.new_context(
        viewport={"width": width, "height": 860},
        color_scheme="dark" if scheme == "dark" else "light",
        permissions=["clipboard-read", "clipboard-write"] if address.startswith("http") else [],
    )
    page = context.new_page()
    seen = Seen()
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    # Nobody listens for dialogs: Chromium then dismisses them, and a script that opens one is caught by its mark.
    page.goto(address)
    yield page, seen
    context.close()


def until(page: Page, condition: str) -> None:
    """Wait until a script's expression is true on a page that stays.

    Playwright's own `wait_for_function` asks again from within the page, where the page's policy forbids `eval`.

    Raises:
        TimeoutError: It was not within 30 seconds.
    """
    end = time.monotonic() + 30
    while not page.evaluate(f"Boolean({condition})"):
        if time.monotonic() > end:
            raise TimeoutError(condition)
        page.wait_for_timeout(50)


def violations(page: Page) -> list[str]:
    """Return what axe finds on a page."""
    page.evaluate(_AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


class Served:
    """A served file: addresses with the token for the first page of a profile, and the ids of what is in it."""

    def __init__(self, path: Path, root: str, token_lines: Iterator[str], pid: int) -> None:
        self.path = path
        self.pid = pid
        self.root = root
        self._tokens = token_lines
        with open_database(path) as database:
            traces = sorted(database.traces(), key=lambda trace: trace.spans or 0)
            self.trace = traces[-1].trace_id if traces else ""
            self.call = max((call.id for call in database.calls(trace=self.trace)), default=1)
            chats = database.conversations()
            self.chat = chats[0].conversation_id if chats else ""
            failed = database.errors()
            self.failed = failed[0].id if failed else 1

    def address(self, page: str) -> str:
        """Return the address of a page, with a token that was not used yet."""
        return f"{self.root}{page}{'&' if '?' in page else '?'}token={next(self._tokens)}"

    @property
    def pages(self) -> tuple[str, ...]:
        """All pages, those with ids among them."""
        return (
            *PAGES,
            f"/calls/{self.call}",
            f"/calls/{self.failed}",
            f"/traces/{self.trace}",
            f"/traces/{self.trace}?span={self.call}",
            "/conversation?id=-1",
            f"/compare?a={self.call}&b={self.failed}",
            "/nothing",
        )


@contextlib.contextmanager
def served(path: Path) -> Iterator[Served]:
    """Serve a file in a process of its own."""
    with serving(path) as (process, address):
        parts = urlsplit(address)

        def tokens() -> Iterator[str]:
            yield address.rpartition("token=")[2]
            for line in process.stderr or ():
                found = re.search(r"token=(\S+)", line)
                if found:
                    yield found[1]

        yield Served(path, f"http://{parts.netloc}", tokens(), process.pid)
