"""Without a line of code: OpenTelemetry's launcher, and its declarative configuration."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from otel_sqlite_exporter.config import VARIABLES
from tests.fake_sdk import import_path, install, run
from tests.support import query

if importlib.util.find_spec("opentelemetry.distro") is None:
    pytest.skip("opentelemetry-distro is not installed", allow_module_level=True)
if not importlib.metadata.entry_points(group="opentelemetry_pre_instrument", name="sqlite"):
    pytest.skip("the package is on the path, but not installed", allow_module_level=True)

LAUNCHER = Path(sys.executable).with_name("opentelemetry-instrument")
CALLS = "SELECT input_text, output_text FROM llm_calls"
ASK = "import openai\nopenai.ask('why?')\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a directory in which an SDK and its instrumentation are installed."""
    install(tmp_path / "site")
    return tmp_path


def launch(directory: Path, code: str = ASK, **environment: str) -> str:
    """Run an application under the launcher; return what it wrote to standard error."""
    application = directory / "application.py"
    application.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [LAUNCHER, sys.executable, application],
        cwd=directory,
        env={name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        | {"PYTHONPATH": import_path(directory)}
        | {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none"}
        | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_exporter_is_found_by_its_name(directory: Path) -> None:
    """OTEL_TRACES_EXPORTER=sqlite records an unmodified application."""
    assert launch(directory, OTEL_TRACES_EXPORTER="sqlite") == ""
    assert query(directory / "llm_traces.db", CALLS) == [("why?", "WHY?")]


def test_the_processor_is_added_beside_what_is_configured(directory: Path) -> None:
    """With OTEL_EXPORTER_SQLITE_PROCESSOR=true the file has the call, and the console exporter still prints it."""
    code = ASK + "from opentelemetry import trace\ntrace.get_tracer_provider().force_flush()"
    launch(directory, code, OTEL_EXPORTER_SQLITE_PROCESSOR="true", OTEL_EXPORTER_SQLITE_PATH="mine.db")
    assert query(directory / "mine.db", CALLS) == [("why?", "WHY?")]


def test_both_ways_at_once_are_one_row_and_a_warning(directory: Path) -> None:
    """A call that exporter and processor both get is one row; a warning says that one is enough."""
    logged = launch(directory, OTEL_EXPORTER_SQLITE_PROCESSOR="true", OTEL_TRACES_EXPORTER="sqlite")
    assert "OTEL_TRACES_EXPORTER needs no sqlite" in logged
    assert query(directory / "llm_traces.db", CALLS) == [("why?", "WHY?")]


def test_log_events_are_joined_too(directory: Path) -> None:
    """The processor takes the content of log events, which the exporter alone never sees."""
    code = """
from opentelemetry import _logs, trace
with trace.get_tracer("x").start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}) as span:
    context = span.get_span_context()
    attributes = {"event.name": "gen_ai.user.message"}
    record = _logs.LogRecord(attributes=attributes, body={"content": "in an event"}, timestamp=1)
    record.trace_id, record.span_id = context.trace_id, context.span_id  # what SDKs of today do themselves
    _logs.get_logger("x").emit(record)
"""
    launch(directory, code, OTEL_EXPORTER_SQLITE_PROCESSOR="true")
    assert query(directory / "llm_traces.db", "SELECT input_text FROM llm_calls") == [("in an event",)]


def test_installed_but_not_asked_for_there_is_no_thread_and_no_file(directory: Path) -> None:
    """Under the launcher without either variable, nothing of the recording is even imported."""
    code = ASK + "import sys, threading\nassert 'otel_sqlite_exporter.recording' not in sys.modules\n" + (
        "assert not [t for t in threading.enumerate() if 'sqlite' in t.name]"
    )  # fmt: skip
    launch(directory, code)
    assert not list(directory.glob("*.db*"))


def test_a_file_that_can_not_be_used_stops_no_application(directory: Path) -> None:
    """A path that names a directory is warned about by its variable's name, and the default is written."""
    logged = launch(directory, OTEL_EXPORTER_SQLITE_PROCESSOR="true", OTEL_EXPORTER_SQLITE_PATH=str(directory))
    assert "OTEL_EXPORTER_SQLITE_PATH" in logged
    assert query(directory / "llm_traces.db", CALLS) == [("why?", "WHY?")]


def test_the_launcher_lists_every_variable_as_an_option() -> None:
    """``opentelemetry-instrument --help`` has an option for each variable that is read."""
    done = subprocess.run([LAUNCHER, "--help"], capture_output=True, text=True, check=True)
    for name in VARIABLES:
        assert f"--exporter_sqlite_{name.lower()} " in done.stdout


def test_the_declarative_configuration_knows_the_exporter(directory: Path) -> None:
    """``exporter: {sqlite: {path: ...}}`` in OpenTelemetry's YAML makes the exporter, with its options."""
    if importlib.util.find_spec("opentelemetry.configuration") is None:
        pytest.skip("opentelemetry-configuration is not installed")
    (directory / "otel.yaml").write_text(
        'file_format: "1.0"\n'
        "tracer_provider:\n"
        "  processors:\n"
        "    - batch: {exporter: {sqlite: {path: declared.db, max_text_bytes: 16}}}\n",
        encoding="utf-8",
    )
    code = """
    from opentelemetry import trace
    from opentelemetry.configuration import configure_sdk, load_config_file
    configure_sdk(load_config_file("otel.yaml"))
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    trace.get_tracer("x").start_span("chat", attributes=attributes).end()
    trace.get_tracer_provider().shutdown()
    """
    run(directory, code)
    assert query(directory / "declared.db", "SELECT model FROM llm_calls") == [("m",)]
