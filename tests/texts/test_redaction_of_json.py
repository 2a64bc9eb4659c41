"""``redact`` sees what a text says, however it is written, and a failing one is told of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import CHAT, end_spans, log_lines, query, recording, span_of, value

NAME = "M\u00fcller"


def _redact(_key: str, text: str) -> str:
    return text.replace(NAME, "<name>")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"customer": NAME}),
        json.dumps({NAME: 1}),
        json.dumps([NAME]),
        json.dumps(NAME),
        json.dumps({"inner": json.dumps({"customer": NAME})}),
        " " + json.dumps({"customer": NAME}),
    ],
)
def test_escapes_hide_nothing_from_redact(tmp_path: Path, text: str) -> None:
    """A letter that JSON writes as an escape is a letter, in a JSON text within another as well."""
    path = tmp_path / "traces.db"
    content = {"gen_ai.prompt.0.content": text, "gen_ai.prompt.0.role": "user"}
    with recording(path, redact=_redact) as processor:
        processor.on_end(span_of({**CHAT, "metadata": text, **content}))
    stored = str(query(path, "SELECT group_concat(attributes) FROM spans"))
    stored += str(query(path, "SELECT group_concat(text) FROM messages"))
    assert "fcller" not in stored
    assert NAME not in stored
    assert "<name>" in stored


def test_bytes_that_are_text_are_shown_to_redact(tmp_path: Path) -> None:
    """A text does not pass as bytes."""
    path = tmp_path / "traces.db"
    with recording(path, redact=_redact) as processor:
        processor.on_end(span_of({**CHAT, "custom": NAME.encode(), "other": b"\xff\x00"}))
    assert "<name>" in str(value(path, "SELECT attributes FROM spans WHERE name <> 'first'"))


@pytest.mark.parametrize("redact", [None, _redact])
def test_tools_whose_schemas_allow_several_types_are_kept(tmp_path: Path, redact: object) -> None:
    """JSON Schema has lists under ``type``, where parts have a word that tells media."""
    path = tmp_path / "traces.db"
    schema = {"type": ["string", "null"], "format": "date"}
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"day": schema}}}
    with recording(path, redact=redact) as processor:
        processor.on_end(span_of({**CHAT, "gen_ai.tool.definitions": json.dumps([tool])}))
    (part,) = json.loads(str(value(path, "SELECT parts FROM messages WHERE role = 'tool_definitions'")))
    assert part["tools"] == [tool]


def test_a_json_text_without_anything_to_redact_stays_as_it_is_written(tmp_path: Path) -> None:
    """Spaces and escapes of a text that is decoded for ``redact`` are kept."""
    path = tmp_path / "traces.db"
    text = '{ "a" :  "\\u00e9" }'
    with recording(path, redact=_redact) as processor:
        processor.on_end(span_of({**CHAT, "custom": text}))
    assert json.loads(str(value(path, "SELECT attributes FROM spans WHERE name <> 'first'")))["custom"] == text


def test_a_redact_that_fails_is_one_line_and_a_count(tmp_path: Path) -> None:
    """Nobody has to find out from the placeholders; the line quotes neither a text nor a key."""
    path = tmp_path / "traces.db"

    def fail(_key: str, _text: str) -> str:
        raise ZeroDivisionError

    with log_lines() as lines, recording(path, redact=fail) as processor:
        end_spans(processor, 60, secret="said")
        assert processor.force_flush()
    assert int(str(value(path, "SELECT redact_failures FROM recorders"))) > 60
    told = [line for line in lines if "redact failed" in line]
    assert len(told) == 1
    assert "secret" not in told[0]
