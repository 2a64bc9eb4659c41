"""What the doors say of themselves, and when nothing came through them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from otel_sqlite_exporter import SQLiteLogRecordProcessor, SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.pipeline.silence import Silence, likely_reasons, missing_content
from otel_sqlite_exporter.sources import content
from otel_sqlite_exporter.sources.catalogue import OFFICIAL, SDKS
from otel_sqlite_exporter.sources.content import GENAI_CAPTURE
from tests.fake_sdk import INSTRUMENTOR, install, run
from tests.support import CHAT, end_spans, log_lines, provider_with, span_of

if TYPE_CHECKING:
    from pathlib import Path

ASKED: dict[str, Any] = {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "why?"}


@pytest.fixture(autouse=True)
def _not_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the process begin without having said that nothing arrived."""
    monkeypatch.setattr(Silence, "is_broken", False)


def test_reprs_say_path_and_counts(tmp_path: Path) -> None:
    """Each door says where spans go, how many are written, skipped and dropped."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path)
    end_spans(processor, 2)
    provider_with(processor).get_tracer("tests").start_span("GET /").end()
    processor.force_flush()
    assert repr(processor) == f"<SQLiteSpanProcessor {path}: 2 written, 0 queued, 1 skipped>"
    assert repr(SQLiteLogRecordProcessor(processor)) == f"<SQLiteLogRecordProcessor of {processor!r}>"
    processor.shutdown()
    end_spans(processor)
    assert repr(processor) == f"<SQLiteSpanProcessor {path}: 2 written, 0 queued, 1 skipped, 1 dropped>"

    exporter = SQLiteSpanExporter(path)
    exporter.export([span_of()])
    exporter.shutdown()
    assert repr(exporter) == f"<SQLiteSpanExporter {path}: 1 written, 0 skipped>"


def test_a_shutdown_after_no_llm_span_says_so_once(tmp_path: Path) -> None:
    """The first recorder of a process that ends without any LLM span warns with the likely reasons, others don't."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db")
    provider_with(processor).get_tracer("tests").start_span("GET /").end()
    with log_lines() as lines:
        processor.shutdown()
        processor.shutdown()
        SQLiteSpanProcessor(tmp_path / "other.db").shutdown()
        SQLiteSpanExporter(tmp_path / "other.db").shutdown()
    (line,) = lines
    assert line.startswith(
        f"no LLM span arrived, so nothing was written to {tmp_path / 'traces.db'} (1 other spans did)"
    )
    assert "otel-sqlite doctor" in line


def test_a_shutdown_after_an_llm_span_says_nothing(tmp_path: Path) -> None:
    """A recorder that wrote something ends silently."""
    processor, exporter = SQLiteSpanProcessor(tmp_path / "traces.db"), SQLiteSpanExporter(tmp_path / "traces.db")
    end_spans(processor, **ASKED)
    exporter.export([span_of({**CHAT, **ASKED})])
    with log_lines() as lines:
        processor.shutdown()
        exporter.shutdown()
    assert lines == []


SILENT = INSTRUMENTOR.replace('span.set_attribute("input.value", question)', "").replace(
    'span.set_attribute("output.value", answer)', ""
)
"""An instrumentor that reports neither prompts nor answers."""


@pytest.mark.parametrize(
    ("options", "environment", "is_said"),
    [("", {}, True), (", capture_content=False", {}, False), ("", {"OPENINFERENCE_HIDE_INPUTS": "true"}, False)],
)
def test_calls_without_any_content_are_said_once(
    tmp_path: Path, options: str, environment: dict[str, str], *, is_said: bool
) -> None:
    """Calls came, and no prompt or answer with any of them: one warning with what to do, unless that is wanted."""
    install(tmp_path / "site", instrumentor=SILENT)
    _, logged = run(
        tmp_path,
        f"""
        from otel_sqlite_exporter import record
        record("traces.db"{options})
        import openai
        openai.ask("why?")
        """,
        **environment,
    )
    assert ("no prompt and no answer arrived with any of the 1 calls" in logged) == is_said


def test_the_missing_content_is_explained_by_the_instrumentation_that_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Content in log events and content that is switched off are told apart, each with its remedy."""
    official = OFFICIAL + "openai"
    monkeypatch.setattr(content, "takes_modes", lambda _: True)
    assert "add SQLiteLogRecordProcessor" in missing_content([official], {GENAI_CAPTURE: "event_only"})
    assert f"{GENAI_CAPTURE} is not set" in missing_content([official], {})


def test_a_process_whose_children_record_says_nothing(tmp_path: Path) -> None:
    """Neither the master of a pre-forking server nor its idle worker warns: the other one may have had the calls."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db")
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            with log_lines() as lines:
                processor.shutdown()
            os.write(write, b"silent" if not lines else b"loud")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    with log_lines() as lines:
        processor.shutdown()
    assert lines == []
    assert os.read(read, 10) == b"silent"
    os.close(read)
    os.close(write)


def test_the_reasons_name_what_to_install() -> None:
    """An SDK that is imported without any instrumentation of it is named, with the package that reports it."""
    (mistral,) = [sdk for sdk in SDKS if sdk.name == "Mistral"]
    assert "pip install openinference-instrumentation-mistralai" in likely_reasons([mistral], [])
    assert "no call was made" in likely_reasons([], [])
