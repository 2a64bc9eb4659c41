"""What a doctor says: findings, each with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from otel_sqlite_exporter.pipeline.room import ENOUGH

Level: TypeAlias = Literal["ok", "note", "problem"]

KEEP_ATTRIBUTES: Final = (
    f"record() makes a provider without that limit; else set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT={ENOUGH}"
)
"""What to do about a tracer provider whose limit evicts attributes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        area: What it is about: ``versions``, ``environment``, ``instrumentation``, ``content``, ``file``, ``run``.
        level: ``ok``; ``note`` for what is worth knowing; ``problem`` for what loses calls or prompts.
        text: What was found, in one line.
        remedy: What to do about it, "" where there is nothing to do.
    """

    area: str
    level: Level
    text: str
    remedy: str = ""
