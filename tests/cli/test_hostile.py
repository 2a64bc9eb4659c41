"""On a terminal nothing of a text is obeyed, and the command ends as commands end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Screen
from tests.reading.test_hostile import HOSTILE, File
from tests.support import end_spans, recording, wait_until

# What rich itself writes: colours and weights, and nothing else.
OWN = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return a file in which every text is hostile."""
    file = File(tmp_path / "hostile.db")
    columns = ("name", "request_model", "agent_name", "conversation_id", "user_id", "error_type", "status_message")
    for kind in ("agent", "llm", "tool"):
        span = file.span(
            kind=kind,
            tool_name=HOSTILE,
            status="error",
            attributes='{"gen_ai.request.stop": "\\u001b[31m"}',
            **dict.fromkeys(columns, HOSTILE),
        )
        for position, direction in enumerate(("system", "input", "output")):
            file.message(span, direction, position, HOSTILE if direction == "input" else "assistant", HOSTILE, None)
    file.connection.close()
    return tmp_path / "hostile.db"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("calls",),
        ("show", "-1"),
        ("show", "-1", "--all"),
        ("show", "-1", "--changes"),
        ("traces",),
        ("trace", "-1"),
        ("conversations",),
        ("chat", "-1"),
        ("usage", "--by", "model,agent,user"),
        ("tools",),
        ("errors",),
        ("errors", "--each"),
        ("latency",),
        ("search", "markup"),
        ("diff", "1", "2"),
        ("status",),
    ],
    ids=" ".join,
)
def test_a_screen_obeys_no_text(on_screen: Screen, hostile: Path, arguments: tuple[str, ...]) -> None:
    """No escape, control character or direction mark of a text reaches the screen; markup and HTML are text."""
    done = on_screen(120, *arguments, "-d", hostile)
    shown = OWN.sub("", done.out)
    assert done.status == 0, done.out
    assert not set(shown) & set("\x1b\x07\x08\x7f\x9b\u202e\u202c\u2066\u2069\u200b\u2028\r\U000e0041")
    if arguments not in {("latency",), ("status",)}:
        assert "[bold]" in shown or "␛[31m" in shown


def _takes_interrupts() -> None:
    """Undo what a shell does to its background jobs, of which this suite may be one."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_follower_shows_calls_as_they_end_and_stops_at_ctrl_c(tmp_path: Path) -> None:
    """``calls --follow`` shows a call that another process records, and Ctrl-C ends it quietly."""
    path = tmp_path / "live.db"
    with recording(path) as processor:
        with (tmp_path / "out").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "otel_sqlite_exporter", "calls", "--follow", "--json", "-d", str(path)],
                stdout=output,
                stderr=subprocess.PIPE,
                preexec_fn=_takes_interrupts,  # noqa: PLW1509 - it calls nothing that another thread could hold
            )
        assert process.stderr is not None
        wait_until(lambda: b"chat" in (tmp_path / "out").read_bytes(), what="the call that was there")
        end_spans(processor, 1, **{"gen_ai.response.id": "the-new-one"})
        wait_until(lambda: b"the-new-one" in (tmp_path / "out").read_bytes(), what="the call that ended now")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read().strip() == b""
        process.stderr.close()


def test_a_locked_file_is_one_line(command: Command, tmp_path: Path) -> None:
    """A file that another process holds alone is one line and status 1."""
    file = File(tmp_path / "locked.db")
    file.connection.execute("PRAGMA journal_mode = DELETE")
    file.connection.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    done = command("calls", "-d", file.path)
    assert (done.status, done.out) == (1, "")
    assert re.fullmatch(r"otel-sqlite: .*locked.*\n", done.err)
    assert time.monotonic() - started < 60
    file.connection.execute("ROLLBACK")
    file.connection.close()


@pytest.mark.parametrize("content", [b"", b"no database at all " * 100, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_of_something_else_is_one_line(command: Command, tmp_path: Path, content: bytes) -> None:
    """An empty, foreign or damaged file is one line and status 1."""
    (tmp_path / "odd.db").write_bytes(content)
    done = command("calls", "-d", tmp_path / "odd.db")
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1


def test_a_newer_schema_is_one_line(command: Command, tmp_path: Path) -> None:
    """A file of a schema that is not known yet says how to get what knows it."""
    file = File(tmp_path / "new.db")
    file.connection.execute("PRAGMA user_version = 99")
    file.connection.close()
    done = command("calls", "-d", file.path)
    assert done.status == 1
    assert "pip install --upgrade" in done.err


def test_a_directory_is_one_line(command: Command, tmp_path: Path) -> None:
    """A directory is no file."""
    done = command("calls", "-d", tmp_path)
    assert done.status == 1
    assert done.err.count("\n") == 1
