"""Feed the conversion with spans that a coverage-guided fuzzer makes up, for some seconds.

Run it:  tox -e fuzz  (or: python tests/fuzz/fuzz_conversion.py -max_total_time=60)

Whatever a span's attributes hold, converting it must not raise, and the rows must be what SQLite and JSON can hold: the
oracle writes them to a real file.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import atheris

with atheris.instrument_imports(include=["otel_sqlite_exporter"]):
    from otel_sqlite_exporter.config import exporter_options
    from otel_sqlite_exporter.conventions import read
    from otel_sqlite_exporter.conventions.registry import FAMILIES
    from otel_sqlite_exporter.database.ledger import Counts
    from otel_sqlite_exporter.pipeline.conversion import Converter
    from otel_sqlite_exporter.pipeline.recorder import Recorder

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TEXT_BYTES = 256
DEPTH = 4

KEYS = sorted(
    {key for family in FAMILIES for keys in (*family.columns.values(), *family.contents.values()) for key in keys}
    | {key for family in FAMILIES for keys in family.bodies.values() for key in keys}
)
SCOPES = ["", "opentelemetry.instrumentation.openai_v2", "langfuse-sdk", "logfire.openai", "litellm", "my-app"]
WORDS = ["role", "content", "parts", "type", "text", "user", "tool_calls", "function", "name", "arguments", "id"]
WORDS += ["assistant", "messages", "choices", "message", "usage", "input_tokens", "kwargs", "lc", "image_url", "data"]

directory = tempfile.TemporaryDirectory()
path = Path(directory.name) / "fuzz.db"
options = exporter_options(path=path, max_text_bytes=MAX_TEXT_BYTES)
converter = Converter(options)
recorder = Recorder(options)
resource = Resource({})
number = 0


LEAVES: list[Callable[[atheris.FuzzedDataProvider], object]] = [
    lambda data: data.ConsumeUnicode(40),
    lambda data: WORDS[data.ConsumeIntInRange(0, len(WORDS) - 1)],
    lambda data: data.ConsumeInt(12),
    lambda data: data.ConsumeFloat(),
    lambda data: data.ConsumeBool(),
    lambda data: data.ConsumeBytes(20),
    lambda _: None,
]
BRANCHES: list[Callable[[atheris.FuzzedDataProvider, int], object]] = [
    lambda data, depth: [value(data, depth) for _ in range(data.ConsumeIntInRange(0, 4))],
    lambda data, depth: json.dumps(value(data, depth), default=str),
    lambda data, depth: repr(value(data, depth)),
    lambda data, depth: {str(value(data, 0)): value(data, depth) for _ in range(data.ConsumeIntInRange(0, 5))},
]


def value(data: atheris.FuzzedDataProvider, depth: int = DEPTH) -> Any:
    """Return a value of any kind that an attribute may have."""
    kind = data.ConsumeIntInRange(0, len(LEAVES) + len(BRANCHES) - 1 if depth else len(LEAVES) - 1)
    return LEAVES[kind](data) if kind < len(LEAVES) else BRANCHES[kind - len(LEAVES)](data, depth - 1)


def key(data: atheris.FuzzedDataProvider) -> str:
    """Return a key that some convention knows, or any other."""
    if data.ConsumeIntInRange(0, 9) == 0:
        return data.ConsumeUnicode(20) or "x"
    chosen: str = KEYS[data.ConsumeIntInRange(0, len(KEYS) - 1)]
    return chosen.replace("{i}", str(data.ConsumeIntInRange(0, 3)))


def convert_and_write(raw: bytes) -> None:
    """Make a span of the fuzzer's bytes, record it, and check the row."""
    global number  # noqa: PLW0603 - libFuzzer calls a plain function
    data = atheris.FuzzedDataProvider(raw)
    number += 1
    span = ReadableSpan(
        name=data.ConsumeUnicode(20),
        context=SpanContext(number, number, is_remote=False, trace_flags=TraceFlags(1)),
        resource=resource,
        instrumentation_scope=InstrumentationScope(SCOPES[data.ConsumeIntInRange(0, len(SCOPES) - 1)]),
        events=[Event(data.ConsumeUnicode(12), {key(data): value(data)}, 1)] if data.ConsumeBool() else [],
        attributes={key(data): value(data) for _ in range(data.ConsumeIntInRange(1, 8))},
        start_time=number,
        end_time=number + 1,
    )
    read(converter.facts(span))  # the converter would keep a span that can't be read as a plain one
    batch, failed, reason = recorder.convert([span])
    assert failed == 0, reason
    result = recorder.database.write(batch, lambda written, lost: Counts(written=written, received=written + lost))
    assert result.failed == 0, result.error
    for _, _, (_, _, text, _, full_bytes, kept_bytes), _ in batch.records[0].messages:
        assert len((text or "").encode()) <= MAX_TEXT_BYTES
        assert kept_bytes <= full_bytes
    if number % 100 == 0:
        check_file()


def check_file() -> None:
    """Check that every JSON column is JSON and every view can be read."""
    connection = sqlite3.connect(path)
    invalid = (
        "SELECT count(*) FROM spans WHERE NOT (json_valid(attributes) AND json_valid(events) AND json_valid(links))"
    )
    assert connection.execute(invalid).fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM call_messages WHERE NOT json_valid(parts)").fetchone() == (0,)
    connection.execute("SELECT * FROM llm_calls").fetchall()
    connection.close()
    if recorder.database.connection is not None:
        recorder.database.connection.executescript("DELETE FROM span_messages; DELETE FROM messages; DELETE FROM spans")


if __name__ == "__main__":
    atheris.Setup(sys.argv, convert_and_write)
    atheris.Fuzz()
