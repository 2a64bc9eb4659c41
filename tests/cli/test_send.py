"""``otel-sqlite send`` as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.sending.conftest import record_spans
from tests.sending.receiver import Reply, listening
from tests.support import unset_settings, value, wait_until


def line(*arguments: object) -> list[str]:
    """Return a command line."""
    return [sys.executable, "-m", "otel_sqlite_exporter", "send", *map(str, arguments)]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        line(*arguments), capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **environment}
    )


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a file with five calls, and no setting in the environment."""
    unset_settings(monkeypatch)
    record_spans(tmp_path / "traces.db", 5)
    return tmp_path / "traces.db"


def test_it_says_what_it_did(path: Path) -> None:
    """One line says how many spans went where, under which name; the address may come from OpenTelemetry's variable."""
    with listening() as receiver:
        done = run("-d", path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert (done.returncode, done.stdout) == (0, "")
    name = f"127.0.0.1:{receiver.port}"
    assert done.stderr == f"otel-sqlite: 5 spans sent to {receiver.url}/v1/traces as {name!r}\n"
    assert value(path, "SELECT name FROM outboxes") == name
    assert len(receiver.keys) == 5


def test_a_dry_run_changes_nothing(command: Command, path: Path) -> None:
    """It says what would be sent, asks nobody, and leaves the file as it is."""
    done = command("send", "-d", path, "--to", "http://127.0.0.1:9", "--dry-run")
    assert done.status == 0
    assert done.out.startswith("5 spans in 1 request, ")
    assert value(path, "SELECT count(*) FROM outboxes") == 0


def test_a_signal_ends_following(path: Path) -> None:
    """SIGTERM ends a sender that follows: status 0, everything noted, one line that says what was sent."""
    with listening() as receiver:
        sender = subprocess.Popen(line("-d", path, "--to", receiver.url, "-f"), stderr=subprocess.PIPE, text=True)
        wait_until(lambda: len(receiver.keys) == 5, what="the spans arrive", seconds=60)
        wait_until(lambda: value(path, "SELECT sum(sent) FROM outboxes") == 5, what="the cursor is moved")
        sender.send_signal(signal.SIGTERM)
        _, said = sender.communicate(timeout=60)
    assert sender.returncode == 0
    assert said.count("\n") == 1
    assert said.endswith("; stopped\n")


def test_a_refusal_is_one_line(command: Command, path: Path) -> None:
    """A receiver that wants credentials is one line that names the variable, and status 1."""
    with listening(lambda *_: Reply(401, keeps=False)) as receiver:
        done = command("send", "-d", path, "--to", receiver.url)
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert "OTEL_EXPORTER_OTLP_HEADERS" in done.err


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ((), {}, "give --to URL"),
        (("--to", "localhost"), {}, "is no address"),
        (("--to", "http://h:1", "--exporter", "console"), {}, "give one"),
        (("--exporter", "nobody"), {}, "there is no exporter 'nobody' installed; there are: "),
        (("--to", "http://h:1"), {"OTEL_EXPORTER_OTLP_HEADERS": "nonsense"}, "name=value"),
        (("--to", "http://h:1"), {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}, "no number of seconds"),
        (("--to", "http://h:1"), {"OTEL_EXPORTER_OTLP_COMPRESSION": "zip"}, "none, gzip"),
        (("--to", "https://h:1"), {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/none.pem"}, "can't be read"),
        (("--to", "http://h:1", "--since", "soon"), {}, "no point in time"),
    ],
)
def test_what_means_nothing_is_one_line(
    command: Command,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    said: str,
) -> None:
    """A setting that means nothing is said in one line, and the file stays as it is."""
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    done = command("send", "-d", path, *arguments)
    assert done.status in {1, 2}
    assert said in done.err.splitlines()[-1]
    assert "Traceback" not in done.err
    assert value(path, "SELECT count(*) FROM outboxes") == 0


def test_any_exporter_with_a_weaker_promise(path: Path) -> None:
    """An installed exporter takes the spans, and what its interface can't promise is said."""
    done = run("-d", path, "--exporter", "console", "--as", "original")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"span_id"') == 5
    assert "does not say what its receiver refused" in done.stderr
    assert value(path, "SELECT destination FROM outboxes") == "exporter console"
