"""What the fault tests share: applications in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support import outputs_of

ROOT = Path(__file__).parent.parent.parent

PRELUDE = """
import atexit, os, signal, sys, time, threading
from tests.faults.oracle import Application
app = Application(sys.argv[1])
processor, provider, call = app.processor, app.provider, app.call
"""


def start(path: Path, script: str, *, wrapper: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start an application that records into a file.

    Args:
        path: The database file.
        script: What it does, with ``app``, ``processor``, ``provider`` and ``call`` at hand.
        wrapper: A command to run it under.
    """
    return subprocess.Popen(
        [*wrapper, sys.executable, "-X", "faulthandler", "-c", PRELUDE + textwrap.dedent(script), str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def run(
    path: Path, script: str, *, returncode: int | None = 0, seconds: float = 60, wrapper: tuple[str, ...] = ()
) -> str:
    """Run an application to its end and return what it printed.

    Args:
        path: The database file.
        script: What it does.
        returncode: What it must end with, None for anything.
        seconds: How long it may take before it counts as hung.
        wrapper: A command to run it under.
    """
    process = start(path, script, wrapper=wrapper)
    out, err = outputs_of(process, seconds)
    if returncode is not None:
        assert process.returncode == returncode, err
        assert "Traceback" not in err, err
    return out
