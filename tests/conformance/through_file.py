"""Replay captured scenarios through the real processors into a real file, and read ``llm_calls``.

Run as ``python -m tests.conformance.through_file [directory] [word in the name]``.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from otel_sqlite_exporter import SQLiteLogRecordProcessor, SQLiteSpanProcessor
from tests.conformance.corpus import DATA, Scenario, load, native
from tests.conformance.scoring import Row, Score, score, table

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXT_BYTES = 1 << 20
"""The truth of the longest prompts is longer than the default limit keeps."""

LONGEST_WAIT_MILLIS = 600_000
"""The end of the writing ends the wait; a machine on which even this is too short is out of order."""

SHORTEST_TELLING_TEXT = 12
"""Shorter texts may be anywhere by chance."""


class _LogRecord:
    """What a log processor reads off a record, in every version of the SDK."""

    def __init__(self, log: Mapping[str, Any]) -> None:
        self.log_record = self
        self.event_name = log.get("event_name")
        self.body = native(log.get("body"))
        self.attributes = native(log["attributes"] or {})
        self.timestamp = log.get("timestamp")
        self.trace_id = int(log.get("trace_id") or "0", 16)
        self.span_id = int(log.get("span_id") or "0", 16)
        self.instrumentation_scope = InstrumentationScope(log.get("scope") or "")


def readable_span(span: Mapping[str, Any], resource: Resource) -> ReadableSpan:
    """Return a dumped span as the SDK hands it to a processor."""
    scope = span["scope"] or {}
    status = span["status"] or {}
    return ReadableSpan(
        name=span["name"],
        context=_context(span["trace_id"], span["span_id"]),
        parent=_context(span["trace_id"], span["parent_span_id"]) if span["parent_span_id"] else None,
        resource=resource,
        attributes={key: _as_in_the_sdk(value) for key, value in native(span["attributes"] or {}).items()},
        events=[
            Event(
                event["name"], native(event["attributes"] or {}), event.get("timestamp") or span["end_time_unix_nano"]
            )
            for event in span["events"]
        ],
        kind=SpanKind[span["kind"]],
        status=Status(StatusCode[status.get("code") or "UNSET"], status.get("description")),
        start_time=span["start_time_unix_nano"],
        end_time=span["end_time_unix_nano"],
        instrumentation_scope=InstrumentationScope(scope.get("name") or "", scope.get("version") or ""),
    )


def emit(scenario: Scenario, processor: SQLiteSpanProcessor) -> None:
    """Hand a scenario's log events and spans to the processors."""
    log_processor = SQLiteLogRecordProcessor(processor)
    for log in scenario.logs:
        log_processor.on_emit(_LogRecord(log))  # type: ignore[arg-type]
    resource = Resource(scenario.resource)
    for span in sorted(scenario.spans, key=lambda dumped: int(dumped["end_time_unix_nano"])):
        processor.on_end(readable_span(span, resource))


def record(scenario: Scenario, processor: SQLiteSpanProcessor) -> None:
    """Hand a scenario's log events and spans to the processors, and shut these down once all is written."""
    emit(scenario, processor)
    processor.shutdown(LONGEST_WAIT_MILLIS)


STEPS = """
    SELECT kind, agent_name, tool_name, (
        SELECT group_concat(coalesce(m.text, '') || ' ' || coalesce(m.parts, ''), ' ')
        FROM span_messages sm JOIN messages m ON m.id = sm.message_id WHERE sm.span_id = spans.id
      ) AS said
    FROM spans WHERE kind IN ('agent', 'tool', 'llm')
"""
"""What the agents and tools of a file are called and said."""


def rows_of(scenario: Scenario, path: Path) -> tuple[list[Row], list[Row]]:
    """Record a scenario in a file and return its ``llm_calls`` and its steps."""
    processor = SQLiteSpanProcessor(path, max_text_bytes=MAX_TEXT_BYTES)
    record(scenario, processor)
    stats = processor.stats()
    if sum(stats.dropped.values()) or stats.written + stats.skipped != len(scenario.spans):
        raise AssertionError(f"{scenario}: {stats}")
    if not stats.written:
        return [], []
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM llm_calls ORDER BY start_time_unix_nano, id")]
        steps = [dict(row) for row in connection.execute(STEPS)]
    for row in rows:
        row["tool_calls"] = json.loads(row["tool_calls"]) if row["tool_calls"] else []
    return rows, steps


def score_through_file(scenario: Scenario) -> Score:
    """Return the score of what the file tells of a scenario."""
    with tempfile.TemporaryDirectory() as directory:
        return score(scenario, *rows_of(scenario, Path(directory) / "traces.db"))


def leaks(scenario: Scenario) -> list[str]:
    """Return which true texts are anywhere in the files of a scenario recorded without content."""
    with tempfile.TemporaryDirectory() as directory:
        record(scenario, SQLiteSpanProcessor(Path(directory) / "traces.db", capture_content=False))
        stored = b"".join(file.read_bytes() for file in Path(directory).iterdir())
    return [
        f"{scenario}: {name}"
        for call in scenario.expected["llm_calls"]
        for name in ("last_user_text", "system_instructions", "output_text")
        if isinstance(text := call.get(name), str)
        and len(text) >= SHORTEST_TELLING_TEXT
        and any(shown[:200].encode() in stored for shown in (text, json.dumps(text)[1:-1]))
    ]


def main(directory: Path = DATA, word: str = "") -> None:
    """Print every miss and the table."""
    scores: dict[str, Score] = {}
    for scenario in load(directory):
        if word in str(scenario):
            scores.setdefault(scenario.instrumentation, Score()).add(score_through_file(scenario))
    print("\n".join(miss for part in scores.values() for miss in part.misses))  # noqa: T201
    print(table(scores))  # noqa: T201


def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(1))


def _as_in_the_sdk(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA, *sys.argv[2:3])
