"""One call with everything that is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.essentials import MESSAGE_DIRECTIONS
from otel_sqlite_exporter.reading.blocks import tool_definitions
from otel_sqlite_exporter.reading.building import Json, as_int, as_json, as_text, build, json_text
from otel_sqlite_exporter.reading.calls import calls_of_ids, find_call_id
from otel_sqlite_exporter.reading.conditions import TOTAL_TOKENS
from otel_sqlite_exporter.reading.failures import NotFoundError
from otel_sqlite_exporter.reading.markdown_form import call_markdown
from otel_sqlite_exporter.reading.rows.calls import Call, Message
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.units import counted

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.connection import ReadConnection

SHOWN_MESSAGES: Final = 2000
"""How many messages of each direction a transcript has; of more, the last ones."""

_PARAMETERS: Final = ("gen_ai.request.", "llm.request.")
_MESSAGES: Final = """
SELECT sm.span_id, sm.direction, sm.position, m.role, m.text,
  coalesce(m.parts, json_array(json_object('type', 'text', 'content', m.text))) AS parts,
  sm.finish_reason, m.full_bytes, m.kept_bytes, m.id AS message_id
FROM span_messages sm JOIN messages m ON m.id = sm.message_id
WHERE sm.span_id = ? AND sm.direction = ? ORDER BY sm.position DESC LIMIT ?"""

_OTHER_SPAN: Final = f"""
SELECT s.*, coalesce(s.shown_in_trace_id, s.trace_id) AS trace_id, coalesce(s.request_model, s.response_model) AS model,
  {TOTAL_TOKENS} AS total_tokens, (s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 AS duration_ms,
  strftime('%Y-%m-%dT%H:%M:%fZ', s.start_time_unix_nano / 1e9, 'unixepoch') AS start_time,
  strftime('%Y-%m-%dT%H:%M:%fZ', s.end_time_unix_nano / 1e9, 'unixepoch') AS end_time,
  (SELECT service_name FROM resources r WHERE r.id = s.resource_id) AS service_name
FROM spans s WHERE s.id = ?"""


@dataclass(frozen=True, kw_only=True)
class CallDetail:
    """One call, or another step, with all that is known about it.

    Args:
        call: The numbers.
        messages: The messages in reading order: system, input, output.
        left_out: How many earlier messages are not among them.
        attributes: The span's attributes as emitted, without those that hold messages.
        events: The span's events.
        scope: Who made the span: the instrumentation's name and version.
        reports: ``spans.id`` of further reports of the same call.
        parent_id: ``spans.id`` of the step around it, None where that is not in the file.
        tool_name: The tool, of a tool's execution.
        asked_by_id: ``spans.id`` of the call that asked for it, None where that can't be told.
        attributes_evicted: Whether the SDK's limit took attributes that a column or a message needed.
    """

    call: Call
    messages: tuple[Message, ...]
    left_out: int
    attributes: Json
    events: Json
    scope: str | None
    reports: tuple[int, ...]
    parent_id: int | None
    tool_name: str | None
    asked_by_id: int | None
    attributes_evicted: bool

    @cached_property
    def tool_definitions(self) -> list[Json]:
        """The tools that the model was offered."""
        return tool_definitions(self.messages)

    @cached_property
    def parameters(self) -> dict[str, Json]:
        """What was asked for beside model and messages: temperature, max_tokens, ..."""
        found: dict[str, Json] = {}
        for name, value in self.attributes.items() if isinstance(self.attributes, dict) else ():
            if name == "llm.invocation_parameters":
                parsed = as_json(value) if isinstance(value, str) else value
                found.update(parsed if isinstance(parsed, dict) else {})
            prefix = next((prefix for prefix in _PARAMETERS if name.startswith(prefix)), None)
            if prefix is not None and name not in _NO_PARAMETERS:
                found[name[len(prefix) :]] = value
        return {name: value for name, value in found.items() if name not in {"model", "messages", "tools"}}

    def dict(self) -> dict[str, Json]:
        """Return all of it as JSON can hold it: the call's columns, then messages and the rest."""
        row = Rows(Call, [self.call]).dicts()[0]
        return row | {
            "tool_name": self.tool_name,
            "messages": list(Rows(Message, self.messages).dicts()),
            "messages_left_out": self.left_out,
            "tool_definitions": self.tool_definitions,
            "parameters": self.parameters,
            "attributes": self.attributes,
            "events": self.events,
            "scope": self.scope,
            "reports": list(self.reports),
            "parent_id": self.parent_id,
            "asked_by_id": self.asked_by_id,
            "attributes_evicted": self.attributes_evicted,
        }

    def markdown(self) -> str:
        """Return it as Markdown."""
        asked_by = [f"asked for by call {self.asked_by_id}"] if self.asked_by_id is not None else []
        return call_markdown(self.call, self.messages, asked_by)

    def json(self, *, indent: int | None = None) -> str:
        """Return all of it as JSON text."""
        return json_text(self.dict(), indent=indent)

    def _repr_html_(self) -> str:
        from otel_sqlite_exporter.reading.html import call_html  # noqa: PLC0415 - only a notebook needs it

        return call_html(self.call, self.messages, self.left_out)

    def __repr__(self) -> str:
        return f"<call {self.call.id}: {self.call.name}, {counted(len(self.messages), 'message')}>"


_NO_PARAMETERS: Final = frozenset({"gen_ai.request.model", "llm.request.type"})


def messages_of(connection: ReadConnection, span_id: int, *, limit: int | None = None) -> Rows[Message]:
    """Return a span's messages in reading order; of each direction the last ``limit``."""
    found: list[Message] = []
    for direction in MESSAGE_DIRECTIONS:
        names, rows = connection.table(_MESSAGES, [span_id, direction, -1 if limit is None else limit])
        found += [build(Message, names, row) for row in reversed(rows)]
    return Rows(Message, found)


def call_detail(connection: ReadConnection, wanted: int | str) -> CallDetail:
    """Return one call; :meth:`Database.call` says more."""
    span_id = find_call_id(connection, wanted)
    calls = calls_of_ids(connection, [span_id])
    call = calls[0] if calls else _other_span(connection, span_id)
    messages = messages_of(connection, span_id, limit=SHOWN_MESSAGES)
    counted = connection.row("SELECT count(*) FROM span_messages WHERE span_id = ?", [span_id])
    row = connection.row(
        "SELECT s.attributes, s.events, c.name || ' ' || c.version, s.tool_name, p.id, s.attributes_evicted "
        "FROM spans s LEFT JOIN scopes c ON c.id = s.scope_id "
        "LEFT JOIN spans p ON p.trace_id = s.trace_id AND p.span_id = s.parent_span_id WHERE s.id = ?",
        [span_id],
    )
    if row is None:
        raise NotFoundError(f"there is no span {span_id} any more")
    reports = connection.rows("SELECT id FROM spans WHERE duplicate_of = ? ORDER BY id", [span_id])
    asked_by = connection.row("SELECT call_id FROM tool_calls WHERE id = ?", [span_id]) if row[3] is not None else None
    return CallDetail(
        call=call,
        messages=tuple(messages),
        left_out=max((as_int(counted[0]) or 0 if counted else 0) - len(messages), 0),
        attributes=as_json(row[0]),
        events=as_json(row[1]),
        scope=as_text(row[2]),
        reports=tuple(as_int(report[0]) or 0 for report in reports),
        parent_id=as_int(row[4]),
        tool_name=as_text(row[3]),
        asked_by_id=as_int(asked_by[0]) if asked_by is not None else None,
        attributes_evicted=bool(row[5]),
    )


def _other_span(connection: ReadConnection, span_id: int) -> Call:
    names, rows = connection.table(_OTHER_SPAN, [span_id])
    if not rows:
        raise NotFoundError(f"there is no span {span_id} any more")
    # Of columns with one name the last one counts: the computed one.
    found = dict(zip(names, rows[0], strict=True))
    return build(Call, list(found), list(found.values()))
