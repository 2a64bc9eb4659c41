"""What the pages cost in a file of a million spans: processor time, and how long until the page is there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from starlette.testclient import TestClient

from benchmarks.filling import NEEDLE, million
from benchmarks.report import Figure
from otel_sqlite_exporter import open_database
from otel_sqlite_exporter.web.app import create_app

if TYPE_CHECKING:
    from pathlib import Path

_ROUNDS: Final = 5
_CPU_MILLISECONDS: Final = 200.0
_WAIT_MILLISECONDS: Final = 500.0

PAGES: Final = (
    "/",
    "/calls",
    "/calls?sort=cost",
    "/calls?status=error",
    "/calls?tool=nothing",
    f"/calls?text={NEEDLE}",
    "/traces",
    "/traces?sort=cost",
    "/traces?sort=duration",
    "/conversations",
    "/usage",
    "/usage?by=user",
    "/usage?by=agent",
    "/usage?by=service",
    "/usage?show=latency",
    "/usage?show=latency&by=user",
    "/tools",
    "/errors",
    "/compare",
    "/sql?q=SELECT * FROM llm_calls ORDER BY id DESC LIMIT 20",
    "/status",
    "/mark",
)


def run(*, quick: bool) -> list[Figure]:
    """Measure the pages over a file of a million spans, a tenth of it in quick mode."""
    with million(quick=quick) as (path, spans):
        return measure(path, spans)


def measure(path: Path, spans: int) -> list[Figure]:
    """Return what each page costs with the period that it has where nobody gives one, the best of some rounds.

    Args:
        path: A file with agents.
        spans: How many spans it has, for the names.
    """
    with open_database(path) as database:
        call = database.calls(limit=1)[0]
        chat = database.conversations(limit=1)[0]
    shown = (f"/calls/{call.id}", f"/traces/{call.trace_id}", f"/conversation?id={chat.conversation_id}")
    names = dict.fromkeys(PAGES) | dict(zip(shown, ("/calls/ID", "/traces/ID", "/conversation?id=ID"), strict=True))
    client = TestClient(create_app(str(path), keys=None, hosts=["testserver"]))
    figures = []
    for address, name in names.items():
        cpu, wait = (min(times) for times in zip(*(_times(client, address) for _ in range(_ROUNDS)), strict=True))
        what = f"{name or address}, {spans:,} spans"
        figures.append(Figure("pages", f"{what}, CPU", cpu, "ms", target=_CPU_MILLISECONDS))
        figures.append(Figure("pages", f"{what}, until it is there", wait, "ms", target=_WAIT_MILLISECONDS))
    return figures


def _times(client: TestClient, address: str) -> tuple[float, float]:
    cpu, start = time.process_time(), time.perf_counter()
    client.get(address).raise_for_status()
    return (time.process_time() - cpu) * 1e3, (time.perf_counter() - start) * 1e3
