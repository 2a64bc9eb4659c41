"""The program that a doctor is to run, out of the words that start it in a shell."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAUNCHER: Final = "opentelemetry-instrument"


@dataclass(frozen=True, slots=True)
class Program:
    """A Python program.

    Args:
        launcher: OpenTelemetry's launcher and its options, with which it is started; empty where it is started without.
        target: The path of a script, or ``-m`` and the name of a module, and the arguments after it.
    """

    launcher: tuple[str, ...]
    target: tuple[str, ...]

    def environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment in which it runs: the launcher's options are variables of OpenTelemetry's."""
        found = dict(environment)
        words = iter(self.launcher[1:])
        for word in words:
            name, has_value, value = word.removeprefix("--").partition("=")
            found[f"OTEL_{name.upper()}"] = value if has_value else next(words, "")
        return found


def program_of(words: Sequence[str]) -> Program:
    """Read the words with which a program is started.

    Args:
        words: ``SCRIPT ARGUMENTS...``, with ``python``, ``python -m MODULE`` or an installed command (``uvicorn``) in
            place of ``SCRIPT``, and with ``opentelemetry-instrument OPTIONS...`` before it or without.

    Raises:
        ValueError: There is no such script, command or launcher; the message says which.
    """
    rest = list(words)
    launcher: list[str] = []
    if Path(rest[0]).name == LAUNCHER:
        launcher.append(_command(rest.pop(0)))
        while rest and rest[0].startswith("--"):  # each takes a value, behind = or as the next word
            launcher += rest[: 1 if "=" in rest[0] else 2]
            del rest[: 1 if "=" in rest[0] else 2]
    if rest and Path(rest[0]).name.startswith("python") and not rest[0].endswith(".py"):
        del rest[0]
    if not rest:
        raise ValueError(f"{' '.join(words)} starts no program")
    if rest[0] == "-m" and len(rest) > 1:
        return Program(tuple(launcher), tuple(rest))
    if not Path(rest[0]).is_file():
        rest[0] = _command(rest[0])
    return Program(tuple(launcher), tuple(rest))


def _command(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ValueError(f"{name} is neither a file nor a command")
    return found
