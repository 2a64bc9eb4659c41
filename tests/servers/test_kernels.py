"""Notebooks: a kernel that is restarted or shut down has written the calls of its cells."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.support import check_calls, environment

pytest.importorskip("jupyter_client", reason="tox -e servers has it")

from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.servers

FIRST = "from otel_sqlite_exporter import record\nfrom tests.servers.work import call\nrecord(instrument=False)"


@pytest.mark.parametrize("end", ["restart", "shutdown"])
def test_a_kernel_that_is_restarted_loses_nothing(tmp_path: Path, end: str) -> None:
    """The cell has ended, and the kernel is restarted at once: its calls are in the file."""
    path = tmp_path / "traces.db"
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=environment(path), cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        client.execute_interactive(FIRST, timeout=60)
        client.execute_interactive("for number in range(80): call(f'call-{number}')", timeout=60)
        if end == "restart":
            manager.restart_kernel()
            client.wait_for_ready(timeout=60)
            client.execute_interactive(FIRST + "\ncall('call-80')", timeout=60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    check_calls(path, [f"call-{number}" for number in range(81 if end == "restart" else 80)])
