"""Function services, as AWS Lambda: frozen after each answer, thawed for the next one, killed whenever."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.support import check_calls, environment

pytestmark = pytest.mark.servers

HANDLER = """
import sys
from otel_sqlite_exporter import record
from tests.servers.work import call

recording = record(instrument=False, handle_sigterm=False)

def handler(name):
    call(name)
    recording.flush(5000)
    return name

for line in sys.stdin:
    print(handler(line.strip()), flush=True)
"""


def test_a_frozen_service_loses_nothing_with_a_flush_before_each_answer(tmp_path: Path) -> None:
    """The call is in the file when the answer is there, so that neither a freeze nor ``kill -9`` matters."""
    path, script = tmp_path / "traces.db", tmp_path / "service.py"
    script.write_text(HANDLER)
    service = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(path),
        cwd=tmp_path,
    )
    assert service.stdin is not None
    assert service.stdout is not None
    names = [f"call-{number}" for number in range(30)]
    for name in names:
        service.send_signal(signal.SIGCONT)
        service.stdin.write(f"{name}\n")
        service.stdin.flush()
        assert service.stdout.readline() == f"{name}\n"
        service.send_signal(signal.SIGSTOP)
        time.sleep(0.02)
    service.kill()
    service.communicate()
    check_calls(path, names, is_killed=True)
