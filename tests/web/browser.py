"""A real browser, and what it saw: requests, console, errors."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import axe_playwright_python
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

WIDTHS: Final = (390, 1280, 1920)
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


def violations(page: Page) -> list[str]:
    """Return what axe finds on a page."""
    page.evaluate(_AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
