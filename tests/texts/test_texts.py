from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.support import CHAT, end_spans, provider_with, query, recording, value

LIMIT = 64
MARK = re.compile(r"\[\.\.\. (\d+) bytes omitted \.\.\.\]")


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
    "text",
    ["a" * (LIMIT - 1), "a" * LIMIT, "é" * (LIMIT // 2), "€" * 21, "\U0001f600" * 16],
    ids=["below", "at the limit", "two bytes", "three bytes", "four bytes"],
)
def test_a_text_that_has_room_is_stored_whole(tmp_path: Path, text: str) -> None:
    """``max_text_bytes`` counts UTF-8: what has so many bytes or fewer is not touched."""
    size = len(text.encode())
    assert size <= LIMIT
    assert stored_text(tmp_path / "traces.db", text) == (text, size, size, 0)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("a" * 40 + "z" * 25, "a" * 19, "z" * 19),
        ("a" * 500 + "z" * 500, "a" * 18, "z" * 18),
        ("a " * 2500 + " z" * 2500, "a " * 9, "z" + " z" * 8),
        ("é" * 20 + "ß" * 20, "é" * 9, "ß" * 9),
        ("a" + "é" * 20 + "ß" * 20, "a" + "é" * 9, "ß" * 9),
        ("€" * 11 + "₹" * 11, "€" * 6, "₹" * 6),
        ("€" * 11 + "₹" * 11 + "b", "€" * 6, "₹" * 6 + "b"),
        ("\U0001f600" * 9 + "\U0001f601" * 8, "\U0001f600" * 4, "\U0001f601" * 4),
        ("abc" + "\U0001f600" * 17, "abc" + "\U0001f600" * 4, "\U0001f600" * 4),
        ("e\u0301" * 40, "e\u0301" * 6 + "e", "e\u0301" * 6),
    ],
)
def test_a_long_text_keeps_both_ends_to_the_byte_and_whole_characters(
    tmp_path: Path, text: str, start: str, end: str
) -> None:
    """As much as fits of its beginning and of its end is kept, and a mark between them counts what is missing."""
    whole, rest = len(text.encode()), len((start + end).encode())
    kept = f"{start}[... {whole - rest} bytes omitted ...]{end}"
    assert LIMIT - 8 < len(kept.encode()) <= LIMIT
    assert stored_text(tmp_path / "traces.db", text) == (kept, whole, rest, whole - rest)


@pytest.mark.parametrize("limit", [16, 40])
def test_where_a_mark_has_no_room_the_beginning_is_kept(tmp_path: Path, limit: int) -> None:
    """A limit of which a mark would take the most is used for the text; what is missing stands in the columns."""
    path = tmp_path / "traces.db"
    with recording(path, max_text_bytes=limit) as processor:
        end_spans(processor, 1, **{"gen_ai.input.messages": messages("a" * 999 + "z")})
        assert processor.force_flush()
    assert query(path, "SELECT text, full_bytes, kept_bytes FROM messages") == [("a" * limit, 1000, limit)]


@pytest.mark.parametrize("length", [LIMIT, LIMIT + 1, 1000, 300_000])
@pytest.mark.parametrize("character", ["b", "é", "€", "\U0001f600", '"', "\\", "\n"])
def test_an_attribute_is_cut_like_a_message(tmp_path: Path, length: int, character: str) -> None:
    """Texts among the attributes are bounded in the same way, as they stand in JSON, and that stays valid."""
    path = tmp_path / "traces.db"
    text = "<" + character * (length - 2) + ">"
    with recording(path, max_text_bytes=LIMIT) as processor:
        end_spans(processor, 1, text=text)
        assert processor.force_flush()
    ((attributes, cut),) = query(path, "SELECT attributes, truncated_bytes FROM spans ORDER BY id DESC LIMIT 1")
    kept = json.loads(str(attributes))["text"]
    size = len(json.dumps(kept, ensure_ascii=False).encode()) - 2
    assert size <= LIMIT
    if cut == 0:
        assert kept == text
    else:
        start, omitted, end = MARK.split(kept)
        assert text.startswith(start)
        assert text.endswith(end)
        assert size > LIMIT - 8
        assert cut == int(omitted) == len(text.encode()) - len((start + end).encode())


