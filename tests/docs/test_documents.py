"""Everything that README and documentation tell people to run does run, and every link leads somewhere."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import runpy
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.cli.app import COMMANDS, run
from otel_sqlite_exporter.sources.catalogue import SDKS
from tests.docs.pages import PAGES, ROOT, Block, anchors, blocks
from tests.fake_sdk import import_path
from tests.support import RESOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.util.types import AttributeValue

GENERATED: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "generate_reference.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
KNOWN_PACKAGES = {name for sdk in SDKS for name in (*sdk.distributions, *sdk.instrumentations)} | {
    "opentelemetry-distro",
    "opentelemetry-configuration",
    "tox",
}
# What installs this repository, and where it is run as it stands.
RUN_BY_CI = {'pip install ".[examples]" && python examples/quickstart.py', "pip install tox && tox"}

_ENVIRONMENTS = {"duckdb": "readers", "pandas": "readers"}

LINES = [(block, line) for block in blocks("console") for line in re.sub(r"\\\n", " ", block.text).strip().splitlines()]


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a file in which every query finds something."""
    path = tmp_path_factory.mktemp("conversation") / "traces.db"
    processor = SQLiteSpanProcessor(path)
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Where is my refund?"}]}]',
    }
    with (
        tracer.start_as_current_span("invoke_agent support", attributes={"gen_ai.operation.name": "invoke_agent"}),
        tracer.start_as_current_span("chat gpt-4o", attributes=attributes) as span,
    ):
        span.set_status(Status(StatusCode.ERROR, "rate limited"))
    processor.shutdown()
    return path


@pytest.fixture
def recorded(conversation: Path, tmp_path: Path) -> Path:
    """Return a directory with a copy of that as its ``traces.db``."""
    shutil.copy(conversation, tmp_path / "traces.db")
    return tmp_path


