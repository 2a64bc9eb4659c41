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
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from otel_sqlite_exporter.database.schema import SPAN_COLUMNS
from tests.sending.conftest import record_spans
from tests.sending.receiver import Received, Reply, StandIn, partial_success
from tests.support import query, stored

pytestmark = pytest.mark.slow

PAGE = 512
TIMEOUT_SECONDS = 1
FAILURES = (
    Reply(429, keeps=False, headers={"Retry-After": "0"}),
    Reply(502, keeps=False),
    Reply(503, keeps=False, headers={"Retry-After": "1"}),
    Reply(504, keeps=False),
    Reply(500, keeps=False),
    Reply(413, keeps=False),
    Reply(400, keeps=False),
    Reply(keeps=False, is_cut=True),
    Reply(is_cut=True),
    Reply(delay_seconds=2 * TIMEOUT_SECONDS),
    Reply(keeps=False, delay_seconds=2 * TIMEOUT_SECONDS),
    Reply(body=partial_success(0, "slow down")),
)
UNANSWERED = [number for number, reply in enumerate(FAILURES) if reply.keeps and not reply.body]
_TEMPLATE = 1_000
_COPY = (
    f"INSERT INTO spans ({', '.join(SPAN_COLUMNS)}) SELECT "
    + ", ".join({"id": "id + :more", "span_id": "printf('%016x', id + :more)"}.get(name, name) for name in SPAN_COLUMNS)
    + " FROM spans WHERE id <= :template"
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
        self.failed = 0
        self._kills = set(kills)
        self._restarts = set(restarts)
        self._dice = random.Random(14)

    def _behave(self, number: int, spans: Sequence[Received]) -> Reply:
        if number in self._kills and self.sender is not None:
            self.killed += 1
            self.sender.send_signal(signal.SIGKILL)
            return Reply(is_cut=True)
        if number in self._restarts:
            threading.Thread(target=self._restart).start()
        if self._dice.random() < 0.1:
            self.failed += 1
            reply = FAILURES[self.failed % len(FAILURES)]
            # One span that is refused alone is what is wrong with a request: it would be set aside, as it should be.
            return Reply() if reply.status in {400, 413} and len(spans) == 1 else reply
        return Reply()

    def _restart(self) -> None:
        self.receiver.stop()
        time.sleep(0.2)
        self.receiver.start()


def _run(path: Path, outage: Outage) -> str:
    """Send until a sender ends by itself, and return what it said; one that was killed is started again."""
    command = [sys.executable, "-m", "otel_sqlite_exporter", "send", "-d", str(path), "--name", "lake"]
    environment = {**os.environ, "NO_COLOR": "1", "OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT_SECONDS)}
    while True:
        outage.sender = subprocess.Popen(
            [*command, "--to", outage.receiver.url], stderr=subprocess.PIPE, text=True, env=environment
        )
        _, said = outage.sender.communicate()
        if outage.sender.returncode != -signal.SIGKILL:
            assert outage.sender.returncode == 0, said
            return said


@contextmanager
def _amending(path: Path, count: int) -> Iterator[None]:
    """Have one row after another amended meanwhile, some of them before they are sent, some after, some twice."""
    is_over = threading.Event()
    dice = random.Random(15)

    def amend() -> None:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            for turn in range(count // 10):
                values = (f"turn {turn}", dice.randint(1, count))
                connection.execute("UPDATE spans SET user_id = ? WHERE id = ?", values)
                if is_over.wait(0.001):
                    return

    thread = threading.Thread(target=amend)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_everything_arrives(tmp_path: Path) -> None:
    """Every span and every amendment arrives; what comes twice was in a request whose answer did not arrive."""
    count, restarts = 100_000, (40, 110)
    path = tmp_path / "traces.db"
    record_spans(path, _TEMPLATE)
    with closing(sqlite3.connect(path)) as connection, connection:
        for more in range(_TEMPLATE, count, _TEMPLATE):
            connection.execute(_COPY, {"more": more, "template": _TEMPLATE})
    outage = Outage((20, 80, 150), restarts)
    outage.receiver.start()
    with _amending(path, count):
        _run(path, outage)
    _run(path, outage)
    outage.receiver.stop()

    assert outage.killed == 3
    kept = outage.receiver.kept
    last = {received.key[1]: received.attributes.get("user.id") for received in kept}
    assert set(last.items()) == set(query(path, "SELECT span_id, user_id FROM spans"))
    assert len(last) == count == stored(path)
    assert query(path, "SELECT set_aside, rejected, lost, last_error FROM outboxes") == [(0, 0, 0, None)]
    # What is not counted came in a request that had no answer: a kill, a restart, a cut, or a wait that was too long.
    ((sent,),) = query(path, "SELECT sent FROM outboxes")
    without_answer = (
        outage.killed
        + len(restarts)
        + sum(number % len(FAILURES) in UNANSWERED for number in range(1, outage.failed + 1))
    )
    assert len(kept) - int(str(sent)) <= without_answer * PAGE
