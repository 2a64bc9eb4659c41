"""The README's pictures show what the commands print."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pictures_are_current() -> None:
    """Each picture says what its command prints now."""
    script = runpy.run_path(str(DOCS / "generate_pictures.py"))
    drawn = script["draw"]()
    assert set(drawn) == {path.stem for path in (DOCS / "pictures").glob("*.svg")}
    for name, svg in drawn.items():
        kept = (DOCS / "pictures" / f"{name}.svg").read_text("utf-8")
        assert script["texts"](kept) == script["texts"](svg), "run: python docs/generate_pictures.py"
