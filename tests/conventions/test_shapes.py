from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from otel_sqlite_exporter.conventions.containers import read_input, read_output, read_system
from otel_sqlite_exporter.conventions.documents import read_documents
from tests.conventions.shape_cases import INPUT, OUTPUT, Short, text

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Message


def _short(messages: list[Message]) -> list[Short]:
    return [(message.role, list(message.parts)) for message in messages]


@pytest.mark.parametrize(("value", "wanted"), [case[1:] for case in INPUT], ids=[case[0] for case in INPUT])
def test_input_of_any_shape_becomes_genai_messages(value: Any, wanted: list[Short]) -> None:
    """Whatever an SDK puts where messages belong is read into messages of GenAI parts."""
    assert _short(read_input(value)) == wanted


@pytest.mark.parametrize(("value", "wanted"), [case[1:] for case in OUTPUT], ids=[case[0] for case in OUTPUT])
def test_output_of_any_shape_becomes_genai_messages(value: Any, wanted: list[Short]) -> None:
    """Whatever an SDK got back is read into messages of GenAI parts."""
    assert _short(read_output(value)) == wanted


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"choices": [{"finish_reason": "length", "message": {"content": "Hello"}}]}, "length"),
        ({"role": "assistant", "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn"}, "end_turn"),
        ({"candidates": [{"content": {"parts": [{"text": "Hello"}]}, "finishReason": "STOP"}]}, "STOP"),
        (
            {"output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}}, "stopReason": "end_turn"},
            "end_turn",
        ),
        ({"message": {"role": "assistant", "content": "Hello"}, "done_reason": "stop"}, "stop"),
        ('[{"role": "assistant", "parts": [{"type": "text", "content": "Hello"}], "finish_reason": "stop"}]', "stop"),
        (
            {"replies": [{"role": "assistant", "content": [{"text": "Hello"}], "meta": {"finish_reason": "stop"}}]},
            "stop",
        ),
        ({"message": {"content": "Hello"}, "finish_reason": "FinishReason.STOP"}, "STOP"),
    ],
)
def test_finish_reason_is_found_wherever_a_provider_puts_it(value: Any, reason: str) -> None:
    """An output message carries the finish reason of its choice, candidate or body."""
    assert [message.finish_reason for message in read_output(value)] == [reason]


@pytest.mark.parametrize(
    "value",
    [
        "Be brief.",
        '[{"type": "text", "content": "Be brief."}]',
        '[{"type": "text", "text": "Be brief."}]',
        [{"text": "Be brief."}],
        {"parts": [{"text": "Be brief."}], "role": "user"},
        ["Be brief."],
        '[{"role": "system", "content": "Be brief."}]',
    ],
)
def test_system_instructions_of_any_shape_become_one_system_message(value: Any) -> None:
    """System instructions are one message with the role system, whatever role they came with."""
    assert _short(read_system(value)) == [("system", [text("Be brief.")])]


@pytest.mark.parametrize(
    "value",
    [
        ["A document."],
        '["A document."]',
        [{"document": {"content": "A document."}}],
        {"documents": [{"page_content": "A document.", "metadata": {}}]},
        [{"id": ["langchain", "Document"], "lc": 1, "kwargs": {"page_content": "A document."}}],
        {"nodes": [{"node": {"text": "A document."}}]},
    ],
)
def test_documents_of_any_shape_become_one_message_each(value: Any) -> None:
    """A retrieved document is a message without a role that holds its text."""
    assert _short(read_documents(value)) == [(None, [text("A document.")])]


def test_document_keeps_its_id_score_and_metadata() -> None:
    """What a retriever says of a document beside its text stays with the text."""
    document = {"document": {"id": "7", "content": "A document.", "score": 0.5, "metadata": {"page": 3}}}
    (message,) = read_documents([document])
    assert message.parts == [{**text("A document."), "id": "7", "score": 0.5, "metadata": {"page": 3}}]