def test_the_readme_is_short() -> None:
    """It has fewer than 1,200 words: what is longer has a page in docs/."""
    assert len(README.split()) < 1200


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_every_query_finds_rows(recorded: Path, block: Block) -> None:
    """Each SQL block runs as it stands and answers something about a recorded conversation."""
    if block.page == "schema.md":
        pytest.skip("statements of the schema, which its own test compares")
    with contextlib.closing(sqlite3.connect(recorded / "traces.db")) as connection:
        assert connection.execute(block.text).fetchall()


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_every_python_block_runs(recorded: Path, block: Block) -> None:
    """Each Python block runs as it stands; calls of the OpenAI API go to a local stand-in, and are recorded."""
    for module in re.findall(r"^(?:from|import) ([\w.]+)", block.text, flags=re.MULTILINE):
        if not module.startswith("otel_sqlite_exporter") and not _is_installed(module):
            pytest.skip(f"{module} is not installed here; tox -e {_ENVIRONMENTS.get(module, 'examples')} has it")
    if "INSTALL sqlite" in block.text:
        pytest.skip("it downloads an extension; tox -e readers runs it with the one from PyPI")
    calls = "chat.completions.create" in block.text
    if calls and not _is_installed("openinference.instrumentation.openai"):
        pytest.skip("openinference-instrumentation-openai is not installed here; tox -e examples has it")
    with _openai_environment() as environment:
        done = subprocess.run(
            [sys.executable, "-c", block.text],
            cwd=recorded,
            env={**environment, "PYTHONPATH": import_path(recorded)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    if calls:
        with contextlib.closing(sqlite3.connect(recorded / "traces.db")) as connection:
            assert connection.execute("SELECT count(*) FROM llm_calls WHERE output_text <> ''").fetchone() == (1,)


def test_the_yaml_block_configures_the_exporter(recorded: Path) -> None:
    """OpenTelemetry's own package takes the declarative configuration as it stands."""
    if not _is_installed("opentelemetry.configuration"):
        pytest.skip("opentelemetry-configuration is not installed here")
    (block,) = [block for block in blocks("yaml") if "file_format" in block.text]
    (recorded / "otel.yaml").write_text(block.text, encoding="utf-8")
    code = (
        "from opentelemetry import trace\n"
        "from opentelemetry.configuration import configure_sdk, load_config_file\n"
        "configure_sdk(load_config_file('otel.yaml'))\n"
        "attributes = {'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'yaml'}\n"
        "trace.get_tracer('x').start_span('chat', attributes=attributes).end()\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], cwd=recorded, env={**os.environ, "PYTHONPATH": import_path(recorded)}, check=True
    )
    with contextlib.closing(sqlite3.connect(recorded / "traces.db")) as connection:
        assert connection.execute("SELECT count(*) FROM llm_calls WHERE model = 'yaml'").fetchone() == (1,)


@pytest.mark.parametrize(("block", "line"), LINES, ids=[f"{block} {line[:40]}" for block, line in LINES])
def test_every_command_runs(recorded: Path, monkeypatch: pytest.MonkeyPatch, block: Block, line: str) -> None:
    """Each command line runs as it stands, or installs what is known to exist, or CI and another test run it."""
    monkeypatch.chdir(recorded)
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_PATH", "traces.db")
    (recorded / "app.py").write_text("", encoding="utf-8")
    for command in [] if line in RUN_BY_CI else line.split(" && "):
        _run(shlex.split(command), block)


def _run(words: list[str], block: Block) -> None:
    if words[:2] == ["pip", "install"]:
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        for package in words[2:]:
            name, _, extra = package.removesuffix("]").partition("[")
            assert name in KNOWN_PACKAGES | {"otel-sqlite-exporter"}, package
            assert not extra or re.search(rf"^{extra} = ", project, flags=re.MULTILINE), package
    elif words[0] == "otel-sqlite":
        assert run(words[1:]) == int("--run" in words), block  # the program that it runs makes no call
    elif words[0] == "sqlite3":
        if shutil.which("sqlite3") is None:
            pytest.skip("the sqlite3 shell is not installed here")
        assert "Where is my refund?" in subprocess.run(words, capture_output=True, text=True, check=True).stdout
    elif words[0] == "datasette":
        assert (ROOT / words[-1]).exists()
    elif words[0] not in {"export", "opentelemetry-instrument"}:  # which a test below runs
        assert block.page == "CONTRIBUTING.md", words  # what developers run, CI runs


def test_the_launcher_records_an_unmodified_application(tmp_path: Path) -> None:
    """The launcher's command, as it stands, answers the question, prints nothing else and records the call."""
    for module in ("openai", "openinference.instrumentation.openai", "opentelemetry.distro"):
        if not _is_installed(module):
            pytest.skip(f"{module} is not installed here; tox -e examples has it")
    if not importlib.metadata.entry_points(group="opentelemetry_traces_exporter", name="sqlite"):
        pytest.skip("the package is on the path, but not installed")
    launch = {block.text for block in blocks("console") if "opentelemetry-instrument" in block.text}
    assert len(launch) == 1, "one way, said the same everywhere"
    with _openai_environment() as environment:
        done = subprocess.run(
            launch.pop(),
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
    """The example's own text has the documentation's command."""
    text = (ROOT / "examples" / "unmodified_app.py").read_text(encoding="utf-8")
    (launch,) = {block.text.strip() for block in blocks("console") if "opentelemetry-instrument" in block.text}
    assert launch in re.sub(r"(?m)^ +", "", text)


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    """No relative link is broken, neither its file nor its heading; pages of docs/ link only to each other."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), target
        assert page.parent.name != "docs" or linked.parent == page.parent, f"{target}: no page of the site"
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("path", GENERATED["pages"](), ids=[path.name for path in GENERATED["pages"]()])
def test_what_is_generated_is_up_to_date(path: Path) -> None:
    """SDKs, settings and commands are documented as they are: else run ``python docs/generate_reference.py``."""
    assert path.read_text(encoding="utf-8") == GENERATED["pages"]()[path]


def test_every_setting_and_every_command_is_documented() -> None:
    """The generated tables leave nothing out."""
    import inspect

    settings = GENERATED["settings"]()
    for name in inspect.signature(SQLiteSpanProcessor).parameters:
        assert f"| `{name}` |" in settings
    commands = GENERATED["commands"]()
    for name in COMMANDS:
        assert f"\n## {name}\n" in commands


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@contextlib.contextmanager
def _openai_environment() -> Iterator[dict[str, str]]:
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        from standin import StandIn

        with StandIn() as stand_in:
            yield {
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "OPENAI_BASE_URL": f"{stand_in.url}/v1",
                "OPENAI_API_KEY": "none",
            }
    finally:
        sys.path.pop(0)
