"""Files to send."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.common")
pytest.importorskip("requests")

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.sending.delivery import Waits
from otel_sqlite_exporter.sending.otlp import OtlpReceiver
from otel_sqlite_exporter.sending.sender import Sender, SendOptions
from otel_sqlite_exporter.sending.settings import read_destination
from otel_sqlite_exporter.sending.stopping import Stop
from tests.support import CHAT, span_of

QUICK = Waits(first=0.001, longest=0.01)


def record_spans(path: Path, count: int, *, first: int = 1, **attributes: object) -> None:
    """Record some calls, each numbered, with span ids from ``first``."""
    exporter = SQLiteSpanExporter(path)
    spans = [
        span_of({**CHAT, "number": number, "gen_ai.request.model": "gpt-5.4", **attributes}, span_id=number)
        for number in range(first, first + count)
    ]
    for start in range(0, count, 50):
        exporter.export(spans[start : start + 50])
    exporter.shutdown()


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Return what records a number of calls into a file."""

    def make(count: int, **attributes: str) -> Path:
        record_spans(tmp_path / "traces.db", count, first=1, **attributes)
        return tmp_path / "traces.db"

    return make


Send = Callable[..., tuple[Sender, list[str]]]


@pytest.fixture
def send() -> Send:
    """Return what sends a file in this process, and gives the sender and the lines that it told."""

    def run(path: Path, url: str, *, environment: dict[str, str] | None = None, **options: object) -> object:
        lines = options.pop("lines", [])
        assert isinstance(lines, list)
        destination = read_destination(url, environment or {})
        receiver = OtlpReceiver(destination)
        stop = options.pop("stop", None) or Stop()
        settings = {
            "name": "test",
            "destination": destination.shown_url,
            "waits": QUICK,
            "poll_seconds": 0.01,
            **options,
        }
        sender = Sender(str(path), receiver, SendOptions(**settings), stop, tell=lines.append)  # type: ignore[arg-type]
        try:
            sender.run()
        finally:
            receiver.close()
        return sender, lines

    return run  # type: ignore[return-value]
