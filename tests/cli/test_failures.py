"""Every failure of the command line is one line and an exit status."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("click")


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "otel_sqlite_exporter", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=60,
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is one line on stderr that names it, and status 1."""
    done = run("calls", "-d", tmp_path / "none.db")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / "none.db") in done.stderr


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    """A database of another application is refused by its identity."""
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    done = run("calls", "-d", tmp_path / "other.db")
    assert done.returncode == 1
    assert "another application" in done.stderr


@pytest.mark.parametrize("arguments", [("calls", "--since", "soon"), ("calls", "-n", "none"), ("frobnicate",)])
def test_a_line_that_means_nothing_has_status_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A bad value or an unknown command is one line and status 2."""
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_mistyped_command_is_guessed(tmp_path: Path) -> None:
    """A command that is nearly right, and a file where a command belongs, are said so."""
    (tmp_path / "traces.db").touch()
    assert "did you mean calls?" in run("cals", cwd=tmp_path).stderr
    assert "otel-sqlite -d traces.db" in run("traces.db", cwd=tmp_path).stderr
