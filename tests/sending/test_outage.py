"""A receiver that fails in every way and is restarted, a sender that is killed: everything arrives."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.sending.conftest import record_spans
from tests.sending.receiver import Received, Reply, StandIn, partial_success
from tests.support import query, stored

PAGE = 512
FAILURES = (
    Reply(429, keeps=False, headers={"Retry-After": "0"}),
    Reply(502, keeps=False),
    Reply(503, keeps=False),
    Reply(504, keeps=False),
    Reply(500, keeps=False),
    Reply(413, keeps=False),
    Reply(400, keeps=False),
    Reply(keeps=False, is_cut=True),
    Reply(is_cut=True),
    Reply(body=partial_success(0, "slow down")),
)


class Outage:
    """A receiver that kills its sender and stops in the midst of requests, and fails a tenth of the others.

    Args:
        kills: Numbers of the requests in which the sender is killed: after its spans were kept, before the answer.
        restarts: Numbers of the requests after which the receiver is away for a while.
    """

    def __init__(self, kills: Sequence[int], restarts: Sequence[int]) -> None:
        self.receiver = StandIn(self._behave)
        self.sender: subprocess.Popen[str] | None = None
        self.killed = 0
        self._kills = set(kills)
        self._restarts = set(restarts)
        self._dice = random.Random(14)
        self._failed = 0

    def _behave(self, number: int, _: Sequence[Received]) -> Reply:
        if number in self._kills and self.sender is not None:
            self.killed += 1
            self.sender.send_signal(signal.SIGKILL)
            return Reply(is_cut=True)
        if number in self._restarts:
            threading.Thread(target=self._restart).start()
        if self._dice.random() < 0.1:
            self._failed += 1
            return FAILURES[self._failed % len(FAILURES)]
        return Reply()

    def _restart(self) -> None:
        self.receiver.stop()
        time.sleep(0.2)
        self.receiver.start()


def _send(path: Path, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "otel_sqlite_exporter", "send", "-d", str(path), "--to", url, "--name", "lake"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})


def _run(path: Path, outage: Outage) -> list[str]:
    """Send until a sender ends by itself, and return what it said; one that was killed is started again."""
    while True:
        outage.sender = _send(path, outage.receiver.url)
        _, said = outage.sender.communicate()
        if outage.sender.returncode != -signal.SIGKILL:
            assert outage.sender.returncode == 0, said
            return said.splitlines()


@pytest.mark.parametrize(
    ("count", "kills", "restarts"),
    [(1_600, (0, 2, 4), (3,)), pytest.param(100_000, (20, 80, 150), (40, 110), marks=pytest.mark.slow)],
)
def test_everything_arrives(tmp_path: Path, count: int, kills: tuple[int, ...], restarts: tuple[int, ...]) -> None:
    """Every span and every amendment arrives; what comes twice was in a request whose answer did not arrive."""
    path = tmp_path / "traces.db"
    record_spans(path, count)
    outage = Outage(kills, restarts)
    outage.receiver.start()
    _run(path, outage)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE spans SET user_id = 'amended ' || id WHERE id % 7 = 0")
    _run(path, outage)
    outage.receiver.stop()

    assert outage.killed == 3
    kept = outage.receiver.kept
    last = {received.key[1]: received for received in kept}
    assert len(last) == count == stored(path)
    amended = {f"{number:016x}" for number in range(7, count + 1, 7)}
    for key, received in last.items():
        expected = f"amended {int(key, 16)}" if key in amended else None
        assert received.attributes.get("user.id") == expected
    assert query(path, "SELECT set_aside, rejected, lost, last_error FROM outboxes") == [(0, 0, 0, None)]
    # A kill, a cut and a restart may each cost the payload that was under way.
    unanswered = 3 + outage._failed // len(FAILURES) + 1 + len(restarts)
    assert len(kept) - count - len(amended) <= unanswered * PAGE
