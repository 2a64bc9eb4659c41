from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.texts.fitting import STRUCTURE_BYTES
from tests.pipeline.test_properties import any_text, any_value, quick, scratch
from tests.support import CHAT, check_file, query, span_of, value
from tests.texts.test_texts import MARK


def store(path: Path, limit: int, **attributes: object) -> None:
    """Store one span, named by underscores where its attributes have dots."""
    exporter = SQLiteSpanExporter(path, max_text_bytes=limit)
    exporter.export([span_of({**CHAT, **{key.replace("__", "."): item for key, item in attributes.items()}})])
    exporter.shutdown()
    check_file(path)


def answer(*parts: object) -> str:
    """Return an output message of some parts."""
    return json.dumps([{"role": "assistant", "parts": list(parts)}], default=str, skipkeys=True)


def stored_parts(path: Path) -> list[dict[str, object]]:
    """Return the parts of the only message, and check what every part has to be."""
    parts = json.loads(str(value(path, "SELECT parts FROM call_messages")))
    assert isinstance(parts, list)
    assert all(isinstance(part, dict) and isinstance(part["type"], str) for part in parts)
    return parts


def size(document: object) -> int:
    """Return the bytes of a value as compact JSON."""
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


leaves = st.sampled_from(
    ["\x01" * 300, '"' * 900, "é" * 900, 2**3000, -(2**400), 2**62, 1e-300, None, "id", "x " * 100]
)
names = st.sampled_from(["id", "name", "type", "k " * 350, "\x02" * 300, "a"]) | any_text
big_values = (
    any_value
    | st.recursive(leaves, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(names, inner), max_leaves=8)
    | st.builds(lambda item, count: [item] * count, leaves | st.dictionaries(names, leaves), st.integers(1, 60))
)


@quick
@given(values=st.dictionaries(any_text | st.just("k" * 5000), big_values, max_size=3), limit=st.integers(16, 3000))
def test_an_attribute_never_takes_more_than_the_limit(values: dict[str, object], limit: int) -> None:
    """Texts, keys, numbers and many small elements: as JSON, each value keeps the limit and its structure's 1 KiB."""
    with scratch() as path:
        store(path, limit, **{"v": values, **values})
        for key, item in json.loads(str(value(path, "SELECT attributes FROM spans"))).items():
            assert size(item) <= limit + STRUCTURE_BYTES
            assert len(key) <= 256


@quick
@given(
    parts=st.lists(
        st.dictionaries(st.sampled_from(["type", "id", "content"]) | any_text, big_values, max_size=3), max_size=3
    ),
    limit=st.integers(16, 3000),
)
def test_a_message_never_takes_more_than_the_limit(parts: list[dict[str, object]], limit: int) -> None:
    """Whatever its parts are, a message keeps the limit, and is a list of parts."""
    with scratch() as path:
        store(path, limit, gen_ai__output__messages=answer({"type": "text", "content": "first"}, *parts))
        for text, document, full, kept in query(path, "SELECT text, parts, full_bytes, kept_bytes FROM messages"):
            assert isinstance(full, int)
            assert isinstance(kept, int)
            assert kept <= min(full, limit)
            assert len(str(text).encode()) <= limit
            if document is not None:
                assert len(str(document).encode()) <= limit + STRUCTURE_BYTES
                assert all(isinstance(part, dict) for part in json.loads(str(document)))
        assert value(path, "SELECT count(*) FROM llm_calls") == 1


@pytest.mark.parametrize(
    "given_value",
    [
        list(range(10_000)),
        {f"key {number}": number for number in range(5000)},
        {"k " * 50_000: 1},
        [["x"] * 10 for _ in range(2000)],
        2**100_000,
        [[]] * 10_000,
        "\x00" * 10_000,
    ],
    ids=["numbers", "keys", "long key", "small texts", "huge integer", "lists", "escapes"],
)
def test_what_is_no_long_text_is_bounded_and_recorded_too(tmp_path: Path, given_value: object) -> None:
    """Numbers, keys, brackets and escapes count, and what is left out of them is in ``truncated_bytes``."""
    path = tmp_path / "traces.db"
    store(path, 1000, given=given_value)
    kept = json.loads(str(value(path, "SELECT attributes FROM spans")))["given"]
    assert 150 < size(kept) <= 1000 + STRUCTURE_BYTES
    assert int(str(value(path, "SELECT truncated_bytes FROM spans"))) > 0


