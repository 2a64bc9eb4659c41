"""What many spans share becomes a row once."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.config import exporter_options
from otel_sqlite_exporter.conventions.call import Call, Shared
from otel_sqlite_exporter.pipeline.conversion import Converter
from otel_sqlite_exporter.pipeline.known_rows import KnownRows
from tests.support import end_spans, query, recording

TOOL = {"type": "function", "name": "look_up", "description": "Finds what was said.", "parameters": {"type": "object"}}


def test_an_object_becomes_a_row_once() -> None:
    """By its identity: an equal object is another one."""
    made: list[list[int]] = []

    def make(shared: list[int]) -> int:
        made.append(shared)
        return sum(shared)

    rows = KnownRows(make)
    one, other = [1, 2], [1, 2]
    assert [rows.of(one), rows.of(other), rows.of(one), rows.of(other)] == [3, 3, 3, 3]
    assert len(made) == 2


def test_only_the_latest_objects_are_kept() -> None:
    """However many objects there are, few of them are kept in memory, and each has its own row."""
    rows: KnownRows[list[int], int] = KnownRows(sum)
    assert [rows.of([number]) for number in range(1000)] == list(range(1000))
    assert len(rows) <= 64


def test_each_call_of_an_agent_has_its_tools(tmp_path: Path) -> None:
    """The definitions are stored once, and count as cut for each call where they are."""
    path = tmp_path / "traces.db"
    tools = [TOOL, {**TOOL, "name": "note", "description": "x" * 2000}]
    with recording(path, max_text_bytes=1000) as processor:
        for offered in (tools, [TOOL], tools):
            end_spans(processor, 2, **{"gen_ai.tool.definitions": json.dumps(offered)})
    rows = query(
        path,
        "SELECT s.truncated_bytes > 0, json_array_length(m.parts, '$[0].tools') FROM spans s"
        " JOIN span_messages l ON l.span_id = s.id JOIN messages m ON m.id = l.message_id"
        " WHERE m.role = 'tool_definitions' ORDER BY s.id",
    )
    assert [cut for cut, _ in rows] == [1, 1, 0, 0, 1, 1]
    assert len(query(path, "SELECT id FROM messages WHERE role = 'tool_definitions'")) == 2


def test_a_redactor_sees_the_tools_of_every_call(tmp_path: Path) -> None:
    """What it does may depend on more than the text."""
    seen: list[str] = []

    def redact(_key: str, text: str) -> str:
        seen.append(text)
        return text

    with recording(tmp_path / "traces.db", redact=redact) as processor:
        end_spans(processor, 3, **{"gen_ai.tool.definitions": json.dumps([TOOL])})
    assert seen.count("Finds what was said.") == 3


class _Tool(dict[str, Any]):
    """A definition of which can be told whether it is still in memory."""


@pytest.mark.parametrize(("make", "is_kept"), [(Shared, True), (list, False)])
def test_only_definitions_that_calls_share_are_kept(make: Callable[[list[Any]], list[Any]], is_kept: bool) -> None:
    """A list that only one call has would be kept in memory for nothing."""
    converter = Converter(exporter_options(path="traces.db"))
    tool = _Tool(TOOL)
    kept = weakref.ref(tool)
    ((_, _, (_, _, _, parts, _, _), _),) = converter.messages(Call(kind="llm", tool_definitions=make([tool])))
    assert json.loads(str(parts)) == [{"type": "tool_definitions", "tools": [TOOL]}]
    del tool
    gc.collect()
    assert (kept() is not None) == is_kept
