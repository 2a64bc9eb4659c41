"""Make the README's pictures of the pages: ``python docs/generate_screenshots.py``.

Needs Chromium, and ``pip install playwright``. The demonstration always ends at the same moment, so that the same pages
give the same pictures.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import uvicorn
from playwright.sync_api import sync_playwright

from otel_sqlite_exporter import open_database
from otel_sqlite_exporter.demo.file import write_demo
from otel_sqlite_exporter.web.app import create_app

PICTURES: Final = Path(__file__).with_name("pictures")
END_UNIX_NANO: Final = 1_793_800_000_000_000_000
PORT: Final = 8766
WIDTH: Final = 1240
HEIGHT: Final = 760


def main() -> None:
    """Write ``docs/pictures/trace.png`` and ``docs/pictures/call.png``."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "traces.db"
        write_demo(path, end=END_UNIX_NANO)
        server = uvicorn.Server(
            uvicorn.Config(create_app(str(path), keys=None, hosts=["127.0.0.1"]), port=PORT, log_level="warning")
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        try:
            _take(path)
        finally:
            server.should_exit = True
            thread.join()


def _take(path: Path) -> None:
    with open_database(path) as database:
        trace = max(database.traces(limit=20), key=lambda trace: trace.spans or 0)
        calls = database.calls(trace=trace.trace_id)
        call = max(calls, key=lambda call: (database.changes(call.id).kept, call.id))
    pages = {"trace": f"/traces/{trace.trace_id}?span={call.id}", "call": f"/calls/{call.id}?whole=1"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, address in pages.items():
            page.goto(f"http://127.0.0.1:{PORT}{address}")
            target = PICTURES / f"{name}.png"
            page.screenshot(path=target)
            sys.stdout.write(f"{target} {target.stat().st_size:,} bytes\n")
        browser.close()


if __name__ == "__main__":
    main()
