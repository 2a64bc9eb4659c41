"""``record()``: one call, whatever is installed and whatever else is set up."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.fake_sdk import BROKEN, install, run, start
from tests.support import query

if TYPE_CHECKING:
    from pathlib import Path

CALLS = "SELECT model, input_text, output_text FROM llm_calls"
CALL = [("fake-1", "why?", "WHY?")]

EXPORTER = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
"""
RECORD = """
import otel_sqlite_exporter
recording = otel_sqlite_exporter.record("traces.db")
"""
ASK = """
import openai
openai.ask("why?")
"""
SHOW = """
print([span.name for span in exporter.get_finished_spans()])
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a directory in which an SDK and its instrumentation are installed."""
    install(tmp_path / "site")
    return tmp_path


@pytest.mark.parametrize(
    "code",
    [RECORD + ASK, "import openai" + RECORD + ASK, RECORD + RECORD + RECORD + ASK],
    ids=["before the SDK is imported", "after the SDK is imported", "in a cell that is run three times"],
)
def test_a_call_is_recorded_with_prompt_and_answer(directory: Path, code: str) -> None:
    """One call of record() has each call in the file once, wherever it stands and however often it is run."""
    run(directory, code)
    assert query(directory / "traces.db", CALLS) == CALL


def test_nothing_is_imported_before_the_application_does(directory: Path) -> None:
    """record() loads no SDK: one that is installed and not used costs nothing."""
    printed, _ = run(directory, RECORD + "import sys\nprint('openai' in sys.modules)")
    assert printed == "False\n"


@pytest.mark.parametrize(
    "code",
    [
        EXPORTER + "trace.set_tracer_provider(provider)" + RECORD + ASK,
        RECORD + EXPORTER + "trace.set_tracer_provider(provider)" + ASK,
        RECORD + ASK.replace("why", "first") + EXPORTER + "trace.set_tracer_provider(provider)" + ASK,
        EXPORTER + "from fake_instrumentor import Instrumentor\nInstrumentor().instrument(tracer_provider=provider)\n"
        + RECORD + ASK,
        RECORD + EXPORTER
        + "from fake_instrumentor import Instrumentor\nInstrumentor().instrument(tracer_provider=provider)\n" + ASK,
        RECORD + "import openai" + EXPORTER
        + "from fake_instrumentor import Instrumentor\nInstrumentor().instrument(tracer_provider=provider)\n" + ASK,
        EXPORTER + RECORD.replace('"traces.db"', '"traces.db", tracer_provider=provider') + ASK,
    ],
    ids=[
        "global before", "global after", "global between two calls", "private before", "private after",
        "private after the SDK is imported", "given",
    ],
)  # fmt: skip
def test_another_export_goes_on_beside_it(directory: Path, code: str) -> None:
    """What the application sets up for another exporter, before or after, gets its spans, and so does the file."""
    printed, logged = run(directory, code + SHOW)
    assert printed == "['ask']\n"
    assert logged == ""
    assert query(directory / "traces.db", CALLS)[-1:] == CALL


def test_a_provider_that_drops_its_exporter_keeps_it(directory: Path) -> None:
    """Phoenix's provider replaces its own processor at the first that is added, unless told not to: it is told."""
    phoenix = EXPORTER.replace(
        "provider = TracerProvider()",
        """
class Phoenix(TracerProvider):
    _default_processor = None
    def add_span_processor(self, *args, replace_default_processor=True):
        if self._default_processor is not None and replace_default_processor:
            self._active_span_processor._span_processors = ()
        super().add_span_processor(*args)
provider = Phoenix()
""",
    )
    code = phoenix + "provider._default_processor = True\ntrace.set_tracer_provider(provider)\n" + RECORD + ASK + SHOW
    printed, _ = run(directory, code)
    assert printed == "['ask']\n"
    assert query(directory / "traces.db", CALLS) == CALL


def test_another_path_moves_the_recording(directory: Path) -> None:
    """After record() with another path, calls are in the other file; the first is complete and closed."""
    code = RECORD + ASK + "other = otel_sqlite_exporter.record('other.db')\nopenai.ask('and now?')\nprint(recording)"
    printed, _ = run(directory, code)
    assert ", closed: 1 written" in printed
    assert query(directory / "traces.db", CALLS) == CALL
    assert query(directory / "other.db", "SELECT input_text FROM llm_calls") == [("and now?",)]
    assert query(directory / "traces.db", "SELECT clean_exit FROM recorders") == [(1,)]


def test_the_same_path_gives_the_same_recording_until_it_is_closed(directory: Path) -> None:
    """Without a path or with the same one, the recording goes on; after close() a new one begins in the same file."""
    code = """
    from otel_sqlite_exporter import record
    import openai
    with record("traces.db") as first:
        print(record() is first, record("./traces.db") is first)
        openai.ask("in the block")
        print(first.flush(), first.stats().written, first.path.endswith("traces.db"))
    openai.ask("after the block")
    second = record("traces.db")
    openai.ask("in the second")
    print(second is first, len(second.read().calls()))
    """
    printed, _ = run(directory, code)
    assert printed == "True True\nTrue 1 True\nFalse 2\n"
    assert query(directory / "traces.db", "SELECT input_text FROM llm_calls") == [("in the block",), ("in the second",)]


