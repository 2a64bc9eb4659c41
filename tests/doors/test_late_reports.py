"""Reports of calls that arrive out of order: the file is right at a flush, at the end, and as soon as it is quiet."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor
from tests.support import RESOURCE, recording, stored, value, wait_until

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = ("framework", "sdk")
CALLS = 100
COUNT = "SELECT count(*) FROM llm_calls WHERE model = 'm'"


def reports(dice: random.Random) -> list[ReadableSpan]:
    """Return what two layers say, in traces of their own, of equal calls that run at once: those of one layer first."""
    ends = dice.sample(range(CALLS), CALLS)
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 5,
    }
    spans = [
        ReadableSpan(
            name="chat m",
            context=SpanContext(dice.getrandbits(127) + 1, dice.getrandbits(63) + 1, False, TraceFlags(1)),  # noqa: FBT003
            attributes=attributes,
            resource=RESOURCE,
            instrumentation_scope=InstrumentationScope(layer),
            start_time=10**18 + 10 * number + depth,
            end_time=10**18 + 10**9 + 10 * ends[number] - depth,
        )
        for depth, layer in enumerate(LAYERS)
        for number in range(CALLS)
    ]
    dice.shuffle(spans)
    return spans


@pytest.mark.parametrize("by", ["a flush", "a shutdown", "a pause"])
def test_a_call_is_one_row_once_all_have_arrived(tmp_path: Path, by: str) -> None:
    """Nobody needs to ask for it: the recorder puts late reports right when no others come for a moment."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        for span in reports(random.Random(1)):
            processor.on_end(span)
        if by == "a flush":
            assert processor.force_flush()
        elif by == "a shutdown":
            processor.shutdown()
        else:
            wait_until(lambda: stored(path) == 2 * CALLS + 1, what="all are written")
            wait_until(lambda: value(path, COUNT) == CALLS, what="late reports are put right")
        assert value(path, COUNT) == CALLS


def test_an_exporter_puts_late_reports_right_when_it_ends(tmp_path: Path) -> None:
    """An exporter has no thread of its own to do it earlier."""
    path = tmp_path / "traces.db"
    exporter = SQLiteSpanExporter(path)
    spans = reports(random.Random(2))
    for first in range(0, len(spans), 50):
        exporter.export(spans[first : first + 50])
    exporter.shutdown()
    assert value(path, COUNT) == CALLS


def test_a_processor_whose_delay_is_long_puts_late_reports_right_at_its_end(tmp_path: Path) -> None:
    """Also where everything is one batch of the shutdown."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=3_600_000, max_export_batch_size=512)
    for span in reports(random.Random(3)):
        processor.on_end(span)
    processor.shutdown()
    assert value(path, COUNT) == CALLS
