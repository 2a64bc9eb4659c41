"""The README's pictures of the pages show what the pages show."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pictures_of_the_pages_are_current() -> None:
    """The pages and the style that each picture was made from are those of now."""
    script = runpy.run_path(str(DOCS / "generate_screenshots.py"))
    kept = json.loads((DOCS / "pictures" / "pages.json").read_text("utf-8"))
    assert kept == script["digests"](), "run: python docs/generate_screenshots.py"
    assert {path.stem for path in (DOCS / "pictures").glob("*.png")} == set(kept)
