"""Figures: what a measurement found, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import platform
import sqlite3
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Args:
        benchmark: The measurement it comes from.
        name: What was measured.
        value: What was found.
        unit: Of ``value`` and ``peer``.
        peer: The same for what it is compared with, None where there is nothing to compare.
        peer_name: What that is.
        target: The limit for the ratio, or for the value where there is no peer; None where none was set.
        at_least: Whether the target is a lower limit.
    """

    benchmark: str
    name: str
    value: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    target: float | None = None
    at_least: bool = False

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the peer's."""
        return self.value / self.peer if self.peer else None

    @property
    def verdict(self) -> str:
        """``ok`` or ``MISSED`` where there is a target."""
        if self.target is None:
            return ""
        measured = self.value if self.ratio is None else self.ratio
        is_met = measured >= self.target if self.at_least else measured <= self.target
        return "ok" if is_met else "MISSED"


def environment() -> dict[str, str]:
    """Return what the figures depend on besides the code."""
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "opentelemetry-sdk": version("opentelemetry-sdk"),
        "system": f"{platform.system()} {platform.machine()}",
    }


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| benchmark | figure | value | peer | ratio | target | |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for figure in figures:
        peer = f"{_number(figure.peer)} {figure.unit} ({figure.peer_name})" if figure.peer is not None else ""
        ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else ""
        target = f"{'>=' if figure.at_least else '<='} {_number(figure.target)}" if figure.target is not None else ""
        lines.append(
            f"| {figure.benchmark} | {figure.name} | {_number(figure.value)} {figure.unit} | {peer} | {ratio} "
            f"| {target} | {figure.verdict} |"
        )
    return "\n".join(lines)


def as_json(figures: Iterable[Figure]) -> str:
    """Return the figures and their environment as JSON."""
    rows = [asdict(figure) | {"ratio": figure.ratio, "verdict": figure.verdict} for figure in figures]
    return json.dumps({"environment": environment(), "figures": rows}, indent=2)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
