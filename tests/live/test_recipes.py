"""Every recipe runs as its reader would run it, against the stand-in, and its calls are in the file."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.live

ROOT = Path(__file__).parent.parent.parent
RECIPES = ROOT / "examples" / "recipes"
PARIS = ("What is the capital of France?", "The capital of France is Paris.")

SCRIPTS = {
    "asyncio_app.py": ("openai", 3),
    "multiprocessing_pool.py": ("openai", 2),
    "langgraph_agent.py": ("langchain_openai", 2),
    "llama_index_chat.py": ("llama_index.llms.openai", 1),
    "pydantic_ai_agent.py": ("pydantic_ai", 2),
    "openai_agents.py": ("agents", 2),
    "litellm_chat.py": ("litellm", 1),
    "ag2_agents.py": ("ag2", 2),
    "mcp_tools.py": ("agents.mcp", 2),
}
"""Scripts: what each needs, and how many calls it makes."""

SERVERS = {
    "uvicorn": ("fastapi", "fastapi_app.py", ["-m", "uvicorn", "fastapi_app:app", "--port", "PORT"]),
    "gunicorn": ("flask", "flask_app.py", ["-m", "gunicorn", "flask_app:app", "--bind", "127.0.0.1:PORT"]),
    "gunicorn --preload": (
        "flask",
        "flask_app.py",
        ["-m", "gunicorn", "flask_app:app", "--preload", "--workers", "2", "--bind", "127.0.0.1:PORT"],
    ),
    "django": ("django", "django_app.py", ["-m", "gunicorn", "django_app:application", "--bind", "127.0.0.1:PORT"]),
}
"""Servers: the module that each needs, its recipe, how it is started."""


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Return an environment in which the APIs are the stand-in's."""
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        from standin import StandIn
    finally:
        sys.path.pop(0)
    with StandIn() as stand_in:
        yield {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")} | {
            "OPENAI_BASE_URL": f"{stand_in.url}/v1",
            "OPENAI_API_BASE": f"{stand_in.url}/v1",
            "OPENAI_API_KEY": "none",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "PYTHONPATH": str(ROOT),
        }


def _need(*modules: str) -> None:
    for module in modules:
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            pytest.skip(f"{module} is not installed")


def _calls(path: Path) -> list[tuple[str, str]]:
    with closing(connect(path)) as connection:
        return connection.execute("SELECT input_text, output_text FROM llm_calls ORDER BY id").fetchall()


def _run(directory: Path, environment: dict[str, str], *command: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_s_calls_are_recorded(tmp_path: Path, environment: dict[str, str], name: str) -> None:
    """Each script leaves as many calls as it makes, with questions."""
    module, count = SCRIPTS[name]
    _need(module, "openinference.instrumentation.openai")
    _run(tmp_path, environment, RECIPES / name)
    calls = _calls(tmp_path / "traces.db")
    assert len(calls) == count
    assert all(question for question, _ in calls)


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_s_calls_are_recorded(tmp_path: Path, environment: dict[str, str], name: str) -> None:
    """A request to each server is a call in the file, also when the server is stopped at once."""
    module, recipe, command = SERVERS[name]
    _need(module, command[1], "openai", "openinference.instrumentation.openai")
    shutil.copy(RECIPES / recipe, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *(part.replace("PORT", str(port)) for part in command)], cwd=tmp_path, env=environment
    )
    try:
        answer = _get(f"http://127.0.0.1:{port}/ask?question={urllib.parse.quote(PARIS[0])}", process)
    finally:
        process.terminate()
        process.wait(60)
    assert PARIS[1] in answer
    assert _calls(tmp_path / "traces.db") == [PARIS]


