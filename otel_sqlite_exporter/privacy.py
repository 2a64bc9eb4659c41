"""What may be kept of a span's attributes when no content is to be captured."""

from __future__ import annotations

from collections.abc import Mapping


def metadata_only(attributes: Mapping[str, object]) -> dict[str, object]:
    """Return the attributes that can't hold a prompt's or an answer's text."""
    return {key: value for key, value in attributes.items() if isinstance(value, (bool, int, float))}
