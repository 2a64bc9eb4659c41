"""Everything the README tells people to run does run."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.config import MIN_DATABASE_BYTES, MIN_TEXT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

# Commands that install things, and where they are run as they stand.
INSTALLING = {
    'pip install ".[examples]" && python examples/quickstart.py': ".ci/run",
    "pip install tox && tox": ".ci/run",
}


def blocks(language: str) -> list[str]:
    """Return the README's fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


(LAUNCH,) = (block.strip() for block in blocks("console") if "opentelemetry-instrument" in block)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return a directory with a ``traces.db`` in which every query of the README finds something."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    with (
        tracer.start_as_current_span("invoke_agent support", attributes={"gen_ai.operation.name": "invoke_agent"}),
        tracer.start_as_current_span(
            "chat gpt-4o",
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 12,
                "gen_ai.usage.output_tokens": 5,
                "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Where is my refund?"}]}]',
            },
        ) as span,
    ):
        span.set_status(Status(StatusCode.ERROR, "rate limited"))
    processor.shutdown()
    return tmp_path


@pytest.mark.parametrize("query", blocks("sql"))
def test_every_query_finds_rows(recorded: Path, query: str) -> None:
    """Each SQL block runs as it stands and answers something about a recorded conversation."""
    with contextlib.closing(sqlite3.connect(recorded / "traces.db")) as connection:
        assert connection.execute(query).fetchall()


def test_the_first_block_needs_only_what_is_installed_above_it() -> None:
    """The command before the first Python block installs every distribution that the block imports from."""
    (command,) = (block.split() for block in blocks("console") if block.startswith("pip install otel-sqlite"))
    imported = re.findall(r"^(?:from|import) ([\w.]+)", blocks("python")[0], flags=re.MULTILINE)
    distributions = {module.replace(".", "-").replace("_", "-") for module in imported} - {"opentelemetry-sdk-trace"}
    assert distributions == set(command[2:])


@pytest.mark.parametrize("code", blocks("python"))
def test_every_python_block_runs(tmp_path: Path, code: str) -> None:
    """Each Python block runs as it stands; calls of the OpenAI API go to a local stand-in."""
    for module in re.findall(r"^(?:from|import) ([\w.]+)", code, flags=re.MULTILINE):
        if module.startswith(("openai", "openinference")) and not _is_installed(module):
            pytest.skip(f"{module} is not installed here; tox -e examples has it")
    with _openai_environment(needed="openai" in code) as environment:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    if "openai" in code:
        with contextlib.closing(sqlite3.connect(tmp_path / "traces.db")) as connection:
            assert connection.execute("SELECT count(*) FROM llm_calls WHERE output_text <> ''").fetchone() == (1,)


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="the sqlite3 shell is not installed here")
def test_the_sqlite3_command_shows_the_calls(recorded: Path) -> None:
    """The ``sqlite3`` command line prints the recorded call."""
    (command,) = [block for block in blocks("console") if block.startswith("sqlite3")]
    done = subprocess.run(command, shell=True, cwd=recorded, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Where is my refund?" in done.stdout


def test_the_launcher_records_an_unmodified_application(tmp_path: Path) -> None:
    """The launcher's command, as it stands, answers the question, prints nothing else and records the call."""
    for module in ("openai", "openinference.instrumentation.openai", "opentelemetry.distro"):
        if not _is_installed(module):
            pytest.skip(f"{module} is not installed here; tox -e examples has it")
    if not importlib.metadata.entry_points(group="opentelemetry_traces_exporter", name="sqlite"):
        pytest.skip("the package is on the path, but not installed")
    with _openai_environment(needed=True) as environment:
        done = subprocess.run(
            LAUNCH,
            shell=True,
            cwd=ROOT,
            env={name: value for name, value in environment.items() if not name.startswith("OTEL_")}
            | {
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]),
                "OTEL_EXPORTER_SQLITE_PATH": str(tmp_path / "traces.db"),
                "OTEL_SERVICE_NAME": "unmodified",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "The capital of France is Paris.\n", "")
    with contextlib.closing(sqlite3.connect(tmp_path / "traces.db")) as connection:
        assert connection.execute(
            "SELECT service_name, provider, input_text, output_text FROM llm_calls"
        ).fetchall() == [("unmodified", "openai", "What is the capital of France?", "The capital of France is Paris.")]


def test_the_unmodified_application_says_how_to_launch_it() -> None:
    """The example's own text has the README's command."""
    text = (ROOT / "examples" / "unmodified_app.py").read_text(encoding="utf-8")
    assert LAUNCH in re.sub(r"(?m)^ +", "", text)


def test_every_command_is_known_to_be_run() -> None:
    """Each command is run by CI as it stands, by a test of this suite, or installs what pyproject.toml names."""
    for block in blocks("console"):
        command = block.strip()
        if command in INSTALLING:
            assert command.partition(" && ")[2] in (ROOT / INSTALLING[command]).read_text(encoding="utf-8")
        elif command == LAUNCH:
            continue
        elif command.startswith("pip install otel-sqlite-exporter"):
            project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
            for package in command.split()[2:]:
                assert re.search(rf'"{package}[">]', project), package
        else:
            assert command.startswith("sqlite3 "), command


def test_every_linked_file_exists() -> None:
    """No relative link of the README is broken."""
    for target in re.findall(r"\]\((?!https?:|#)([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_setting_is_in_the_table() -> None:
    """The configuration table has every argument, every environment variable that the code reads and the minimums."""
    import inspect

    arguments = [name for name in inspect.signature(SQLiteSpanProcessor).parameters if name != "self"]
    assert [name for name in arguments if f"| `{name}` |" not in README] == []
    source = (ROOT / "otel_sqlite_exporter" / "config.py").read_text(encoding="utf-8")
    variables = set(re.findall(r'"([A-Z_]+)",?\s', source)) & set(re.findall(r"OTEL_EXPORTER_SQLITE_([A-Z_]+)", README))
    assert len(variables) >= 8
    for name, minimum in (("max_text_bytes", MIN_TEXT_BYTES), ("max_database_bytes", MIN_DATABASE_BYTES)):
        assert re.search(rf"^\| `{name}` .* at least {minimum}\b", README, flags=re.MULTILINE)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@contextlib.contextmanager
def _openai_environment(*, needed: bool) -> Iterator[dict[str, str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if not needed:
        yield environment
        return
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        from standin import StandIn

        with StandIn() as stand_in:
            yield environment | {"OPENAI_BASE_URL": f"{stand_in.url}/v1", "OPENAI_API_KEY": "none"}
    finally:
        sys.path.pop(0)