def test_a_long_prompt_keeps_its_instructions_and_its_question(tmp_path: Path) -> None:
    """200 kB of documents between instructions and question: by default both are stored, in text and in parts."""
    path = tmp_path / "traces.db"
    first, last = "Answer from the documents only.\n", "\nQuestion: who pays for the lift?"
    documents = "Minutes of the owners' meeting, in full. " * 5000
    parts = [{"type": "text", "content": content} for content in (first, documents, last)]
    with recording(path) as processor:
        end_spans(processor, 1, **{"gen_ai.input.messages": messages(first + documents + last)})
        end_spans(processor, 1, **{"gen_ai.input.messages": json.dumps([{"role": "user", "parts": parts}])})
        end_spans(processor, 1, notes=first + documents + last)
        assert processor.force_flush()
    kept = [str(text) for (text,) in query(path, "SELECT text FROM messages ORDER BY id")]
    kept.append(json.loads(str(value(path, "SELECT attributes FROM spans ORDER BY id DESC LIMIT 1")))["notes"])
    assert len(kept) == 3
    for text in kept:
        assert text.startswith(first)
        assert text.endswith(last)
        assert 65_000 < len(text) <= 65_536
        assert len(MARK.findall(text)) == 1
    contents = [part["content"] for part in json.loads(str(value(path, "SELECT parts FROM messages WHERE id = 2")))]
    assert (contents[0], contents[2]) == (first, last)
    assert query(path, "SELECT input_text FROM llm_calls WHERE input_text <> ''") == [(text,) for text in kept[:2]]


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


@pytest.mark.parametrize("sign", ["base64", "BASE64", "Base64"])
def test_a_short_data_uri_in_an_attribute_is_a_placeholder_in_any_case(tmp_path: Path, sign: str) -> None:
    """As RFC 2397 allows it to be written, and as in a message."""
    path = tmp_path / "traces.db"
    data = base64.b64encode(bytes(range(60))).decode()
    with recording(path) as processor:
        end_spans(processor, 1, custom=f"see data:image/png;{sign},{data}")
        assert processor.force_flush()
    stored = str(value(path, "SELECT attributes FROM spans ORDER BY id DESC LIMIT 1"))
    assert data not in stored
    assert "see [image/png, 60 bytes, sha256 " in stored


@pytest.mark.parametrize("sign", ["base64", "BASE64", "Base64"])
def test_a_short_data_uri_in_a_message_is_a_placeholder_in_any_case(tmp_path: Path, sign: str) -> None:
    """As in an attribute."""
    path = tmp_path / "traces.db"
    data = base64.b64encode(bytes(range(60))).decode()
    with recording(path) as processor:
        end_spans(processor, 1, **{"gen_ai.input.messages": messages(f"see data:image/png;{sign},{data}")})
    assert "see [image/png, 60 bytes, sha256 " in str(value(path, "SELECT text FROM messages"))
    assert data.encode() not in every_byte(tmp_path)


@pytest.mark.parametrize("text", ["", "a\0b"], ids=["empty", "with a NUL"])
def test_a_text_that_no_view_can_make_parts_of_has_them_stored(tmp_path: Path, text: str) -> None:
    """SQLite's JSON functions end at a NUL, and an empty text is stored as NULL."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        end_spans(processor, 1, **{"gen_ai.input.messages": messages(text)})
    assert json.loads(str(value(path, "SELECT parts FROM messages"))) == [{"type": "text", "content": text}]


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
    secret = "QZXW-QZXW-QZXW-QZXW"

    def redact(_: str, text: str) -> str:
        return text.replace(secret, "[gone]")

    with recording(path, max_text_bytes=LIMIT, redact=redact) as processor:
        for before, after in ((LIMIT - 8, 0), (LIMIT, LIMIT - 8), (8, LIMIT), (LIMIT, 8)):
            text = "x" * before + secret + "y" * after
            end_spans(processor, 1, **{"gen_ai.input.messages": messages(text)})
            end_spans(processor, 1, note=text)
        assert processor.force_flush()
    assert b"QZX" not in every_byte(tmp_path)
    assert b"ZXW" not in every_byte(tmp_path)


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
