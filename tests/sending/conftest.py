"""Files to send."""

from __future__ import annotations

import shutil
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

QUICK = Waits(first=0.0, longest=0.0)


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


@pytest.fixture(scope="session")
def recorded_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return what records a number of calls, and knows the file when it is asked for the same again."""
    files: dict[tuple[object, ...], Path] = {}

    def make(count: int, **attributes: str) -> Path:
        asked = (count, *sorted(attributes.items()))
        if asked not in files:
            files[asked] = tmp_path_factory.mktemp("recorded") / "traces.db"
            record_spans(files[asked], count, first=1, **attributes)
        return files[asked]

    return make


@pytest.fixture
def recorded(recorded_once: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Return what gives a file of its own with a number of calls."""

    def make(count: int, **attributes: str) -> Path:
        return Path(shutil.copy(recorded_once(count, **attributes), tmp_path / "traces.db"))

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
