"""Every failure of the command line is one line and an exit status."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("click")

from otel_sqlite_exporter.cli.app import COMMANDS
from tests.cli.conftest import Command


def test_a_missing_file_is_named(command: Command, tmp_path: Path) -> None:
    """A file that is not there is one line on stderr that names it, and status 1."""
    done = command("calls", "-d", tmp_path / "none.db")
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert str(tmp_path / "none.db") in done.err


def test_a_foreign_database_is_refused(command: Command, tmp_path: Path) -> None:
    """A database of another application is refused by its identity."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE t (a)")
    done = command("calls", "-d", tmp_path / "other.db")
    assert done.status == 1
    assert "another application" in done.err


READERS = {
    "search": ("text",),
    "diff": ("-1",),
    "prune": ("--older-than", "30d"),
    "send": ("--to", "http://localhost:1"),
    "serve": ("--no-open", "--port", "0"),
}
"""What a command needs besides the file."""


@pytest.mark.parametrize("path", ["", "directory", "directory/", "text.db"])
@pytest.mark.parametrize("name", ["", *(name for name in COMMANDS if name not in {"merge", "demo"})])
def test_what_is_no_file_is_refused_in_the_same_way(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, path: str
) -> None:
    """Every command says in one line, or as a finding, that a path is empty, a directory or no database: status 1."""
    monkeypatch.chdir(tmp_path)
    Path("directory").mkdir()
    Path("text.db").write_text("no database", encoding="utf-8")
    done = command(*filter(None, [name]), *READERS.get(name, ()), "-d", path)
    assert done.status == 1
    if name != "doctor":
        assert (done.out, done.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    "arguments", [("merge", ""), ("merge", "all.db", ""), ("demo", ""), ("export", "-o", ""), ("trace", "--html", "")]
)
def test_a_file_without_a_name_means_nothing(command: Command, demo_path: Path, arguments: tuple[str, ...]) -> None:
    """An empty name where a file is to be written or merged is said before anything is done."""
    done = command("-d", demo_path, *arguments, *(["x.db"] if arguments == ("merge", "") else []))
    assert done.status == 2
    assert "the name of a file is empty" in done.err


@pytest.mark.parametrize(
    "arguments", [("calls", "--since", "soon"), ("calls", "-n", "none"), ("frobnicate",), ("diff",), ("diff", "-x")]
)
def test_a_line_that_means_nothing_has_status_2(command: Command, arguments: tuple[str, ...]) -> None:
    """A bad value or an unknown command is one line and status 2."""
    done = command(*arguments)
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err


def test_a_mistyped_command_is_guessed(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is nearly right, and a file where a command belongs, are said so."""
    monkeypatch.chdir(tmp_path)
    Path("traces.db").touch()
    assert "did you mean calls?" in command("cals").err
    assert "otel-sqlite -d traces.db" in command("traces.db").err


@pytest.mark.parametrize(
    "arguments",
    [
        ("calls", "--json", "--csv"),
        ("show", "--python", "--openai"),
        ("trace", "--json", "--markdown"),
        ("trace", "--json", "--html", "trace.html"),
        ("chat", "--json", "--markdown"),
    ],
    ids=" ".join,
)
def test_two_forms_of_one_answer_mean_nothing(command: Command, demo_path: Path, arguments: tuple[str, ...]) -> None:
    """No form wins silently."""
    done = command(*arguments, "-d", demo_path)
    assert (done.status, done.out) == (2, "")
    assert "two forms of the answer" in done.err


@pytest.mark.parametrize("arguments", [("calls",), ("calls", "--json"), ("calls", "--csv"), ("export",)], ids=" ".join)
def test_a_pipe_that_nobody_reads_ends_the_command_as_others(demo_path: Path, arguments: tuple[str, ...]) -> None:
    """The status is that of a program that SIGPIPE ended, and nothing is said."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "otel_sqlite_exporter", *arguments, "-d", str(demo_path)],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")
