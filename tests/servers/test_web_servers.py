"""Web servers that are stopped right after their last answer: every call is in the file, with nothing to set up."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.servers.support import ask, ask_many, check_requests, ended, free_port, start

pytestmark = pytest.mark.servers

GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:PORT", "--workers", "2", "--log-level", "warning")
SERVERS = {
    "uvicorn": ("-m", "uvicorn", "tests.servers.apps:asgi", "--port", "PORT"),
    "uvicorn with workers": ("-m", "uvicorn", "tests.servers.apps:asgi", "--port", "PORT", "--workers", "2"),
    "uvicorn from a script": (
        "-c",
        "import uvicorn; from tests.servers import apps; uvicorn.run(apps.asgi, port=PORT, log_level='warning')",
    ),
    "gunicorn sync": (*GUNICORN, "tests.servers.apps:wsgi"),
    "gunicorn gthread": (*GUNICORN, "--worker-class", "gthread", "--threads", "4", "tests.servers.apps:wsgi"),
    "gunicorn gevent": (*GUNICORN, "--worker-class", "gevent", "tests.servers.apps:wsgi"),
    "gunicorn gevent --preload": (*GUNICORN, "--worker-class", "gevent", "--preload", "tests.servers.apps:wsgi"),
    "gunicorn uvicorn": (*GUNICORN, "--worker-class", "uvicorn.workers.UvicornWorker", "tests.servers.apps:asgi"),
    "gunicorn --preload": (*GUNICORN, "--preload", "tests.servers.apps:wsgi"),
    "gunicorn --max-requests": (*GUNICORN, "--max-requests", "5", "tests.servers.apps:wsgi"),
    "gunicorn --preload --max-requests": (*GUNICORN, "--preload", "--max-requests", "5", "tests.servers.apps:wsgi"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_is_stopped_right_after_its_last_answer_loses_nothing(tmp_path: Path, name: str) -> None:
    """Calls that ended within the last half second before SIGTERM are in the file."""
    path, port = tmp_path / "traces.db", free_port()
    process = start(path, *(part.replace("PORT", str(port)) for part in SERVERS[name]))
    try:
        ask(port, "first")
        names = ask_many(port, 40)
    finally:
        process.terminate()
    ended(process, codes=(0, -signal.SIGTERM))
    check_requests(path, ["first", *names])


@pytest.mark.parametrize("name", ["uvicorn from a script", "gunicorn sync", "gunicorn gthread", "gunicorn gevent"])
def test_a_request_that_ends_after_sigterm_is_recorded(tmp_path: Path, name: str) -> None:
    """What a server still finishes once it has been asked to stop is in the file as well."""
    path, port = tmp_path / "traces.db", free_port()
    process = start(path, *(part.replace("PORT", str(port)) for part in SERVERS[name]))
    try:
        ask(port, "first")
        with ThreadPoolExecutor() as pool:
            last = pool.submit(ask, port, "last", seconds=1)
            time.sleep(0.5)
            process.terminate()
            last.result()
    finally:
        process.terminate()
    ended(process, codes=(0, -signal.SIGTERM))
    check_requests(path, ["first", "last"])