def _get(url: str, process: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert process.poll() is None, "the server has ended"
            time.sleep(0.1)
    raise AssertionError(url)


def test_a_celery_worker_s_calls_are_recorded(tmp_path: Path, environment: dict[str, str]) -> None:
    """A task of a forked pool process is a call in the file after the worker is stopped."""
    _need("celery", "openai", "openinference.instrumentation.openai")
    shutil.copy(RECIPES / "celery_app.py", tmp_path)
    (tmp_path / "queue").mkdir()
    environment = environment | {"BROKER": "filesystem://"}
    _run(tmp_path, environment, "-c", f"import celery_app; celery_app.ask.delay({PARIS[0]!r})")
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "--app", "celery_app", "worker", "--concurrency", "1"],
        cwd=tmp_path,
        env=environment,
    )
    try:
        for _ in range(600):
            if (tmp_path / "traces.db").exists() and _rows(tmp_path / "traces.db"):
                break
            assert worker.poll() is None, "the worker has ended"
            time.sleep(0.1)
    finally:
        worker.terminate()
        worker.wait(60)
    assert _calls(tmp_path / "traces.db") == [PARIS]


def _rows(path: Path) -> int:
    try:
        return len(_calls(path))
    except Exception:  # noqa: BLE001 - the file is being made
        return 0


def test_a_notebook_s_cell_may_be_run_three_times(tmp_path: Path, environment: dict[str, str]) -> None:
    """Three runs of the cell are three calls, each once, and the last cell shows them."""
    _need("nbclient", "ipykernel", "openai", "openinference.instrumentation.openai")
    notebook = json.loads((RECIPES / "notebook.ipynb").read_text(encoding="utf-8"))
    text, cell, look = notebook["cells"]
    notebook["cells"] = [text, cell, {**cell, "id": "again"}, {**cell, "id": "and-again"}, look]
    (tmp_path / "notebook.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    code = (
        "import nbformat, nbclient\n"
        "notebook = nbformat.read('notebook.ipynb', as_version=4)\n"
        "nbclient.NotebookClient(notebook, timeout=240).execute()\n"
        "print(notebook.cells[-1].outputs[0]['data'].get('text/html', ''))\n"
    )
    shown = _run(tmp_path, environment, "-c", code)
    assert shown.count(PARIS[0]) == 3
    assert _calls(tmp_path / "traces.db") == [PARIS] * 3


def test_a_function_service_has_the_call_before_it_answers(environment: dict[str, str], tmp_path: Path) -> None:
    """The call is in the file when the handler has returned, whatever becomes of the process."""
    _need("openai", "openinference.instrumentation.openai")
    source = (RECIPES / "lambda_handler.py").read_text(encoding="utf-8")
    (tmp_path / "lambda_handler.py").write_text(source.replace("/tmp/", f"{tmp_path}/"), encoding="utf-8")
    code = f"import os, lambda_handler\nprint(lambda_handler.handler({{'question': {PARIS[0]!r}}}, None))\nos._exit(0)"
    _run(tmp_path, environment, "-u", "-c", code)
    assert _calls(tmp_path / "traces.db") == [PARIS]


def test_the_fixture_gives_a_test_its_calls(environment: dict[str, str], tmp_path: Path) -> None:
    """The recipe's own test passes."""
    _need("openai", "openinference.instrumentation.openai")
    shutil.copy(RECIPES / "test_with_calls.py", tmp_path)
    assert "1 passed" in _run(
        tmp_path, environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_with_calls.py"
    )


def test_datasette_s_queries_find_what_they_ask_for(tmp_path: Path) -> None:
    """Each named query of the shipped configuration runs on a recorded file."""
    yaml = pytest.importorskip("yaml")
    from otel_sqlite_exporter import SQLiteSpanProcessor
    from tests.support import end_spans

    processor = SQLiteSpanProcessor(tmp_path / "traces.db")
    end_spans(processor)
    processor.shutdown()
    settings = yaml.safe_load((ROOT / "examples" / "datasette.yaml").read_text(encoding="utf-8"))["databases"]["traces"]
    with closing(connect(tmp_path / "traces.db")) as connection:
        for query in settings["queries"].values():
            connection.execute(query["sql"], {"text": "x"}).fetchall()
        for table in settings["tables"]:
            connection.execute(f"SELECT * FROM {table}").fetchall()
