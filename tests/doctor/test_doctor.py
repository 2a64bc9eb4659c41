"""``otel-sqlite doctor``: nobody whose calls or prompts are missing is left without a word."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.cli.app import run
from otel_sqlite_exporter.doctor.has_content import has_content
from otel_sqlite_exporter.doctor.recorded import Reported
from otel_sqlite_exporter.doctor.reporters import contents
from otel_sqlite_exporter.doctor.reporters import judged as judged_sdks
from otel_sqlite_exporter.doctor.running import judged as judged_run
from otel_sqlite_exporter.doctor.running import run as run_words
from otel_sqlite_exporter.doctor.settings import missing_exporters, records_to_sqlite, settings
from otel_sqlite_exporter.doctor.versions import OLDEST_OPENTELEMETRY, OLDEST_PYTHON, judged
from otel_sqlite_exporter.sources import content
from otel_sqlite_exporter.sources.catalogue import CONTRIB, OFFICIAL, OPENINFERENCE, SDKS, is_genai, sdk_of
from otel_sqlite_exporter.sources.installed import InstalledSdk
from tests.fake_sdk import BROKEN, INSTRUMENTOR, import_path, install
from tests.support import CHAT, end_spans, provider_with, unset_settings

ROOT = Path(__file__).parent.parent.parent

Found = dict[tuple[str, str], str]
"""The remedy of each finding, by its level and text."""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory with nothing in it, and nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("OTEL_EXPORTER_SQLITE_PATH", "OTEL_TRACES_EXPORTER", content.GENAI_CAPTURE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(tmp_path / "site")
    for name in ("openai", "fake_instrumentor"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.fixture
def programs(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory for programs that have an SDK, its instrumentation and this environment's commands."""
    install(directory / "site")
    unset_settings(monkeypatch)
    monkeypatch.setenv("PYTHONPATH", import_path(directory))
    monkeypatch.setenv("PATH", os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    return directory


def examine(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Found]:
    """Run the command; return its exit status and what it found."""
    capsys.readouterr()
    status = run(["doctor", "--json", *arguments])
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return status, {(row["level"], row["text"]): row["remedy"] for row in rows}


def remedy_of(found: Found, level: str, *words: str) -> str:
    """Return the remedy of the one finding of a level whose text has the words."""
    (remedy,) = [found[key] for key in found if key[0] == level and all(word in key[1] for word in words)]
    return remedy


def test_where_everything_is_well_the_exit_status_is_0(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An SDK with its instrumentation and a file with calls are no problem."""
    install(directory / "site")
    processor = SQLiteSpanProcessor()
    provider_with(processor).get_tracer("tests").start_span(
        "chat", attributes={**CHAT, "gen_ai.prompt.0.content": "why?", "gen_ai.prompt.0.role": "user"}
    ).end()
    processor.shutdown()
    status, found = examine(capsys)
    assert status == 0
    assert ("ok", "OpenAI (openai 9.0): openinference-instrumentation-openai 9.0") in found
    assert [key for key in found if "llm_traces.db: 1 call," in key[1]]


def test_an_sdk_without_instrumentation_is_named_with_the_package(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No instrumentor: a problem, and the line that installs it."""
    install(directory / "site", instrumentation=False)
    status, found = examine(capsys)
    assert status == 1
    assert remedy_of(found, "problem", "OpenAI", "nothing reports its calls") == (
        "pip install openinference-instrumentation-openai"
    )


ANTHROPIC = next(sdk for sdk in SDKS if sdk.name == "Anthropic")


@pytest.mark.parametrize(
    ("version", "is_enough"), [("2.14.0", True), ("1.14.0", True), ("1.13.0", False), ("1", False)]
)
def test_an_sdk_that_reports_itself_is_known_by_its_version(version: str, *, is_enough: bool) -> None:
    """Newer versions of some SDKs need no instrumentation; older ones do, and its package is named."""
    (finding,) = judged_sdks([InstalledSdk(ANTHROPIC, "anthropic", version, ())], {})
    assert finding.level == ("ok" if is_enough else "problem")
    assert ("reports its calls itself" in finding.text) is is_enough


def test_what_an_sdk_that_reports_itself_must_be_asked_for_is_said() -> None:
    """Its prompts need a variable, which is named until it is set."""
    installed = InstalledSdk(ANTHROPIC, "anthropic", "2.14.0", ())
    (finding,) = contents([installed], {}, {})
    assert "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content" in finding.remedy
    assert not contents([installed], {}, {"ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content"})


@pytest.mark.parametrize(
    ("provider", "scope", "is_of_it"),
    [
        ("anthropic", "com.example.proxy", True),
        ("", "opentelemetry.instrumentation.anthropic", True),
        ("openai", "openinference.instrumentation.openai", False),
    ],
)
def test_calls_in_the_file_are_evidence(provider: str, scope: str, *, is_of_it: bool) -> None:
    """An SDK whose calls the file holds is not said to be reported by nothing, whatever is installed here."""
    installed = InstalledSdk(ANTHROPIC, "anthropic", "1.0", ())
    (finding,) = judged_sdks([installed], {}, [Reported(provider, scope, 3)])
    assert finding.level == ("note" if is_of_it else "problem")
    assert (f"the file holds 3 calls of it from {scope}" in finding.text) is is_of_it


def test_the_file_says_who_reported_its_calls(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An SDK without an instrumentation is a note where its calls are in the file."""
    install(directory / "site", instrumentation=False)
    processor = SQLiteSpanProcessor()
    provider_with(processor).get_tracer("my.proxy").start_span("chat", attributes={**CHAT, "input.value": "?"}).end()
    processor.shutdown()
    status, found = examine(capsys)
    assert status == 0
    assert remedy_of(found, "note", "OpenAI", "the file holds 1 call of it from my.proxy") == ""


def test_content_that_is_reported_and_not_stored_is_no_tick(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the instrumentation reports does not count where the variable keeps it out of the file."""
    install(directory / "site")
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT", "false")
    _, found = examine(capsys)
    assert not [key for key in found if key[0] == "ok" and "prompts" in key[1]]
    assert remedy_of(found, "note", "openinference-instrumentation-openai", "and not stored") == ""


def test_a_broken_instrumentation_is_named_with_its_error(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken import, which the launcher swallows, is a problem with its own words."""
    install(directory / "site", instrumentor=BROKEN)
    status, found = examine(capsys)
    assert status == 1
    assert "pip install --upgrade" in remedy_of(found, "problem", "is broken", "a part of it is missing")


def test_an_instrumentation_that_does_not_fit_its_sdk_is_named(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A version of the SDK that the instrumentation does not support is a problem."""
    install(directory / "site", instrumentor=INSTRUMENTOR.replace('["openai"]', '["openai < 3"]'))
    status, found = examine(capsys)
    assert status == 1
    assert remedy_of(found, "problem", "is broken", "openai < 3")


def test_a_file_that_is_missing_is_no_problem_but_said(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The wrong path: what is not there is said, with a recorded file of the directory, if there is one."""
    processor = SQLiteSpanProcessor("mine.db")
    end_spans(processor)
    processor.shutdown()
    _, found = examine(capsys)
    assert remedy_of(found, "note", "does not exist") == f"look at {directory / 'mine.db'} with -d"


@pytest.mark.parametrize("path", ["missing.db", "no/such/directory/missing.db"])
def test_a_file_that_was_asked_for_and_is_missing_is_a_problem(
    directory: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    """Whoever names a file with -d is told that it is not there, by the exit status too."""
    status, found = examine(capsys, "-d", path)
    assert status == 1
    assert remedy_of(found, "problem", str(directory / path), "does not exist")


def test_a_path_that_can_not_be_made_is_a_problem(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path below a file, or in a directory that takes nothing even from root, is a problem."""
    (directory / "file").write_text("", encoding="utf-8")
    status, found = examine(capsys, "-d", "file/traces.db")
    assert status == 1
    assert remedy_of(found, "problem", "a parent of this path is a file")
    if Path("/proc/self").exists():
        status, found = examine(capsys, "-d", "/proc/new/traces.db")
        assert status == 1
        assert "-d" in remedy_of(found, "problem", "nothing can be written into /proc")


def test_a_file_of_another_application_is_a_problem(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A database that is not ours is refused with a remedy."""
    with contextlib.closing(sqlite3.connect(directory / "other.db")) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    status, found = examine(capsys, "-d", "other.db")
    assert status == 1
    assert "-d" in remedy_of(found, "problem", "other.db")


def test_what_the_ledger_knows_is_said(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Losses, content that was off, evicted attributes and calls without content are found in the file."""
    processor = SQLiteSpanProcessor(capture_content=False)
    end_spans(processor)
    processor.shutdown()
    with contextlib.closing(sqlite3.connect(directory / "llm_traces.db")) as connection, connection:
        connection.execute("UPDATE recorders SET dropped_queue_full = 3, redact_failures = 2, log_events_unmatched = 4")
        # The attribute that says what a span is may be the evicted one: it is no call then.
        connection.execute("UPDATE spans SET attributes_evicted = 1, kind = 'other'")
    status, found = examine(capsys)
    assert status == 1
    assert remedy_of(found, "problem", "3 spans were lost", "queue full")
    assert "redact" in remedy_of(found, "problem", "2 texts are withheld")
    assert "logger_provider" in remedy_of(found, "problem", "4 log events belong to no span")
    assert "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" in remedy_of(found, "problem", "SDK's limit took attributes of 1 of")
    assert "capture_content" in remedy_of(found, "note", "stored no prompts")
    assert not [key for key in found if "neither prompt nor answer" in key[1]]


def test_calls_without_content_are_said_with_the_variable(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """EVENT_ONLY without the log processor leaves calls without prompts: the remedy names the log processor."""
    assert directory.exists()
    processor = SQLiteSpanProcessor()
    end_spans(processor, 2)
    processor.shutdown()
    monkeypatch.setenv(content.GENAI_CAPTURE, "EVENT_ONLY")
    status, found = examine(capsys)
    assert status == 1
    assert "SQLiteLogRecordProcessor" in remedy_of(found, "problem", "neither prompt nor answer in 2 of")


def test_content_that_was_kept_out_is_not_missed(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Calls of an earlier process with capture_content=False are no fault of the instrumentation."""
    assert directory.exists()
    for is_kept in (False, True):
        processor = SQLiteSpanProcessor(capture_content=is_kept)
        provider_with(processor).get_tracer("t").start_span("chat", attributes={**CHAT, "input.value": "?"}).end()
        processor.shutdown()
    _, found = examine(capsys)
    assert not [key for key in found if "neither prompt nor answer" in key[1]]


@pytest.mark.parametrize(
    ("environment", "level", "words"),
    [
        ({"OTEL_EXPORTER_SQLITE_MAX_TEXT_BYTE": "1"}, "problem", "MAX_TEXT_BYTE is no setting"),
        ({"OTEL_SDK_DISABLED": "true"}, "problem", "makes no spans at all"),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "problem", "not sampled"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio"}, "note", "not sampled"),
        ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "128"}, "problem", "evicted"),
        ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "100"}, "problem", "cut"),
        ({"OTEL_TRACES_EXPORTER": "sqllite"}, "problem", "no such exporter"),
        ({"OTEL_METRICS_EXPORTER": "prometeus"}, "problem", "OTEL_METRICS_EXPORTER=prometeus: no such exporter"),
        ({"OTEL_LOGS_EXPORTER": "otlp"}, "problem", "OTEL_LOGS_EXPORTER=otlp: no such exporter"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "note", "not to SQLite"),
        ({"OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT": "false"}, "note", "no prompts and answers are stored"),
        ({"OTEL_EXPORTER_SQLITE_PATH": "mine.db"}, "ok", "OTEL_EXPORTER_SQLITE_PATH=mine.db"),
    ],
)
def test_variables_that_keep_spans_away_are_named(environment: dict[str, str], level: str, words: str) -> None:
    """Each variable that loses spans or content is a finding with a remedy."""
    (finding,) = [found for found in settings(environment) if words in found.text]
    assert finding.level == level
    assert finding.remedy or level == "ok"


def test_versions_below_the_floor_are_problems() -> None:
    """Too old a Python, SQLite or OpenTelemetry is a problem; the floors are those of the package's metadata."""
    assert judged("SQLite", "3.30.1", (3, 30, 1), (3, 31, 0), "use a newer one").level == "problem"
    assert judged("SQLite", "3.31.0", (3, 31, 0), (3, 31, 0), "").level == "ok"
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = ">={OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]}"' in project
    assert f'"opentelemetry-sdk>={".".join(map(str, OLDEST_OPENTELEMETRY))}"' in project


def test_the_text_form_marks_problems_and_shows_remedies(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json each finding is a line, each problem has its remedy below, the last line counts them."""
    install(directory / "site", instrumentation=False)
    assert run(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    (at,) = [number for number, line in enumerate(lines) if "nothing reports its calls" in line]
    assert lines[at].startswith("  ✗ OpenAI")
    assert lines[at + 1] == "    → pip install openinference-instrumentation-openai"
    assert lines[-1] == "1 problem"


RECORD = "from otel_sqlite_exporter import record\nrecord('traces.db')\n"
ASK = "import openai\nopenai.ask('why?')\n"
PRIVATE = """
from opentelemetry.sdk.trace import TracerProvider
from otel_sqlite_exporter import SQLiteSpanProcessor
provider = TracerProvider()
provider.add_span_processor(SQLiteSpanProcessor("traces.db"))
"""


@pytest.mark.parametrize(
    ("program", "level", "words", "remedy"),
    [
        (RECORD + ASK, "ok", "openinference.instrumentation.openai: 1 LLM span arrived", ""),
        (ASK, "problem", "no tracer provider of the program records", "record()"),
        (PRIVATE + ASK, "problem", "imports OpenAI, and no instrumentation is switched on", "openinference-instr"),
        (
            PRIVATE + "from fake_instrumentor import Instrumentor\n"
            "Instrumentor().instrument(tracer_provider=TracerProvider())\n" + ASK,
            "problem", "has no SQLite processor", "give its instrumentor the provider",
        ),
        (
            PRIVATE + "from fake_instrumentor import Instrumentor\nInstrumentor().instrument()\n" + ASK,
            "problem", "instrument() was not given the provider", "instrument(tracer_provider=...)",
        ),
        (RECORD, "problem", "imported no SDK", "make a call"),
        (RECORD + "import openai", "problem", "the program made no call", "make a call"),
        (
            RECORD + ASK + "from opentelemetry import trace\n"
            "trace.get_tracer('web').start_span('GET /').end()",
            "ok", "web: 1 span skipped, with no word of a model call (GET /)", "spans='all'",
        ),
        (RECORD + "raise SystemExit(3)", "problem", "ended with status 3", ""),
    ],
    ids=["all is well", "no set-up", "no instrumentor", "provider not passed", "no provider passed", "no call, no SDK",
         "no call", "skipped", "failed"],
)  # fmt: skip
def test_a_program_is_run_and_every_source_of_spans_told(
    programs: Path, capfd: pytest.CaptureFixture[str], *, program: str, level: str, words: str, remedy: str
) -> None:
    """``doctor --run`` says of each scope what arrived and what was skipped, and why nothing came."""
    (programs / "program.py").write_text(program, encoding="utf-8")
    status = run(["doctor", "--json", "--run", "program.py", "--an-option"])
    rows = json.loads(capfd.readouterr().out)
    found = {(row["level"], row["text"]): row["remedy"] for row in rows if row["area"] == "run"}
    assert remedy in remedy_of(found, level, words)
    if RECORD in program and ASK in program:
        assert next(row["text"] for row in rows if row["area"] == "file").startswith(
            f"{programs / 'traces.db'}: 1 call,"
        )
    assert status == any(key[0] == "problem" for key in found)


LAUNCHED = ["opentelemetry-instrument", "--traces_exporter", "sqlite", "--logs_exporter=none"]


@pytest.mark.parametrize(
    "words",
    [
        [*LAUNCHED, "--metrics_exporter=none", "python", "program.py"],
        [*LAUNCHED, "--metrics_exporter", "none", "python", "-m", "program"],
        ["python3", "-m", "program"],
    ],
    ids=["launcher", "launcher and module", "module"],
)
def test_a_program_is_run_as_the_shell_would(
    programs: Path, capfd: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """The launcher's provider is looked at too: the same words that start a program in a shell start it here."""
    if words[0] == LAUNCHED[0]:
        pytest.importorskip("opentelemetry.distro")
    program = ASK if words[0] == LAUNCHED[0] else RECORD + ASK
    (programs / "program.py").write_text(program, encoding="utf-8")
    run(["doctor", "--json", "--run", *words])
    printed, logged = capfd.readouterr()
    found = {(row["level"], row["text"]): row["remedy"] for row in json.loads(printed) if row["area"] == "run"}
    assert ("ok", "openinference.instrumentation.openai: 1 LLM span arrived") in found, logged
    assert not [key for key in found if key[0] == "problem"]


def test_a_launcher_that_sets_up_nothing_is_said(programs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The launcher swallows what it can't configure: the remedy is the exporters that nobody installed."""
    pytest.importorskip("opentelemetry.distro")
    (programs / "program.py").write_text("", encoding="utf-8")
    run(["doctor", "--json", "--run", *LAUNCHED, "--metrics_exporter=nothing", "program.py"])
    rows = json.loads(capfd.readouterr().out)
    found = {(row["level"], row["text"]): row["remedy"] for row in rows if row["area"] == "run"}
    assert "OTEL_METRICS_EXPORTER=none" in remedy_of(found, "problem", "set up no tracer provider")


NOTHING_SET_UP = {
    "providers": [],
    "imported": ["OpenAI"],
    "active": [],
    "reporters": {"OpenAI": ["one 1.0"]},
    "files": [],
}


@pytest.mark.parametrize(
    ("environment", "remedy"),
    [
        ({}, "OTEL_TRACES_EXPORTER=sqlite OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none"),
        ({"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}, "OTEL_TRACES_EXPORTER=sqlite"),
        ({"OTEL_TRACES_EXPORTER": "sqlite", "OTEL_LOGS_EXPORTER": "none"}, "OTEL_METRICS_EXPORTER=none"),
        (
            {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none"},
            "OTEL_EXPORTER_SQLITE_PROCESSOR=true OTEL_LOGS_EXPORTER=none",
        ),
        (
            {"OTEL_EXPORTER_SQLITE_PROCESSOR": "true", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
            "OTEL_TRACES_EXPORTER=none",
        ),
    ],
)
def test_what_the_launcher_lacks_is_all_named_and_nothing_else(environment: dict[str, str], remedy: str) -> None:
    """The remedy is what is missing beside what is set already; with it, the same program records."""
    pytest.importorskip("opentelemetry.distro")
    (finding,) = judged_run(NOTHING_SET_UP, environment)
    assert finding.remedy == f"set {remedy}"
    repaired = environment | dict(word.split("=") for word in remedy.split())
    assert records_to_sqlite(repaired)
    assert not missing_exporters(repaired, is_launched=True)


def test_a_launched_program_that_records_elsewhere_is_told_the_variable() -> None:
    """Where the launcher is there already, the remedy is not the launcher."""
    provider = {"kind": "TracerProvider", "is_recording": False, "scopes": {}}
    found = judged_run({**NOTHING_SET_UP, "providers": [provider]}, {"OTEL_TRACES_EXPORTER": "console"})
    assert "OTEL_TRACES_EXPORTER=sqlite" in found[0].remedy


def test_an_installed_package_is_not_to_be_installed() -> None:
    """A program without a set-up is told to switch on what is installed, and to install only what is missing."""
    (_, installed) = judged_run(NOTHING_SET_UP, None)
    assert "pip install" not in installed.remedy
    assert "one 1.0 is installed" in installed.remedy
    (_, missing) = judged_run({**NOTHING_SET_UP, "reporters": {}}, None)
    assert missing.remedy.startswith("pip install openinference-instrumentation-openai")
    (_, itself) = judged_run({**NOTHING_SET_UP, "reporters": {"OpenAI": []}}, None)
    assert "pip install" not in itself.remedy


def test_exporters_that_the_launcher_would_miss_are_named() -> None:
    """Its distribution asks for OTLP where nothing is set, and sets up nothing where that is not installed."""
    pytest.importorskip("opentelemetry.distro")
    found = settings({"OTEL_TRACES_EXPORTER": "sqlite", "OTEL_LOGS_EXPORTER": "none"})
    (remedy,) = [finding.remedy for finding in found if "OTEL_METRICS_EXPORTER is not set" in finding.text]
    assert remedy == "set OTEL_METRICS_EXPORTER=none"
    assert not [finding for finding in settings({}) if "EXPORTER" in finding.text]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["no-such-script.py"], "no-such-script.py is neither a file nor a command"),
        (["python"], "python starts no program"),
        (["opentelemetry-instrument", "--traces_exporter=sqlite"], "starts no program"),
    ],
)
def test_what_starts_no_program_is_said(words: list[str], reason: str) -> None:
    """A name that is neither a file nor a command is a problem, not a traceback."""
    (finding,) = run_words(words).findings
    assert finding.level == "problem"
    assert reason in finding.text


def test_the_catalogue_is_consistent() -> None:
    """Each SDK has a name, a module and a distribution of its own, and its instrumentations lead back to it."""
    for part in ("name", "module"):
        values = [getattr(sdk, part) for sdk in SDKS]
        assert len(set(values)) == len(values), part
    for sdk in SDKS:
        for instrumentation in filter(None, sdk.instrumentations):
            assert sdk_of(instrumentation) is sdk
            assert is_genai(instrumentation)
    assert not is_genai(CONTRIB + "requests")
    assert is_genai(OPENINFERENCE + "something-new")
    assert is_genai(OFFICIAL + "something-new")


@pytest.mark.parametrize(
    ("instrumentation", "environment", "expected"),
    [
        (OPENINFERENCE + "openai", {}, "spans"),
        (OPENINFERENCE + "openai", {"OPENINFERENCE_HIDE_INPUTS": "true"}, "off"),
        (CONTRIB + "openai", {}, "spans"),
        (CONTRIB + "openai", {"TRACELOOP_TRACE_CONTENT": "false"}, "off"),
        (OFFICIAL + "openai", {}, "off"),
        (CONTRIB + "botocore", {content.GENAI_CAPTURE: "true"}, "events"),
        (CONTRIB + "botocore", {content.GENAI_CAPTURE: "SPAN_ONLY"}, "off"),
        ("something-else", {}, "unknown"),
    ],
)
def test_whether_content_is_reported_is_known(instrumentation: str, environment: dict[str, str], expected: str) -> None:
    """Each family has its own variable, and its own default."""
    assert content.content_of(instrumentation, environment)[0] == expected


def test_the_application_s_own_setting_wins() -> None:
    """What is set already is not changed."""
    environment = {content.GENAI_CAPTURE: "NO_CONTENT"}
    assert content.GENAI_CAPTURE not in content.switch_on(environment, [OFFICIAL + "openai"], frozenset())
    assert environment[content.GENAI_CAPTURE] == "NO_CONTENT"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("gen_ai.input.messages", True),
        ("llm.output_messages.0.message.content", True),
        ("gen_ai.prompt.0.content", True),
        ("output.value", True),
        ("gen_ai.request.model", False),
        ("gen_ai.usage.input_tokens", False),
    ],
)
def test_attributes_with_content_are_known(key: str, *, expected: bool) -> None:
    """A prompt or an answer is known by its attribute's name in every family."""
    assert has_content([key]) is expected