def test_names_ids_and_types_are_never_cut(tmp_path: Path) -> None:
    """A long text at the beginning costs the calls after it nothing of what they are recognised by."""
    path = tmp_path / "traces.db"
    calls = [
        {"type": "tool_call", "id": f"call_{number:030}", "name": f"tool_{number}", "arguments": {"text": "é" * 900}}
        for number in range(5)
    ]
    store(path, 400, gen_ai__output__messages=answer({"type": "text", "content": "long " * 5000}, *calls))
    first, *rest = stored_parts(path)
    assert first["type"] == "text"
    assert [{**call, "arguments": None} for call in rest] == [{**call, "arguments": None} for call in calls]
    assert len(json.loads(str(value(path, "SELECT tool_calls FROM llm_calls")))) == 5


def test_short_texts_stay_whole_and_long_ones_share_the_rest(tmp_path: Path) -> None:
    """The limit is spread: no text is cut as long as a longer one could be."""
    path = tmp_path / "traces.db"
    lengths = (3000, 10, 2000, 40, 5000, 90)
    store(path, 1000, gen_ai__output__messages=answer(*({"type": "text", "content": ("x " * n)[:n]} for n in lengths)))
    contents = [str(part["content"]) for part in stored_parts(path)]
    long = (1000 - 10 - 40 - 90) // 3
    assert [len(content) for content in contents] == [long, 10, long, 40, long, 90]
    missing = sum(int(number) for content in contents for number in MARK.findall(content))
    kept = sum(len(MARK.sub("", content)) for content in contents)
    assert query(path, "SELECT full_bytes, kept_bytes FROM messages") == [(sum(lengths), kept)]
    assert value(path, "SELECT truncated_bytes FROM spans") == missing == sum(lengths) - kept


@pytest.mark.parametrize("count", [4001, 12_000])
def test_a_message_of_thousands_of_parts_ends_with_how_many_are_missing(tmp_path: Path, count: int) -> None:
    """Parts that are left out become one part that counts them, and every view stays readable."""
    path = tmp_path / "traces.db"
    call = {"type": "tool_call", "id": "1", "name": "f", "arguments": {"a": {"b": "c"}}}
    store(path, 16_384, gen_ai__output__messages=answer(*([call] * count)))
    *kept, last = stored_parts(path)
    assert kept == [call] * len(kept)
    assert last == {"type": "omitted", "count": count - len(kept)}
    assert len(kept) > 100
    assert len(json.loads(str(value(path, "SELECT tool_calls FROM llm_calls")))) == len(kept)
    assert int(str(value(path, "SELECT truncated_bytes FROM spans"))) > count


def test_a_limit_far_above_what_there_is_keeps_20000_values(tmp_path: Path) -> None:
    """However large the limit is, a message of a million values can't stop the writer; its parts stay parts."""
    path = tmp_path / "traces.db"
    store(path, 1 << 30, gen_ai__output__messages=answer(*([{"type": "x", "a": [1, 2]}] * 9000)))
    *kept, last = stored_parts(path)
    assert last == {"type": "omitted", "count": 9000 - len(kept)}
    assert all(part["type"] == "x" for part in kept)
    assert len(kept) > 3000


def test_blobs_keep_what_identifies_them(tmp_path: Path) -> None:
    """Type, size and hash of media survive any limit beside a long text."""
    path = tmp_path / "traces.db"
    blob = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "aGVsbG8="}
    store(path, 100, gen_ai__output__messages=answer({"type": "text", "content": "t " * 9000}, blob))
    assert stored_parts(path)[1] == {
        "type": "blob",
        "modality": "image",
        "mime_type": "image/png",
        "byte_count": 5,
        "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    }


def test_names_of_attributes_that_are_cut_alike_both_keep_their_values(tmp_path: Path) -> None:
    """Two long names with one beginning do not overwrite each other."""
    path = tmp_path / "traces.db"
    store(path, 1000, **{"n " * 150: 1, "n " * 151: 2})
    kept = json.loads(str(value(path, "SELECT attributes FROM spans")))
    assert [item for key, item in kept.items() if key.startswith("n n")] == [1, 2]


def test_a_list_of_finish_reasons_keeps_the_limit(tmp_path: Path) -> None:
    """The column is bounded as the attribute is that it comes from."""
    path = tmp_path / "traces.db"
    store(path, 1000, gen_ai__response__finish_reasons=tuple(f"reason {number}" for number in range(5000)))
    document = str(value(path, "SELECT finish_reasons FROM spans"))
    assert len(document) <= 1000 + STRUCTURE_BYTES
    assert json.loads(document)[:2] == ["reason 0", "reason 1"]
    assert value(path, "SELECT finish_reason FROM llm_calls") == "reason 0"
