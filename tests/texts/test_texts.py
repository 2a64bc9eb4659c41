from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.support import CHAT, end_spans, provider_with, query, recording, value

LIMIT = 64


def messages(text: str, role: str = "user") -> str:
    """Return a message list as the GenAI conventions put it on a span."""
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def stored_text(path: Path, text: str) -> tuple[str, int, int, int]:
    """Store one prompt and return its text, its full and kept bytes, and the bytes cut from the span."""
    with recording(path, max_text_bytes=LIMIT) as processor:
        end_spans(processor, 1, **{"gen_ai.input.messages": messages(text)})
        assert processor.force_flush()
    ((kept, full_bytes, kept_bytes),) = query(path, "SELECT text, full_bytes, kept_bytes FROM messages")
    cut = value(path, "SELECT truncated_bytes FROM spans ORDER BY id DESC LIMIT 1")
    return str(kept), int(str(full_bytes)), int(str(kept_bytes)), int(str(cut))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a" * (LIMIT - 1), "a" * (LIMIT - 1)),
        ("a" * LIMIT, "a" * LIMIT),
        ("a" * (LIMIT + 1), "a" * LIMIT),
        ("é" * (LIMIT // 2), "é" * (LIMIT // 2)),
        ("a" + "é" * (LIMIT // 2), "a" + "é" * (LIMIT // 2 - 1)),
        ("€" * 21, "€" * 21),
        ("€" * 22, "€" * 21),
        ("ab" + "€" * 30, "ab" + "€" * 20),
        ("\U0001f600" * 16, "\U0001f600" * 16),
        ("\U0001f600" * 17, "\U0001f600" * 16),
        ("abc" + "\U0001f600" * 17, "abc" + "\U0001f600" * 15),
        ("e\u0301" * 40, "e\u0301" * 21 + "e"),
    ],
)
def test_a_text_is_cut_to_the_byte_and_never_inside_a_character(tmp_path: Path, text: str, kept: str) -> None:
    """``max_text_bytes`` counts UTF-8: as many whole characters as fit are kept, and what is missing is recorded."""
    whole, rest = len(text.encode()), len(kept.encode())
    assert rest <= LIMIT
    assert stored_text(tmp_path / "traces.db", text) == (kept, whole, rest, whole - rest)


@pytest.mark.parametrize("length", [LIMIT, LIMIT + 1, 1000, 300_000])
@pytest.mark.parametrize("character", ["b", "é", "€", "\U0001f600", '"', "\\", "\n"])
def test_an_attribute_is_cut_like_a_message(tmp_path: Path, length: int, character: str) -> None:
    """Texts among the attributes are bounded in the same way, as they stand in JSON, and that stays valid."""
    path = tmp_path / "traces.db"
    text = " " + character * (length - 1)
    with recording(path, max_text_bytes=LIMIT) as processor:
        end_spans(processor, 1, text=text)
        assert processor.force_flush()
    ((attributes, cut),) = query(path, "SELECT attributes, truncated_bytes FROM spans ORDER BY id DESC LIMIT 1")
    kept = json.loads(str(attributes))["text"]
    assert text.startswith(kept)
    assert LIMIT - 4 < len(json.dumps(kept, ensure_ascii=False).encode()) - 2 <= LIMIT
    assert cut == len(text.encode()) - len(kept.encode())


def test_structures_are_cut_and_stay_valid_json(tmp_path: Path) -> None:
    """Tool calls with long arguments keep their shape: id, name, and as much of the arguments as fits."""
    path = tmp_path / "traces.db"
    parts = [
        {"type": "tool_call", "id": "call_1", "name": "search", "arguments": {"query": "é" * 5000, "top": 3}},
        {"type": "text", "content": "z " * 2500},
    ]
    with recording(path, max_text_bytes=LIMIT) as processor:
        end_spans(processor, 1, **{"gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": parts}])})
        assert processor.force_flush()
    ((stored, full, kept),) = query(path, "SELECT parts, full_bytes, kept_bytes FROM call_messages")
    call, text = json.loads(str(stored))
    assert (call["type"], call["id"], call["name"], text["type"]) == ("tool_call", "call_1", "search", "text")
    assert int(str(full)) >= 15_000
    assert int(str(kept)) <= LIMIT
    assert len(str(stored).encode()) < 4 * LIMIT


def test_base64_media_become_type_size_and_hash(tmp_path: Path) -> None:
    """No image is stored; what it was can still be told and compared."""
    path = tmp_path / "traces.db"
    image = os.urandom(50_000)
    uri = f"data:image/png;base64,{base64.b64encode(image).decode()}"
    with recording(path) as processor:
        end_spans(processor, 1, **{"gen_ai.input.messages": messages(f"look: {uri} there")})
        end_spans(processor, 1, picture=uri)
        assert processor.force_flush()
    note = f"[image/png, 50000 bytes, sha256 {hashlib.sha256(image).hexdigest()}]"
    assert value(path, "SELECT text FROM messages") == f"look: {note} there"
    assert json.loads(str(value(path, "SELECT attributes FROM spans ORDER BY id DESC LIMIT 1")))["picture"] == note


def shout(key: str, text: str) -> str:
    """Redact by marking."""
    return f"<{text.upper()}>" if key else text


