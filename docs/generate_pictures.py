"""Draw the pictures of the README from the demonstration file: ``python docs/generate_pictures.py``.

Each is what a command prints in a terminal, exported by rich as SVG. Time and zone stand still, so that the same code
draws the same pictures.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Final
from unittest import mock

from rich.console import Console

from otel_sqlite_exporter import open_database
from otel_sqlite_exporter.cli import screen
from otel_sqlite_exporter.cli.app import run
from otel_sqlite_exporter.demo.file import write_demo
from otel_sqlite_exporter.reading import units

DIRECTORY: Final = Path(__file__).parent / "pictures"
NOW: Final = datetime(2026, 11, 26, 15, 0, tzinfo=timezone.utc)
_WIDTH: Final = 120
PICTURES: Final = {
    "calls": ("calls", "-n", "12"),
    "show": ("show", "{answer}"),
    "trace": ("trace", "-1"),
    "usage": ("usage", "--by", "agent,model"),
}
"""What each picture shows; the command's words stand above it. ``{answer}`` is the librarian's last answer."""


def draw() -> dict[str, str]:
    """Return every picture as SVG, by name."""
    zone = os.environ.get("TZ")
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "traces.db")
        os.environ["TZ"] = "UTC"
        time.tzset()
        try:
            write_demo(path, end=int(NOW.timestamp() * 1e9))
            with open_database(path) as database:
                answer = str(database.calls(agent="librarian", kind="llm", limit=1)[0].id)
            return {
                name: _draw(path, tuple(word.format(answer=answer) for word in arguments))
                for name, arguments in PICTURES.items()
            }
        finally:
            os.environ.pop("TZ") if zone is None else os.environ.update(TZ=zone)
            time.tzset()


def _draw(path: str, arguments: tuple[str, ...]) -> str:
    console = Console(
        record=True,
        width=_WIDTH,
        force_terminal=True,
        color_system="truecolor",
        file=io.StringIO(),
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    with (
        mock.patch.object(screen, "console", return_value=console),
        mock.patch.object(screen, "is_terminal", return_value=True),
        mock.patch.object(units, "today", return_value=NOW.date()),
        mock.patch.dict(os.environ, {"PAGER": "cat"}),
    ):
        status = run([*arguments, "-d", path])
    if status:
        raise SystemExit(status)
    title = " ".join(("otel-sqlite", *arguments))
    return console.export_svg(title=title, unique_id=arguments[0])


def texts(svg: str) -> list[str]:
    """Return what a picture says, without how: versions of rich differ in that."""
    return [re.sub(r"\s+$", "", text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def main() -> None:
    """Write the pictures."""
    DIRECTORY.mkdir(exist_ok=True)
    for name, svg in draw().items():
        (DIRECTORY / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
