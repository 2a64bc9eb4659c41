"""What is in the file does not depend on how the spans were divided into batches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.support import CHAT, query, span_of

SPANS = 70
ROWS = "SELECT id, trace_id, span_id, request_model, user_id, duplicate_of, attributes FROM spans ORDER BY id"
MESSAGES = """
    SELECT span_id, direction, position, finish_reason, hex(hash), role, text, parts, full_bytes, kept_bytes
    FROM span_messages JOIN messages ON messages.id = message_id ORDER BY span_id, direction, position
"""
STORED_MESSAGES = "SELECT id, hex(hash), text FROM messages ORDER BY id"
USAGE = "SELECT day, provider, model, calls, input_tokens, input_reports FROM usage ORDER BY model"


def _span(number: int) -> ReadableSpan:
    """Return a call with none to nine messages, some of which others have as well."""
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": f"text {(number * 3 + place) % 40}"}]}
        for place in range(number % 10)
    ]
    more = {} if number % 9 else {"user.id": f"user {number}", "gen_ai.usage.input_tokens": number}
    attributes = {**CHAT, **more, "gen_ai.request.model": f"model {number % 3}", "number": number}
    return span_of({**attributes, "gen_ai.input.messages": json.dumps(messages)}, trace_id=number, span_id=number)


def _stored(path: Path, size: int) -> list[list[tuple[object, ...]]]:
    exporter = SQLiteSpanExporter(path)
    spans = [_span(number) for number in range(1, SPANS + 1)]
    for first in range(0, SPANS, size):
        exporter.export(spans[first : first + size])
    exporter.shutdown()
    return [query(path, sql) for sql in (ROWS, MESSAGES, STORED_MESSAGES, USAGE)]


@pytest.mark.parametrize("size", [2, 9, 50, SPANS])
def test_batches_of_any_size_give_the_same_rows(tmp_path: Path, size: int) -> None:
    """Ids, messages, the order in which these came, and sums."""
    assert _stored(tmp_path / "batches.db", size) == _stored(tmp_path / "one.db", 1)


@pytest.mark.parametrize("size", [1, 3])
def test_a_history_of_any_length_keeps_its_places(tmp_path: Path, size: int) -> None:
    """Messages that follow each other, one of them twice, with a new one at the end of each turn."""
    path = tmp_path / "long.db"
    texts = [f"text {number % 599}" for number in range(600)]
    exporter = SQLiteSpanExporter(path)
    spans = []
    for turn in range(3):
        texts.append(f"turn {turn}")
        messages = [{"role": "user", "parts": [{"type": "text", "content": text}]} for text in texts]
        answers = [{"role": "assistant", "parts": messages[-1]["parts"], "finish_reason": reason} for reason in "ab"]
        attributes = {**CHAT, "gen_ai.input.messages": json.dumps(messages)}
        spans.append(
            span_of({**attributes, "gen_ai.output.messages": json.dumps(answers)}, trace_id=turn + 1, span_id=turn + 1)
        )
    for first in range(0, len(spans), size):
        exporter.export(spans[first : first + size])
    exporter.shutdown()
    said = "SELECT text FROM span_messages JOIN messages ON messages.id = message_id WHERE span_id = ? "
    for turn in (1, 2, 3):
        inputs = query(path, said + "AND direction = 'input' ORDER BY position", turn)
        assert [text for (text,) in inputs] == texts[: 600 + turn]
    ends = query(path, "SELECT span_id, position, finish_reason FROM span_messages WHERE direction = 'output'")
    assert ends == [(turn, place, "ab"[place]) for turn in (1, 2, 3) for place in (0, 1)]
