"""Base64 media are not stored, in whatever form a text holds them; text around them is."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import random
from pathlib import Path

import pytest

from otel_sqlite_exporter.scanning.base64_media import may_hold_base64, replace_media
from tests.support import end_spans, recording
from tests.texts.test_texts import every_byte, messages

SIZES = [855, 9001, 60_002]
PROSE = "The answer is forty-two. " * 60


@functools.cache
def media(size: int) -> bytes:
    """Return bytes as they are in a compressed image."""
    return random.Random(size).randbytes(size)


def note(data: bytes, mime_type: str = "binary") -> str:
    """Return what stands for media."""
    return f"[{mime_type}, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}]"


def in_lines(row: str, width: int = 76, line_break: str = "\n") -> str:
    """Return base64 in lines, as encoders make them."""
    return line_break.join(row[start : start + width] for start in range(0, len(row), width))


def wrapped(data: bytes, width: int = 76, line_break: str = "\n") -> str:
    """Return media as base64 in lines."""
    return in_lines(base64.b64encode(data).decode(), width, line_break)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("here: ", " done"),
        ("here:\n", "\nThanks for looking."),
        ("![", "](x)"),
        (PROSE + '{"type":"image","data":"', '"} ' + PROSE),
        ("", "\n"),
        (PROSE, ", and so on"),
    ],
)
@pytest.mark.parametrize("form", ["row", "76", "64", "60", "76 CRLF", "encodebytes", "JSON", "JSON CRLF"])
def test_rows_of_base64_become_size_and_hash(size: int, before: str, after: str, form: str) -> None:
    """In one line or in an encoder's, alone or in a text: the text is kept, the media are told by size and hash."""
    data = media(size)
    rows = {
        "row": base64.b64encode(data).decode(),
        "76": wrapped(data),
        "64": wrapped(data, 64),
        "60": wrapped(data, 60),
        "76 CRLF": wrapped(data, 76, "\r\n"),
        "encodebytes": base64.encodebytes(data).decode().rstrip("\n"),
        "JSON": json.dumps(wrapped(data))[1:-1],
        "JSON CRLF": json.dumps(wrapped(data, 76, "\r\n"))[1:-1],
    }
    text = before + rows[form] + after
    assert may_hold_base64(text)
    assert replace_media(text) == before + note(data) + after


@pytest.mark.parametrize("before", ["look: ", "a; b; " * 5, "a; b; " * 500])
@pytest.mark.parametrize("size", [30, 450, *SIZES])
@pytest.mark.parametrize(
    "head", ["data:image/png;base64,", "DATA:image/png;BASE64,", "data:image/png;charset=x;base64,"]
)
@pytest.mark.parametrize("after", ["", " there", "\nThanks for looking.", "\n\nDone", ") and\nmore", '"}'])
def test_data_uris_become_type_size_and_hash(before: str, size: int, head: str, after: str) -> None:
    """Upper case, line breaks and a space after the comma make no difference, and what follows stays."""
    data = media(size)
    row = base64.b64encode(data).decode()
    forms = [head + row, head + wrapped(data), head + wrapped(data, 64, "\r\n")]
    if size > 45:
        forms += [f"{head} {row}", f"{head}\n{wrapped(data)}"]
    if size > 450:
        forms.append(f"{head}{row[:54]}\n{in_lines(row[54:])}")
    if len(before) > 1000 and size < 1000 and "DATA" in head:
        forms = []  # too small to be worth a look behind that many semicolons, in a case that nobody uses
    for form in forms:
        assert replace_media(f"{before}{form}{after}") == f"{before}{note(data, 'image/png')}{after}"


@pytest.mark.parametrize(
    "text",
    [
        "word " * 2000,
        "x " + "b" * 300_000,
        "b" * 300_000,
        "ACGT" * 2000,
        "0123456789abcdef" * 200,
        "see " + "0123456789abcdef" * 200 + " there",
        "-" * 500 + " " + "-" * 3000,
        "\n".join(f"Word{number}" * (1 + number % 9) for number in range(1000)),
        "\n".join(f"src/Package{number}/Module{number * 7919}" + "x" * (number % 50) for number in range(1000)),
        "\u6211" * 5000,
        json.dumps({f"Key{number}": number for number in range(1000)}, separators=(",", ":")),
        "Use data:image/png;base64, followed by the image's base64.",
        "Use data:image/png;base64, followed by the image's base64. " * 100,
    ],
    ids=[
        "words",
        "one letter",
        "one letter alone",
        "DNA",
        "hex alone",
        "hex",
        "dashes",
        "word list",
        "file list",
        "Chinese",
        "JSON",
        "prose",
        "long prose",
    ],
)
def test_text_is_no_media(text: str) -> None:
    """Long words, lists, numbers and other scripts stay as they are."""
    assert replace_media(text) == text


def test_media_of_any_size_are_told_by_the_right_hash() -> None:
    """Media that are decoded in pieces are no exception, whatever the length of their lines."""
    data = media(3_000_001)
    for text in (wrapped(data), wrapped(data, 64, "\r\n"), base64.b64encode(data).decode()):
        assert replace_media(text) == note(data)
        assert replace_media(f"see data:image/png;base64,{text}") == f"see {note(data, 'image/png')}"


@pytest.mark.parametrize(
    "unit",
    [
        "a" * 1000 + ".",
        "A1b" * 20 + "\n",
        "A1b" * 20 + "\n" + "A1b" * 25 + "\n",
        "A1b" * 22 + "\\n",
        "A1b" * 400 + "\n",
        "Ab1",
        "data:a/",
        ";base64,",
        "data:;a=b;base64,x\n",
    ],
)
def test_no_text_takes_more_than_linear_time(unit: str) -> None:
    """A megabyte of what looks most like media is looked through once: a second look each time would take hours."""
    text = "x " + unit * (1_000_000 // len(unit))
    assert replace_media(text).startswith("x ")


def test_no_media_are_stored_however_they_are_written(tmp_path: Path) -> None:
    """Raw attributes, several parts, tool results, events: no row of base64 reaches the file."""
    path = tmp_path / "traces.db"
    data = media(9001)
    row = base64.b64encode(data).decode()
    anthropic = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": row}}
    parts = [{"type": "text", "content": "one"}, {"type": "text", "content": "two\n" + wrapped(data)}]
    given = [
        {"gen_ai.input.messages": json.dumps([{"role": "user", "content": [anthropic]}])},
        {"gen_ai.input.messages": json.dumps([{"role": "user", "parts": parts}])},
        {"gen_ai.input.messages": messages("DATA:image/png;BASE64," + wrapped(data))},
        {"gen_ai.tool.call.result": f"saved as {row} there"},
        {"note": wrapped(data, 64)},
    ]
    with recording(path, keep_raw_content=True) as processor:
        for attributes in given:
            end_spans(processor, 1, **attributes)
        assert processor.force_flush()
    content = every_byte(tmp_path)
    assert not [start for start in range(0, len(row) - 76, 76) if row[start : start + 38].encode() in content]
    assert content.count(hashlib.sha256(data).hexdigest().encode()) >= len(given)
