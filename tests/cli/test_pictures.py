"""The README's pictures show what the commands print."""

from __future__ import annotations

import pytest

from docs.generate_pictures import DIRECTORY, PICTURES, draw, texts


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    """Return the pictures as they are drawn now."""
    return draw()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_current(drawn: dict[str, str], name: str) -> None:
    """Each picture says what its command prints now; ``python -m docs.generate_pictures`` draws them anew."""
    assert texts((DIRECTORY / f"{name}.svg").read_text("utf-8")) == texts(drawn[name])