def fail(key: str, text: str) -> str:
    """Redact with a bug."""
    raise KeyError(key + text)


def forget(_key: str, _text: str) -> str:
    """Redact with another bug."""
    return None  # type: ignore[return-value]


def content_span() -> Mapping[str, object]:
    """Return attributes with a secret in every place that holds text."""
    return {
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "secret system"}]),
        "gen_ai.input.messages": messages("secret question"),
        "gen_ai.output.messages": json.dumps(
            [
                {
                    "role": "assistant",
                    "parts": [
                        {"type": "text", "content": "secret answer"},
                        {"type": "tool_call", "id": "1", "name": "f", "arguments": {"a": "secret argument"}},
                    ],
                    "finish_reason": "stop",
                }
            ]
        ),
        "gen_ai.tool.definitions": json.dumps([{"name": "f", "description": "secret definition"}]),
        "custom.note": "secret note",
        "custom.list": ["secret item", "secret item"],
    }


def record_secrets(path: Path, **options: object) -> SQLiteSpanProcessor:
    """Record a span that holds a secret wherever a span can."""
    processor = SQLiteSpanProcessor(path, **options)  # type: ignore[arg-type]
    tracer = provider_with(processor).get_tracer("t")
    try:
        with tracer.start_as_current_span("chat", attributes={**CHAT, **content_span()}) as span:  # type: ignore[dict-item]
            span.add_event("gen_ai.choice", {"content": "secret event", "custom": "secret event attribute"})
            raise ValueError("secret error")  # noqa: TRY301 - what is recorded of it is the subject
    except ValueError:
        pass
    assert processor.force_flush()
    return processor


def every_byte(directory: Path) -> bytes:
    """Return the content of every file of a directory."""
    return b"".join(file.read_bytes() for file in sorted(directory.rglob("*")) if file.is_file())


def test_without_content_no_text_reaches_any_file(tmp_path: Path) -> None:
    """``capture_content=False``: no prompt, answer, argument, error text or free attribute, in any file."""
    path = tmp_path / "traces.db"
    processor = record_secrets(path, capture_content=False)
    assert path.with_name("traces.db-wal").exists()
    assert b"secret" not in every_byte(tmp_path)
    processor.shutdown()
    assert b"secret" not in every_byte(tmp_path)
    assert query(path, "SELECT kind, status, error_type, provider FROM spans") == [
        ("llm", "error", "ValueError", "openai")
    ]


def test_content_is_captured_otherwise(tmp_path: Path) -> None:
    """The same span with its content, so that the test above looks for what would be there."""
    path = tmp_path / "traces.db"
    record_secrets(path).shutdown()
    for what in ("system", "question", "answer", "argument", "definition", "note", "item", "error"):
        assert f"secret {what}".encode() in every_byte(tmp_path), what


@pytest.mark.parametrize("redact", [fail, forget])
def test_a_redactor_that_fails_lets_nothing_through(tmp_path: Path, redact: object) -> None:
    """A text whose redactor raises, or returns no text, is dropped: in the messages and everywhere else."""
    path = tmp_path / "traces.db"
    record_secrets(path, redact=redact).shutdown()
    assert b"secret" not in every_byte(tmp_path)
    assert value(path, "SELECT count(*) FROM messages WHERE text LIKE '%redact%'") != 0


def test_a_redactor_sees_every_text(tmp_path: Path) -> None:
    """What it returns is stored, in every place that holds text."""
    path = tmp_path / "traces.db"
    record_secrets(path, redact=shout).shutdown()
    content = every_byte(tmp_path)
    assert b"secret" not in content
    for what in ("SYSTEM", "QUESTION", "ANSWER", "ARGUMENT", "NOTE", "ITEM", "ERROR"):
        assert f"SECRET {what}".encode() in content, what


def test_a_redactor_sees_whole_texts(tmp_path: Path) -> None:
    """Redaction comes before the cut: half a secret at the limit is not left over."""
    path = tmp_path / "traces.db"
    card = "4111-1111-1111-1111"

    def redact(_: str, text: str) -> str:
        return text.replace(card, "[card]")

    with recording(path, max_text_bytes=LIMIT, redact=redact) as processor:
        end_spans(processor, 1, **{"gen_ai.input.messages": messages("x" * (LIMIT - 8) + card)})
        end_spans(processor, 1, note="x" * (LIMIT - 8) + card)
        assert processor.force_flush()
    assert b"4111-1" not in every_byte(tmp_path)


def test_a_redactor_may_end_spans_and_fork_nothing(tmp_path: Path) -> None:
    """User code in the exporter thread that ends LLM spans, flushes or shuts down neither deadlocks nor recurses."""
    path = tmp_path / "traces.db"
    left = [3]
    answers: list[bool] = []
    processor: SQLiteSpanProcessor

    def redact(_: str, text: str) -> str:
        if left[0] and "question" in text:
            left[0] -= 1
            end_spans(processor, 1, note="from the redactor")
            answers.append(processor.force_flush())
        return text

    processor = SQLiteSpanProcessor(path, redact=redact)
    end_spans(processor, 3, **{"gen_ai.input.messages": messages("question")})
    assert processor.force_flush()
    processor.shutdown()
    assert answers == [False] * 3
    assert value(path, "SELECT count(*) FROM spans") == 6