@pytest.mark.parametrize("handled", [True, False])
def test_sigterm_writes_what_is_queued_and_ends_the_process_by_it(directory: Path, *, handled: bool) -> None:
    """With SIGTERM's default action the process dies by SIGTERM, after writing; told not to, it dies at once."""
    code = f"""
    import time, openai, otel_sqlite_exporter
    recording = otel_sqlite_exporter.record("traces.db", handle_sigterm={handled}, schedule_delay_millis=30000)
    openai.ask("first")
    recording.flush()
    openai.ask("queued")
    print("ready", flush=True)
    time.sleep(60)
    """
    process = start(directory, code)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    if handled:
        assert query(directory / "traces.db", "SELECT input_text FROM llm_calls") == [("first",), ("queued",)]
        assert query(directory / "traces.db", "SELECT clean_exit FROM recorders") == [(1,)]


def test_a_signal_that_is_ignored_stays_ignored(directory: Path) -> None:
    """A process that ignores SIGTERM goes on doing so."""
    code = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)" + RECORD + "print(signal.getsignal(15))"
    printed, _ = run(directory, code)
    assert printed.strip() == str(signal.SIG_IGN)


def test_a_server_s_own_end_is_followed_closely(directory: Path) -> None:
    """A handler that is there runs, and from then on calls are in the file at once: the end may come any moment."""
    code = """
    import os, signal, time, openai, otel_sqlite_exporter
    signal.signal(signal.SIGTERM, lambda number, frame: print(number, frame is not None, flush=True))
    recording = otel_sqlite_exporter.record("traces.db", schedule_delay_millis=30000)
    openai.ask("first")
    recording.flush()
    openai.ask("queued")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.2)
    openai.ask("after it")
    deadline = time.monotonic() + 60
    while recording.stats().written < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    os._exit(0)
    """
    printed, _ = run(directory, code)
    assert printed.split() == [str(int(signal.SIGTERM)), "True"]
    assert query(directory / "traces.db", "SELECT input_text FROM llm_calls ORDER BY id") == [
        ("first",),
        ("queued",),
        ("after it",),
    ]


@pytest.mark.parametrize(("environment", "kept"), [({}, 1000), ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "200"}, 200)])
def test_no_attribute_is_evicted_unless_the_application_says_so(
    directory: Path, environment: dict[str, str], kept: int
) -> None:
    """A span of a thousand attributes is whole with record()'s own provider; a limit that is set holds."""
    code = RECORD + (
        "from opentelemetry import trace\n"
        "span = trace.get_tracer('x').start_span('s')\n"
        "span.set_attributes({f'k{n}': n for n in range(1000)})\n"
        "print(len(span.attributes))"
    )
    printed, _ = run(directory, code, **environment)
    assert printed == f"{kept}\n"


def test_one_line_tells_what_is_instrumented(directory: Path) -> None:
    """The INFO line names the file, the SDK and the distribution that reports it."""
    _, logged = run(directory, "import logging\nlogging.basicConfig(level='INFO')" + RECORD + ASK)
    (line,) = [line for line in logged.splitlines() if "otel_sqlite_exporter" in line]
    assert line.startswith("INFO:")
    assert str(directory / "traces.db") in line
    assert "OpenAI (openinference-instrumentation-openai 9.0)" in line


def test_where_no_instrumentation_is_installed_the_package_is_named(tmp_path: Path) -> None:
    """Without any instrumentation record() warns, and names the package that would report the installed SDK."""
    install(tmp_path / "site", instrumentation=False)
    _, logged = run(tmp_path, RECORD + ASK)
    first, last = logged.splitlines()
    assert "pip install openinference-instrumentation-openai" in first
    assert "no LLM span arrived" in last
    assert "pip install openinference-instrumentation-openai" in last
    assert not (tmp_path / "traces.db").exists()


def test_a_broken_instrumentation_is_named_and_stops_nothing(tmp_path: Path) -> None:
    """An instrumentation that can't be imported costs a warning with its name and its error, never the application."""
    install(tmp_path / "site", instrumentor=BROKEN)
    printed, logged = run(tmp_path, RECORD + ASK + "print('went on')")
    assert printed == "went on\n"
    assert "openinference-instrumentation-openai 9.0 could not be switched on" in logged
    assert "a part of it is missing" in logged


def test_without_instrument_nothing_is_touched(directory: Path) -> None:
    """With instrument=False no instrumentation is switched on and no variable is set."""
    code = RECORD.replace('"traces.db"', '"traces.db", instrument=False') + ASK
    run(directory, "import os\nbefore = dict(os.environ)" + code + "assert dict(os.environ) == before")
    assert not (directory / "traces.db").exists()


def test_a_provider_that_takes_no_processors_is_refused_by_name(directory: Path) -> None:
    """tracer_provider must be the SDK's; what is not is named in a TypeError."""
    code = """
    from opentelemetry.trace import NoOpTracerProvider
    from otel_sqlite_exporter import record
    try:
        record("traces.db", tracer_provider=NoOpTracerProvider())
    except TypeError as error:
        print(error)
    """
    printed, _ = run(directory, code)
    assert printed == "tracer_provider must be an SDK TracerProvider, not NoOpTracerProvider\n"


def test_a_forked_child_records_too(directory: Path) -> None:
    """A process that forks after record() has the calls of both in the file."""
    code = (
        RECORD
        + ASK
        + "import os\nif os.fork() == 0:\n    openai.ask('child')\n    recording.flush()\n    os._exit(0)\nos.wait()"
    )
    run(directory, code)
    assert query(directory / "traces.db", "SELECT input_text FROM llm_calls ORDER BY 1") == [("child",), ("why?",)]


def test_the_pages_show_the_recording(directory: Path) -> None:
    """view() opens the browser at pages of the file; they answer for as long as the program lives."""
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    code = RECORD + ASK + (
        "import http.cookiejar, urllib.request\n"
        "opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))\n"
        "print('why?' in opener.open(recording.view(), timeout=30).read().decode())\n"
    )  # fmt: skip
    printed, _ = run(directory, code, BROWSER="true")
    assert printed == "True\n"
