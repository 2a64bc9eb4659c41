"""Make the README's pictures of the pages: ``python docs/generate_screenshots.py``.

Needs Chromium, and ``pip install playwright``. The demonstration always ends at the same moment, so that the same pages
give the same pictures. Beside them stands what they were made from, as digests: a test compares those, because no two
machines draw the same pixels.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest import mock

from starlette.testclient import TestClient

from otel_sqlite_exporter import __version__, open_database
from otel_sqlite_exporter.demo.file import write_demo
from otel_sqlite_exporter.reading import units
from otel_sqlite_exporter.web.app import create_app
from otel_sqlite_exporter.web.templating import static_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.applications import Starlette

PICTURES: Final = Path(__file__).with_name("pictures")
DIGESTS: Final = PICTURES / "pages.json"
END: Final = datetime(2026, 11, 4, 12, 26, 40, tzinfo=timezone.utc)
WIDTH: Final = 1240
HEIGHT: Final = 760


def main() -> None:
    """Write ``docs/pictures/trace.png`` and ``docs/pictures/call.png``, and what they were made from."""
    PICTURES.mkdir(exist_ok=True)
    with _demonstration() as (app, pages):
        DIGESTS.write_text(json.dumps(_digests(app, pages), indent=2) + "\n", encoding="utf-8")
        with _served(app) as root:
            _take(root, pages)


def digests() -> dict[str, str]:
    """Return what the pictures would be made from now: a digest of each page and its style."""
    with _demonstration() as (app, pages):
        return _digests(app, pages)


@contextmanager
def _demonstration() -> Iterator[tuple[Starlette, dict[str, str]]]:
    """Give the pages over the demonstration, and the addresses of those that are drawn, by the name of the picture."""
    zone = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.object(units, "today", return_value=END.date()),
        ):
            path = Path(folder) / "traces.db"
            write_demo(path, end=int(END.timestamp()) * 10**9, days=3)
            with open_database(path) as database:
                trace = max(database.traces(limit=20), key=lambda trace: trace.spans or 0)
                calls = database.calls(trace=trace.trace_id)
                call = max(calls, key=lambda call: (database.changes(call.id).kept, call.id))
            yield (
                create_app(str(path), keys=None, hosts=["127.0.0.1"]),
                {"trace": f"/traces/{trace.trace_id}?span={call.id}", "call": f"/calls/{call.id}?whole=1"},
            )
    finally:
        os.environ.pop("TZ") if zone is None else os.environ.update(TZ=zone)
        time.tzset()


def _digests(app: Starlette, pages: dict[str, str]) -> dict[str, str]:
    client = TestClient(app, base_url="http://127.0.0.1")
    style, tag = static_file("app.css")
    found = {}
    for name, address in pages.items():
        html = client.get(address).text.replace(__version__, "").replace(tag, "")
        # What the folder and the script are called shows in no picture.
        main = re.sub(r"/\S*traces\.db|/static/\S+", "", html)
        found[name] = hashlib.sha256(main.encode() + style).hexdigest()
    return found


@contextmanager
def _served(app: Starlette) -> Iterator[str]:
    import uvicorn  # noqa: PLC0415 - the test of the digests serves nothing

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _take(root: str, pages: dict[str, str]) -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - as above

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, address in pages.items():
            page.goto(root + address)
            target = PICTURES / f"{name}.png"
            page.screenshot(path=target)
            sys.stdout.write(f"{target} {target.stat().st_size:,} bytes\n")
        browser.close()


if __name__ == "__main__":
    main()
